package lint

import "github.com/fromscratch-build/fromscratch/frontend/spec"

// Nobody runs as root without having asked for it, so that what is left to say
// is what the price is and what the usual reasons are worth.
var runsAsRoot = &Rule{
	Name:        "RunsAsRoot",
	Description: "A program that runs as root makes every flaw in it worse, and Kubernetes can be told to refuse it.",
	each: func(p *pass, t *spec.Target) {
		if t.User.UID != 0 || !p.spec.Wrote(pathOf(t, "user")) {
			return
		}
		p.report(p.valueRange(pathOf(t, "user")),
			"the program runs as root, so a flaw in it reaches what root can reach, and Kubernetes refuses the image where runAsNonRoot is set; "+
				"remove user to run as nonroot (65532:65532), or write a number such as 10001. "+
				"Ports below 1024 need no root in containers of Docker and containerd 2, and directories for the user come with volumes or extras.dirs")
	},
}
