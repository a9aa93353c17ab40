package rust

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"golang.org/x/mod/semver"
)

// systemLibrary is a C library that a crate looks for on the system. The official
// images have it for glibc, if at all.
type systemLibrary struct {
	name  string
	crate string
	// bundled are the crates that the crate depends on instead, when it is compiled
	// from its sources. Without any, there is no such thing.
	bundled []string
	// own are the features of the crate by which it has the sources itself.
	own []string
	// users are the crates that link it, and by which of their features: one is enough,
	// and none are needed where there are none.
	users map[string][]string
	// settings are what is in the name of a variable that says where the library is.
	settings []string
	// example is one of them, and cure what to do instead.
	example, cure string
}

var systemLibraries = []systemLibrary{
	{
		name: "OpenSSL", crate: "openssl-sys", bundled: []string{"aws-lc-fips-sys", "aws-lc-sys", "bssl-sys", "openssl-src"},
		users: map[string][]string{
			"hyper-openssl": nil, "hyper-tls": nil, "native-tls": nil, "openssl": nil, "openssl-sys": nil, "postgres-native-tls": nil, "postgres-openssl": nil,
			"reqwest": {"default", "default-tls", "native-tls"}, "tokio-native-tls": nil, "tokio-openssl": nil,
		},
		settings: []string{"OPENSSL"}, example: "OPENSSL_DIR",
		cure: "use rustls instead, or compile OpenSSL with the program: cargo add openssl --features vendored",
	},
	{
		name: "OpenSSL", crate: "openssl-sys", bundled: []string{"openssl-src"},
		users:    rdkafka("gssapi", "gssapi-vendored", "sasl", "ssl"),
		settings: []string{"OPENSSL"}, example: "OPENSSL_DIR",
		cure: "compile it with the program: cargo add rdkafka --features ssl-vendored",
	},
	{
		name: "the SASL library of Cyrus", crate: "sasl2-sys", bundled: []string{"krb5-src"}, own: []string{"gssapi-vendored", "plain", "scram", "vendored"},
		users:    rdkafka("gssapi", "sasl"),
		settings: []string{"SASL2"}, example: "SASL2_DIR",
		cure: "compile it with the program: cargo add rdkafka --features gssapi-vendored, or leave it out where Kafka asks for no Kerberos: PLAIN and SCRAM need ssl-vendored alone",
	},
	{
		name: "librdkafka", crate: "rdkafka-sys",
		users:   rdkafka("dynamic-linking", "dynamic_linking"),
		example: "PKG_CONFIG_LIBDIR",
		cure:    "remove the feature dynamic-linking, and it is compiled with the program",
	},
	{
		name: "libpq", crate: "pq-sys", bundled: []string{"pq-src"},
		users:    map[string][]string{"diesel": {"postgres"}, "pq-sys": nil},
		settings: []string{"PQ_LIB"}, example: "PQ_LIB_DIR",
		cure: "compile it with the program: cargo add pq-sys --features bundled_without_openssl, or bundled for TLS, which takes cargo add openssl --features vendored too",
	},
	{
		name: "the MySQL client", crate: "mysqlclient-sys",
		users:    map[string][]string{"diesel": {"mysql"}, "mysqlclient-sys": nil},
		settings: []string{"MYSQLCLIENT"}, example: "MYSQLCLIENT_LIB_DIR",
		cure: "use a driver without C, such as the crates mysql_async and sqlx",
	},
}

// rdkafka are the crates of librdkafka, which is compiled from its sources, and what
// else it then needs depends on these features.
func rdkafka(features ...string) map[string][]string {
	return map[string][]string{"rdkafka": features, "rdkafka-sys": features}
}

// preflight says what the program of a selection cannot be linked with, before it
// is compiled for minutes to find out, or nothing. image is the toolchain image, as
// the spec names it.
//
// Only what is certain counts. A lock file lists what any member needs for tests, for
// other platforms and with all features, so what leads to a library is followed
// through the manifests, and through crates that are known. What this does not find,
// the compile does.
func (w *workspace) preflight(sel *selection, image string) string {
	if !official(image) {
		return "" // It may well have them.
	}
	uses := w.uses(sel)
	for _, lib := range systemLibraries {
		own := func(f string) bool { return uses[lib.crate][f] }
		if w.finds(sel, lib) || !w.lockFile.links(lib) || slices.ContainsFunc(lib.own, own) {
			continue
		}
		for _, user := range slices.Sorted(maps.Keys(lib.users)) {
			features, used := uses[user]
			if !used || !w.lockFile.leads(user, lib.crate) || !w.lockFile.enabled(user, features, lib.users[user]) {
				continue
			}
			through := ""
			if user != lib.crate {
				through = " (through " + user + ")"
			}
			return fmt.Sprintf("the program needs %s, for the crate %s%s, and the toolchain image has none for musl to link; %s. If there is one, say where with build: {env: {%s: …}}",
				lib.name, lib.crate, through, lib.cure, lib.example)
		}
	}
	return ""
}

// official tells whether an image is the official one, of which it is known what it
// has.
func official(image string) bool {
	if image == "" {
		return true
	}
	named, err := reference.ParseNormalizedNamed(image)
	return err == nil && reference.FamiliarName(named) == "rust"
}

// finds tells whether the project says where a library is.
func (w *workspace) finds(sel *selection, lib systemLibrary) bool {
	for _, setting := range append([]string{"PKG_CONFIG"}, lib.settings...) {
		for name := range sel.target.Build.Env {
			if strings.Contains(name, setting) {
				return true
			}
		}
		for _, data := range w.configs {
			if strings.Contains(string(data), setting) {
				return true
			}
		}
	}
	return false
}

// uses are the packages from outside of the workspace that the code of a selection
// depends on itself, with the features that it asks for.
func (w *workspace) uses(sel *selection) map[string]map[string]bool {
	b := &sel.target.Build
	u := &usage{w: w, features: map[string]map[string]bool{}, out: map[string]map[string]bool{}}
	for i, dir := range sel.dirs {
		var features []string
		for _, f := range b.Features {
			if pkg, rest, ok := strings.Cut(f, "/"); ok && pkg == sel.packages[i] {
				f = rest
			}
			features = append(features, f)
		}
		if b.DefaultFeatures == nil || *b.DefaultFeatures {
			features = append(features, "default")
		}
		u.follow(dir, features)
	}
	return u.out
}

// usage follows dependencies through the packages of a workspace.
type usage struct {
	w *workspace
	// features are those that are on, by the folder of the package.
	features map[string]map[string]bool
	out      map[string]map[string]bool
}

func (u *usage) follow(dir string, features []string) {
	m := u.w.manifests[dir]
	if m == nil {
		return
	}
	on, known := u.features[dir]
	if !known {
		on = map[string]bool{}
		u.features[dir] = on
	}
	grown := !known
	for len(features) > 0 {
		f := features[0]
		features = features[1:]
		if !on[f] {
			on[f], grown = true, true
			features = append(features, m.table("features").strings(f)...)
		}
	}
	if !grown {
		return
	}
	tables := []table{m.table("dependencies")}
	targets := m.table("target")
	for _, cfg := range slices.Sorted(maps.Keys(targets)) {
		if slices.Contains(always, strings.ReplaceAll(cfg, " ", "")) {
			tables = append(tables, targets.table(cfg).table("dependencies"))
		}
	}
	for _, t := range tables {
		for _, key := range slices.Sorted(maps.Keys(t)) {
			u.dependency(dir, key, t[key], on)
		}
	}
}

// always are conditions that hold for every platform that an image is built for.
var always = []string{
	"cfg(unix)", "cfg(not(windows))", `cfg(target_os="linux")`, `cfg(target_env="musl")`, `cfg(target_family="unix")`,
	`cfg(not(target_os="windows"))`, `cfg(not(target_os="macos"))`, `cfg(not(target_arch="wasm32"))`, `cfg(not(target_family="wasm"))`,
}

// dependency follows one entry of the manifest in dir, of which the features in on
// are on.
func (u *usage) dependency(dir, key string, value any, on map[string]bool) {
	entry, _ := value.(map[string]any)
	own, from := table(entry), dir
	all := own
	if own["workspace"] == true {
		from = u.w.root
		shared := u.w.manifests[from].table("workspace").table("dependencies")
		all = maps.Clone(shared.table(key))
		if all == nil {
			all = table{}
		}
	}
	enabled := map[string]bool{}
	for _, f := range append(all.strings("features"), own.strings("features")...) {
		enabled[f] = true
	}
	// An optional dependency that no feature names is a feature itself.
	_, declared := u.w.manifests[dir].table("features")[key]
	active := own["optional"] != true || on["dep:"+key] || on[key] && !declared
	for f := range on {
		if dep, feature, ok := strings.Cut(f, "/"); ok && strings.TrimSuffix(dep, "?") == key {
			enabled[feature] = true
			active = active || dep == key
		}
	}
	if !active {
		return
	}
	if own["default-features"] != false && all["default-features"] != false {
		enabled["default"] = true
	}
	if p := all.text("path"); p != "" {
		if at, err := u.w.inside(from, p); err == nil {
			u.follow(at, slices.Sorted(maps.Keys(enabled)))
		}
		return
	}
	name := key
	if renamed := all.text("package"); renamed != "" {
		name = renamed
	}
	if u.out[name] == nil {
		u.out[name] = map[string]bool{}
	}
	maps.Copy(u.out[name], enabled)
}

// links tells whether a lock file has a crate for a library, and none that compiles
// it from its sources.
func (l cargoLock) links(lib systemLibrary) bool {
	found := false
	for _, p := range l.Package {
		if p.Name != lib.crate {
			continue
		}
		found = true
		for _, dep := range p.Dependencies {
			if name, _, _ := strings.Cut(dep, " "); slices.Contains(lib.bundled, name) {
				return false
			}
		}
	}
	return found
}

// leads tells whether one package depends on another, at any distance, in all of
// its versions.
func (l cargoLock) leads(from, to string) bool {
	seen := map[string]bool{}
	var visit func(name string) bool
	visit = func(name string) bool {
		if name == to {
			return true
		}
		if seen[name] {
			return false
		}
		seen[name] = true
		for _, p := range l.Package {
			if p.Name != name {
				continue
			}
			for _, dep := range p.Dependencies {
				if n, _, _ := strings.Cut(dep, " "); visit(n) {
					return true
				}
			}
		}
		return false
	}
	return visit(from)
}

// enabled tells whether one of the features by which a crate links a library is on;
// none are needed where there are none. reqwest means rustls by its defaults since
// 0.13.
func (l cargoLock) enabled(crate string, on map[string]bool, features []string) bool {
	if crate == "reqwest" && slices.ContainsFunc(l.Package, func(p lockedPackage) bool {
		return p.Name == crate && semver.Compare("v"+p.Version, "v0.13.0") >= 0
	}) {
		features = []string{"native-tls"}
	}
	return len(features) == 0 || slices.ContainsFunc(features, func(f string) bool { return on[f] })
}
