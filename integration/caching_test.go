//go:build integration

package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/integration/builds"
	"github.com/fromscratch-build/fromscratch/integration/testbed"
)

// TestCachingRecipes runs the commands of the page on caching on one builder, and,
// after an edit, on another that has nothing but what the first one exported.
func TestCachingRecipes(t *testing.T) {
	long(t)
	p := page(t, "docs/caching.md")
	recipe := func(t *testing.T, section string) string {
		blocks := p.In(section)
		require.Len(t, blocks, 1)
		return strings.ReplaceAll(blocks[0].Text, "registry.example.com/", bed.Registry+"/test/")
	}
	folder := recipe(t, "a-folder")
	for _, tc := range []struct {
		name, command string
		// compiles are the packages that the second builder compiles.
		compiles []string
	}{
		{"registry", recipe(t, "a-registry"), []string{"example.com/app"}},
		{"folder", folder, []string{"example.com/app"}},
		// Which the page advises against.
		{"inline", strings.NewReplacer("type=local,src=cache", "type=registry,ref="+bed.Registry+"/test/api", "type=local,dest=cache,mode=max", "type=inline").Replace(folder),
			[]string{"github.com/mitchellh/go-wordwrap", "github.com/pkg/errors", "example.com/app"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mark := fmt.Sprint(tc.name, time.Now().UnixNano())
			dir := builds.Write(t, goModule(t, mark, "v0.9.1"))
			run := func(name string) string {
				builder, err := bed.StartBuildkitd(t.Context(), name, testbed.BuildkitdOpt{})
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, builder.Close()) })
				cmd := bed.Command(t.Context(), "sh", "-c", tc.command)
				cmd.Dir = dir
				cmd.Env = append(cmd.Environ(), "BUILDX_BUILDER="+builder.Builder, "BUILDKIT_PROGRESS=plain", "PATH="+filepath.Dir(bed.Tool("docker"))+":/usr/bin:/bin")
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, string(out))
				return string(out)
			}
			run("recipe-" + tc.name)
			edit(t, dir, "main.go", goMain(mark+" edited"), time.Now())
			require.ElementsMatch(t, tc.compiles, goCompiled(run("recipe-"+tc.name+"-2")))
		})
	}
}
