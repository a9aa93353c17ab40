package spec

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Capability is a Linux capability that the binary has as a file, whoever runs
// it: net_bind_service, with or without cap_ in front. What follows an equals
// sign says how, as in setcap(8): ep, the default, has it in effect from the
// start, and p leaves that to the program.
type Capability struct {
	// Number is the number of the capability in the kernel.
	Number int
	// Effective tells whether the capability is in effect when the program starts.
	Effective bool
}

// Name is the name of the capability without cap_.
func (c Capability) Name() string { return capabilities[c.Number] }

// capabilities lists the names by number (include/uapi/linux/capability.h).
var capabilities = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
	"net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace",
	"sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write",
	"audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}

func (c *Capability) decode(d *decoder, n *yaml.Node, p Path) {
	s, ok := d.scalar(n, p)
	if !ok {
		return
	}
	name, flags, flagged := strings.Cut(strings.ToLower(s), "=")
	name = strings.TrimPrefix(name, "cap_")
	c.Effective = true
	if flagged {
		switch flags {
		case "ep", "pe":
		case "p":
			c.Effective = false
		default:
			hint := "=ep, or =p for a program that puts it into effect itself"
			if strings.Contains(flags, "i") {
				hint += "; inheritable capabilities come to nothing in a container, where nothing has any to hand on"
			}
			d.problem(n, "%s does not say how the program has the capability; write nothing, %s", quote("="+flags), hint)
			return
		}
	}
	if c.Number = slices.Index(capabilities, name); c.Number < 0 {
		c.Number = 0
		hint := DidYouMean(name, capabilities)
		switch {
		case name == "all":
			hint = "; name those that the program needs"
		case hint != "":
		case strings.ContainsAny(name, ", +"):
			hint = "; write several as a list: [net_bind_service, net_raw]"
		default:
			hint = "; write one of capabilities(7), such as net_bind_service"
		}
		d.problem(n, "there is no capability %s%s", quote(s), hint)
	}
}

// validateCapabilities refuses what one file cannot have.
func (d *decoder) validateCapabilities(t *Target, p Path) {
	for i, c := range t.Capabilities {
		at := d.at.value(p.Join(strconv.Itoa(i)))
		if d.faulty(at) {
			return
		}
		if slices.ContainsFunc(t.Capabilities[:i], func(o Capability) bool { return o.Number == c.Number }) {
			d.problemAt(at, "%s is written twice; remove one of them", c.Name())
		}
		if c.Effective != t.Capabilities[0].Effective {
			d.problemAt(at, "a file has all of its capabilities in effect from the start or none: write =p after each of them, or after none")
			return
		}
	}
}
