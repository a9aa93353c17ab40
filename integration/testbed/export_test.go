package testbed

import "context"

// The logic below the exported surface, for the tests of it.
type (
	Process  = process
	Version  = version
	Registry = registry
)

var (
	ParsePidFile    = parsePidFile
	ParseStat       = parseStat
	ParseGoVersion  = parseGoVersion
	ParseCandidate  = parseCandidate
	ParseCodename   = parseCodename
	AptSettings     = aptSettings
	ReadCargo       = readCargo
	ToolchainTags   = toolchainTags
	QuoteEnv        = quoteEnv
	RootedBelow     = rootedBelow
	MountsBelow     = mountsBelow
	WishedPort      = wishedPort
	BuildkitdConfig = buildkitdConfig
	IsBuilder       = isBuilder
	WriteFile       = writeFile
	Persist         = persist
	Running         = running
	StopDaemon      = stopDaemon
	OpenAt          = open
	EnvScript       = (*Bed).envScript
	Alive           = process.alive
)

// CheckSocket checks the socket of a daemon in a checkout at root.
func CheckSocket(root, daemon string) error { return layout{root}.checkSocket(daemon) }

// Lock takes the lock of a checkout at root.
func Lock(ctx context.Context, root string) (func(), error) { return lock(ctx, layout{root}, quiet) }

// Ensure runs a daemon that is ready as soon as ready says so.
func Ensure(ctx context.Context, dir, config string, ready func(context.Context) error, argv ...string) (bool, error) {
	d := &daemon{
		name: "test", path: argv[0], args: argv[1:], config: config,
		pidFile: dir + "/pid", logFile: dir + "/log", ready: ready, patient: patient,
	}
	return d.ensure(ctx)
}

const patient = 5e9

// Names lists what images of these toolchains are called, by the stage that
// they are made of.
func Names(goVersion, rust string) map[string][]string {
	g, _ := parseVersion(goVersion)
	r, _ := parseVersion(rust)
	names := map[string][]string{}
	for _, m := range catalog(&host{codename: "bookworm", goVersion: g, rust: r}) {
		id := m.repo + " " + m.args["FLAVOUR"]
		names[id] = append(names[id], m.tags...)
	}
	return names
}

// Keys returns the keys of all images of a machine with this CA bundle and
// these Go settings.
func Keys(bundle string, goEnv ...string) (map[string]string, error) {
	keys := map[string]string{}
	for _, m := range catalog(&host{codename: "bookworm", caBundle: []byte(bundle), goEnv: goEnv}) {
		key, err := m.key()
		if err != nil {
			return nil, err
		}
		keys[m.repo+" "+m.args["FLAVOUR"]] = key
	}
	return keys, nil
}

// Retag gives what ref names a further tag, if all of it is there.
func Retag(ctx context.Context, r Registry, repo, ref, tag string) (whole bool, err error) {
	m, ok, err := r.get(ctx, repo, ref)
	if err != nil || !ok {
		return false, err
	}
	if whole, err = r.whole(ctx, repo, m); err != nil || !whole {
		return false, err
	}
	return true, r.tag(ctx, repo, m, tag)
}

// RegistryAt is a registry at an address.
func RegistryAt(addr string) Registry { return registry{addr} }
