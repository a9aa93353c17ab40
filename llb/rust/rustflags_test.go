package rust_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func withConfig(config string) fstest.MapFS {
	src := service()
	src[".cargo/config.toml"] = &fstest.MapFile{Data: []byte(config)}
	return src
}

// TestRustflags: what a platform asks for comes on top of what the project does.
func TestRustflags(t *testing.T) {
	const triple = "target.x86_64-unknown-linux-musl.rustflags="
	for _, tc := range []struct {
		name, target, config string
		arg                  string
		env                  map[string]string
	}{
		{"nothing", "{}", "", triple + `["-Ctarget-cpu=x86-64-v3"]`, nil},
		{"for all targets", "{}", "[build]\nrustflags = ['--cfg', 'tokio_unstable']\n", triple + `["--cfg","tokio_unstable","-Ctarget-cpu=x86-64-v3"]`, nil},
		{"as text", "{}", "[build]\nrustflags = '--cfg a'\n", triple + `["--cfg","a","-Ctarget-cpu=x86-64-v3"]`, nil},
		{"for this target, which Cargo joins", "{}", "[build]\nrustflags = ['a']\n[target.x86_64-unknown-linux-musl]\nrustflags = ['b']\n", triple + `["-Ctarget-cpu=x86-64-v3"]`, nil},
		{"for another target", "{}", "[build]\nrustflags = ['a']\n[target.x86_64-pc-windows-msvc]\nrustflags = ['b']\n", triple + `["a","-Ctarget-cpu=x86-64-v3"]`, nil},
		{"in the environment", "{build: {env: {RUSTFLAGS: --cfg a}}}", "[build]\nrustflags = ['b']\n", "", map[string]string{"RUSTFLAGS": "--cfg a -Ctarget-cpu=x86-64-v3"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan(t, tc.target, withConfig(tc.config))
			require.NoError(t, err)
			s := stagesOf(t, p, "linux/amd64/v3")
			if tc.arg == "" {
				require.NotContains(t, s.compile.Args, "--config")
			} else {
				require.Contains(t, s.compile.Args, tc.arg)
				require.Contains(t, s.dependencies.Args, tc.arg)
			}
			for name, value := range tc.env {
				require.Equal(t, value, s.compile.Env[name])
				require.Equal(t, value, s.dependencies.Env[name])
			}
			require.NotContains(t, stagesOf(t, p, "linux/amd64").compile.Args, "--config", "the platform asks for nothing")
		})
	}
}

func TestDynamicRust(t *testing.T) {
	for _, tc := range []struct{ name, target, config, want string }{
		{"for all", "{}", "[build]\nrustflags = ['-C', 'target-feature=-crt-static']\n", "s:3:8: the rustflags in .cargo/config.toml have -C target-feature=-crt-static, which links musl dynamically"},
		{"for musl", "{}", "[target.x86_64-unknown-linux-musl]\nrustflags = ['-Ctarget-feature=+aes,-crt-static']\n", "s:3:8: the rustflags in .cargo/config.toml have"},
		{"in the environment", "{build: {env: {RUSTFLAGS: -Ctarget-feature=-crt-static}}}", "", "s:3:16: RUSTFLAGS in build.env have"},
		{"for Windows", "{}", "[target.x86_64-pc-windows-msvc]\nrustflags = ['-Ctarget-feature=-crt-static']\n", ""},
		{"static", "{}", "[build]\nrustflags = ['-Ctarget-feature=+crt-static']\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := plan(t, tc.target, withConfig(tc.config))
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}
