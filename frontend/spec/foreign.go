package spec

import (
	"reflect"
	"slices"
	"strings"
)

// synonyms are what keys are called elsewhere: in Dockerfiles, in the files of
// Compose and of Kubernetes.
var synonyms = map[string][]string{
	"command":      {"cmd", "test"},
	"cmd":          {"test"},
	"destination":  {"dest"},
	"environment":  {"env"},
	"files":        {"copy"},
	"group":        {"chown"},
	"main":         {"package"},
	"mode":         {"chmod"},
	"owner":        {"chown"},
	"ports":        {"expose"},
	"services":     {"targets"},
	"source":       {"src"},
	"start_period": {"start-period"},
	"stop_signal":  {"stopsignal"},
	"target":       {"dest", "targets"},
	"to":           {"dest"},
	"user":         {"chown"},
	"volume":       {"volumes"},
	"working_dir":  {"workdir"},
}

// instead says what to do about a word of a Dockerfile or of Compose that no key
// stands for.
var instead = map[string]string{
	"add":            "there is no ADD; copy takes files of the build context and of others: copy: [{src: config/, dest: /etc/app/}], and a URL or a git repository is passed with --build-context name=…, for copy: [{from: name, …}]",
	"arg":            "build arguments are declared for all targets, at the top level: args: {NAME: default}",
	"args":           "build arguments are declared for all targets, at the top level: args: {NAME: default}",
	"build_args":     "build arguments are declared for all targets, at the top level: args: {NAME: default}",
	"configs":        "files get into an image with copy: [{src: config/, dest: /etc/app/}]",
	"container_name": "containers are named where they are started, with docker run --name",
	"context":        "the build context is the argument of docker buildx build; build: {dir: …} names a folder in it to compile in",
	"depends_on":     "what runs beside a container is not for an image to say",
	"dockerfile":     "a target has no Dockerfile; write build: to say what to compile",
	"env_file":       "write env: {NAME: value}, or pass the file to docker run --env-file",
	"from":           "the image starts from scratch; base: names another image to start from, toolchain: {image: …} the compiler's, and copy: [{from: name, …}] takes files out of one",
	"image":          "the name of an image is up to docker buildx build --tag; base: names one to start from, and toolchain: {image: …} that of the compiler",
	"maintainer":     "write metadata: {authors: …}",
	"network_mode":   "networks are up to docker run",
	"networks":       "networks are up to docker run",
	"onbuild":        "ONBUILD is not an OCI field, and it would run in builds that start from this image; remove it",
	"platforms":      "platforms are named on the command line, with docker buildx build --platform",
	"restart":        "restarts are up to docker run --restart",
	"run":            "nothing runs in an image from scratch, which has no shell; toolchain: {packages: […]} adds to the compiler's image, and copy: […] to this one",
	"secrets":        "secrets are for builds: build: {secrets: [token]}",
	"shell":          "an image from scratch has no shell; commands are lists, as in entrypoint: [/app, serve]",
	"tags":           "tags of an image are up to docker buildx build --tag; those of Go are build: {tags: […]}",
}

// targetKeys are the keys of a target.
var targetKeys = keysOf(reflect.TypeFor[Target]())

// foreignWord says what to write instead of a key of a Dockerfile or of Compose,
// at the top level or in a target. The instructions of a Dockerfile are often
// written in capitals.
func foreignWord(name string, path Path, known []string) string {
	top, target := len(path) == 0, len(path) == 2 && path[0] == "targets"
	if !top && !target {
		return ""
	}
	name = strings.ToLower(name)
	words := append([]string{name}, synonyms[name]...)
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(known, w) }) {
		return ""
	}
	if top {
		// What every target has goes into each.
		for _, w := range words {
			if slices.Contains(targetKeys, w) {
				return "it belongs to a target: write targets: {app: {" + w + ": …}}"
			}
		}
	}
	return instead[name]
}
