package dockerfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// document is a Dockerfile on its way.
type document struct {
	writer
	*Input
	// noted is set once it was said what the build context leaves out.
	noted bool
	// declared is set once a stage has the variables that tell platforms apart.
	declared bool
	// tools is the stage with certificates and time zones.
	tools string
}

// Write is the Dockerfile. The same input is the same text.
func Write(in Input) string {
	d := &document{Input: &in}
	d.taken = map[string]bool{"scratch": true, "context": true}
	for name := range in.Contexts {
		d.taken[name] = true
	}
	for _, img := range in.Images {
		d.taken[img.Target.Base] = true
		d.taken[img.Compiler] = true
	}
	final := d.stage(imageStage(in.Target))
	d.taken[final] = true
	d.head()
	d.globals()
	d.frontendImage()
	if in.Binaries {
		d.binaries(final)
	} else {
		d.image(&in.Images[0], final)
	}
	return d.out.String()
}

func (d *document) head() {
	if d.newest() {
		// A directive is one on the first lines only.
		d.line("# syntax=docker/dockerfile:1")
	}
	names := make([]string, len(d.Platforms))
	for i, pf := range d.Platforms {
		names[i] = pf.String()
	}
	what := "The image of target " + d.Target
	if d.Binaries {
		what = "The binaries"
	}
	d.comment(fmt.Sprintf("%s of %s for %s, as a Dockerfile.", what, d.Spec, spec.List(names)))
	d.line("#")
	if d.Form == Plain {
		d.comment("It has nothing that only BuildKit knows: Docker Engine's classic builder and buildah build it too, with the folder that the spec was built with as the build context.",
			"Another platform needs another file.")
	} else {
		d.comment("BuildKit builds it with its own frontend, with the build context and the named contexts of the spec:")
		d.verbatim("docker buildx build --platform " + strings.Join(names, ",") + " -f Dockerfile .")
	}
	for _, img := range d.Images {
		if t := img.Target; t.Description != "" && !d.Binaries {
			d.line("#")
			d.comment(t.Description)
		}
		d.annotations(&img)
	}
	if len(d.Fixed) > 0 {
		d.line("#")
		d.comment("Arguments that stand where a Dockerfile has no variables, with the values that they had:")
		for _, kv := range sorted(d.Fixed) {
			d.verbatim(kv[0] + "=" + kv[1])
		}
	}
}

// newest tells whether there is anything that came late to Dockerfiles.
func (d *document) newest() bool {
	if d.Form == Plain || d.Binaries {
		return false
	}
	return slices.ContainsFunc(d.Images[0].Copies, func(c Copy) bool { return len(c.Exclude) > 0 || c.Chmod.Set })
}

// annotations says which annotations the result has otherwise.
func (d *document) annotations(img *Image) {
	all := map[string]string{}
	maps.Copy(all, img.Target.Metadata.Annotations())
	maps.Copy(all, img.Target.Annotations)
	if len(all) == 0 || d.Binaries {
		return
	}
	d.line("#")
	how := "They are flags of the build:"
	if d.Form == Plain {
		how = "buildah has --annotation for them:"
	}
	d.comment("NOT TRANSLATED: a Dockerfile has no annotations. " + how)
	for _, kv := range sorted(all) {
		d.verbatim("--annotation " + command([]string{kv[0] + "=" + kv[1]}))
	}
}

// globals declares the arguments before the first stage, which has each stage see the
// same default.
func (d *document) globals() {
	if len(d.Args) == 0 {
		return
	}
	d.gap()
	d.comment("The arguments of the spec, set by --build-arg.")
	for _, a := range d.Args {
		if a.Default == nil {
			d.line("ARG " + a.Name)
			continue
		}
		d.linef("ARG %s=%s", a.Name, value(*a.Default))
	}
}

// frontendImage is the stage with certificates and time zones.
func (d *document) frontendImage() {
	if !slices.ContainsFunc(d.Images, func(img Image) bool { return img.Bundle != "" || img.Zoneinfo != "" }) || d.Binaries {
		return
	}
	d.gap()
	d.comment("Certificates and time zones, which an image from scratch lacks. The image of fromscratch has them from Debian's packages, byte for byte those of a fromscratch build.")
	if d.ToolsGuessed {
		d.comment("(Which image the frontend ran from is not known, so this is the released one.)")
	}
	d.tools = d.stage("fromscratch")
	d.linef("FROM %s%s AS %s", d.onBuilder(), d.Tools, d.tools)
}

// binaries writes every target's compile, and one tree with what came of them.
func (d *document) binaries(final string) {
	made := make([]stages, len(d.Images))
	for i := range d.Images {
		img := &d.Images[i]
		d.gap()
		d.comment(fmt.Sprintf("Target %s.", img.Target.Name()))
		made[i] = d.compiled(img, imageStage(img.Target.Name())+"-")
	}
	d.gap()
	d.comment("The binaries and nothing else: docker buildx build -o dist … writes them to a folder.")
	d.linef("FROM %sscratch AS %s", d.forTarget(), final)
	for i := range d.Images {
		img := &d.Images[i]
		for j, p := range img.Paths {
			d.linef("COPY --from=%s %s", made[i].binaries, paths(made[i].dir+"/"+d.fileIn(img, j), p))
		}
	}
	d.labels(sorted(d.Labels))
}
