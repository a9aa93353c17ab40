package lint_test

import "testing"

func TestDuplicateDestination(t *testing.T) {
	const place = "; give the binary another place: path: /bin/app"
	src := files("passwd", "x", "hosts", "x", "one.yaml", "x", "two.yaml", "x", "app", "x",
		"etc/passwd", "x", "conf/one.yaml", "x", "conf/app/x", "x", "more/one.yaml", "x", "bin/app", "x")
	run(t, "DuplicateDestination", []testCase{
		{name: "working directory", spec: goTarget("workdir: /app"), want: []string{"5:14 /app is the binary, and cannot also be the working directory" + place}},
		{name: "below the binary", spec: goTarget("workdir: /app/data"), want: []string{"5:14 /app is the binary, so there can be nothing below it such as /app/data" + place}},
		{name: "volume", spec: goTarget("volumes: [/data, /app]"), want: []string{"5:22 /app is the binary, and cannot also be a volume" + place}},
		{name: "directory", spec: goTarget("extras: {dirs: [{path: /app}]}"), want: []string{"5:28 /app is the binary, and cannot also be a directory of extras.dirs" + place}},
		{name: "home", spec: goTarget("user: {name: app, uid: 1, home: /app}"), want: []string{"5:37 /app is the binary, and cannot also be the home of the user" + place}},
		{name: "copy below the binary", spec: goTarget("copy: [{src: static/, dest: /app/static/}]"), want: []string{"5:33 /app is the binary, so there can be nothing below it such as /app/static" + place}},
		{name: "copy over the binary", spec: goTarget("copy: [{src: x, dest: /app}]"), want: []string{"5:27 /app is written twice, as the binary and as x of copy" + place}},
		{name: "copy to the folder of the binary", spec: goTarget("copy: [{src: app, dest: /}]"), src: src, want: []string{"5:29 /app is written twice, as the binary and as app of copy" + place}},
		{name: "a directory named like the binary", spec: goTarget("copy: [{src: bin, dest: /}]"), src: src, want: []string{"5:29 /app is written twice, as the binary and as bin/app of copy" + place}},
		{name: "a directory with a directory of that name", spec: goTarget("copy: [{src: conf, dest: /}]"), src: src},
		{name: "binary elsewhere", spec: goTarget("path: /bin/app", "workdir: /app", "copy: [{src: static/, dest: /app/static/}]")},
		{name: "binary in the working directory", spec: goTarget("path: /app/app", "workdir: /app")},
		{name: "binary over an extra", spec: goTarget("path: /etc/passwd"), want: []string{"5:11 /etc/passwd is written twice, as the binary and as a file of the extra passwd; give the binary another place: path: /bin/passwd"}},
		{name: "target named like a directory", spec: "toolchain: go-cgo0\ntargets:\n  tmp: {}\n", want: []string{"3:3 /tmp is the binary, and cannot also be the directory of the extra tmp; give the binary another place: path: /bin/tmp"}},
		{name: "target named like a parent", spec: "toolchain: go-cgo0\ntargets:\n  etc: {}\n", want: []string{"3:3 /etc is the binary, so there can be nothing below it such as /etc/ssl/certs/ca-certificates.crt; give the binary another place: path: /bin/etc"}},

		{name: "several binaries", spec: "toolchain: go-cgo0\ntargets:\n  a: {build: {package: [./a/server, ./b/server, ./c]}, entrypoint: [/c]}\n", want: []string{"3:37 /server is written twice, as the binary server and as the binary server; give it another name, or a target of its own"}},
		{name: "several binaries of Rust", spec: "toolchain: rust-musl\ntargets:\n  a: {build: {bin: [x, y, x]}, entrypoint: [/x]}\n", want: []string{"3:27 /x is written twice, as the binary x and as the binary x; give it another name, or a target of its own"}},
		{name: "names that the spec does not tell", spec: "toolchain: go-cgo0\ntargets:\n  a: {build: {package: [example.org/x/v2, example.org/y/v2, .]}, entrypoint: [/x]}\n"},
		{name: "packages of Rust", spec: "toolchain: rust-musl\ntargets:\n  a: {build: {package: [x, y]}, workdir: /x, entrypoint: [/x]}\n"},

		{name: "extra by name", spec: goTarget("copy: [{src: passwd, dest: /etc/passwd}]"), want: []string{"5:32 /etc/passwd is written twice, as a file of the extra passwd and as passwd of copy; turn the extra off with extras: {passwd: false} to have your own"}},
		{name: "extra by folder", spec: goTarget("copy: [{src: passwd, dest: /etc/}]"), src: src, want: []string{"5:32 /etc/passwd is written twice, as a file of the extra passwd and as passwd of copy; turn the extra off with extras: {passwd: false} to have your own"}},
		{name: "extra by folder, without sources", spec: goTarget("copy: [{src: passwd, dest: /etc/}]")},
		{name: "extra by directory", spec: goTarget("copy: [{src: etc/, dest: /etc}]"), src: src, want: []string{"5:30 /etc/passwd is written twice, as a file of the extra passwd and as etc/passwd of copy; turn the extra off with extras: {passwd: false} to have your own"}},
		{name: "directory with exceptions", spec: goTarget("copy: [{src: etc/, dest: /etc, exclude: passwd}]"), src: src},
		{name: "certificates", spec: goTarget("copy: [{from: certs, src: ca.crt, dest: /etc/ssl/certs/ca-certificates.crt}]"), want: []string{"5:45 /etc/ssl/certs/ca-certificates.crt is written twice, as a file of the extra ca-certificates and as ca.crt of copy; write extras: {ca-certificates: {append: [your.pem]}} to add certificates, or {ca-certificates: false} to have only your own"}},
		{name: "extra that is on", spec: goTarget("extras: [hosts]", "copy: [{src: hosts, dest: /etc/hosts}]"), want: []string{"6:31 /etc/hosts is written twice, as a file of the extra hosts and as hosts of copy; turn the extra off with extras: {hosts: false} to have your own"}},
		{name: "extra that is off", spec: goTarget("extras: {passwd: false}", "copy: [{src: hosts, dest: /etc/hosts}, {src: passwd, dest: /etc/passwd}]"), src: src},
		{name: "file in the place of a directory", spec: goTarget("copy: [{src: hosts, dest: /etc}]"), src: src, want: []string{"5:31 /etc is hosts of copy, so there can be nothing below it such as /etc/ssl/certs/ca-certificates.crt; choose another dest, or write dest: /etc/ to copy it into the directory"}},

		{name: "two files", spec: goTarget("copy: [{src: one.yaml, dest: /etc/app.yaml}, {src: two.yaml, dest: /etc/app.yaml}]"), src: src, want: []string{"5:72 /etc/app.yaml is written twice, as one.yaml of copy and as two.yaml of copy; choose another dest"}},
		{name: "two files in a folder", spec: goTarget("copy: [{src: conf/one.yaml, dest: /c/}, {src: more/one.yaml, dest: /c/}]"), src: src, want: []string{"5:72 /c/one.yaml is written twice, as conf/one.yaml of copy and as more/one.yaml of copy; choose another dest"}},
		{name: "two that may be directories", spec: goTarget("copy: [{src: a, dest: /c}, {src: b, dest: /c}]")},
		{name: "two directories", spec: goTarget("copy: [{src: conf, dest: /c}, {src: more, dest: /c}]"), src: src},
		{name: "a file over that of a directory", spec: goTarget("copy: [{src: conf, dest: /c}, {src: more/one.yaml, dest: /c/one.yaml}]"), src: src},
		{name: "a directory over a file", spec: goTarget("copy: [{src: more/one.yaml, dest: /c/one.yaml}, {src: conf, dest: /c}]"), src: src},
		{name: "wildcards", spec: goTarget("copy: [{src: \"*.yaml\", dest: /c/}, {src: \"*.yaml\", dest: /c/}]"), src: src},
		{name: "a file named like a volume", spec: goTarget("volumes: [/data]", "copy: [{src: one.yaml, dest: /data}]"), src: src, want: []string{"6:34 /data is a volume, and cannot also be one.yaml of copy; choose another dest, or write dest: /data/ to copy it into the directory"}},
		{name: "the whole context", spec: goTarget("path: /bin/app", "extras: none", "copy: [{src: ., dest: /}]"), src: src, want: []string{"7:27 /bin/app is written twice, as the binary and as bin/app of copy; give the binary another place: path: /usr/bin/app"}},

		{name: "volume twice", spec: goTarget("volumes: [/data, /data/]"), want: []string{"5:22 the volume /data is listed twice; remove one of them"}},
		{name: "directory twice", spec: goTarget("extras:", "  dirs:", "    - {path: /data}", "    - {path: /data, chmod: 0700}"), want: []string{"8:18 the directory /data is listed twice, and only one can have its mode and its owner; remove one of them"}},
		{name: "shared directory twice", spec: "toolchain: go-cgo0\nextras: {dirs: [{path: /d}, {path: /d}]}\ntargets:\n  a: {}\n  b: {}\n", want: []string{"2:36 the directory /d is listed twice, and only one can have its mode and its owner; remove one of them"}},
		{name: "tmp", spec: goTarget("extras: {dirs: [{path: /tmp}]}"), want: []string{"5:28 /tmp comes with the extra tmp, with mode 1777; turn that off with extras: {tmp: false}, or remove this"}},
		{name: "directory with its own mode", spec: goTarget("workdir: /data", "volumes: [/data]", "extras: {dirs: [{path: /data, chmod: 0750}]}")},
		{name: "volume over tmp", spec: goTarget("volumes: [/tmp]")},
		{name: "home as a volume", spec: goTarget("user: {name: app, uid: 1000, home: /data}", "volumes: [/data]")},
	})
}
