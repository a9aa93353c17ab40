package frontend

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// execOptions is what the request asks of every exec: what docker buildx build
// takes for the RUN lines of a Dockerfile means the same here, and
// --no-cache-filter takes the name of a target.
func (r *request) execOptions(target string) []llb.RunOption {
	var opts []llb.RunOption
	caps := r.BuildOpts().LLBCaps
	has := func(cap apicaps.CapID) bool { return caps.Supports(cap) == nil }

	if r.NetworkMode != pb.NetMode_UNSET {
		opts = append(opts, llb.Network(r.NetworkMode))
	}
	for _, h := range r.ExtraHosts {
		opts = append(opts, llb.AddExtraHost(h.Host, h.IP))
	}
	if has(pb.CapExecMetaUlimit) {
		for _, u := range r.Ulimits {
			opts = append(opts, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
		}
	}
	if r.ShmSize > 0 && has(pb.CapExecMountTmpfsSize) {
		opts = append(opts, llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(r.ShmSize))))
	}
	if r.CgroupParent != "" && has(pb.CapExecMetaCgroupParent) {
		opts = append(opts, llb.WithCgroupParent(r.CgroupParent))
	}
	if r.LinuxResources != nil && has(pb.CapExecMetaLinuxResources) {
		opts = append(opts, llb.WithLinuxResources(llb.LinuxResources{
			Memory:     r.LinuxResources.Memory,
			MemorySwap: r.LinuxResources.MemorySwap,
			CPUShares:  r.LinuxResources.CpuShares,
			CPUPeriod:  r.LinuxResources.CpuPeriod,
			CPUQuota:   r.LinuxResources.CpuQuota,
			CpusetCpus: r.LinuxResources.CpusetCpus,
			CpusetMems: r.LinuxResources.CpusetMems,
		}))
	}
	if r.IsNoCache(target) {
		opts = append(opts, llb.IgnoreCache)
	}
	if p := proxy(r.BuildArgs); p != nil {
		opts = append(opts, llb.WithProxy(*p))
	}
	return opts
}

// proxy collects the proxies that are passed as build arguments, under names
// that everyone writes in a case of their own. BuildKit keeps them out of the
// keys of the cache.
func proxy(args map[string]string) *llb.ProxyEnv {
	var p llb.ProxyEnv
	for _, name := range slices.Sorted(maps.Keys(args)) {
		switch strings.ToLower(name) {
		case "http_proxy":
			p.HTTPProxy = args[name]
		case "https_proxy":
			p.HTTPSProxy = args[name]
		case "ftp_proxy":
			p.FTPProxy = args[name]
		case "no_proxy":
			p.NoProxy = args[name]
		case "all_proxy":
			p.AllProxy = args[name]
		}
	}
	if p == (llb.ProxyEnv{}) {
		return nil
	}
	return &p
}
