package lint

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// Without certificate authorities every TLS handshake of a client fails, and the
// program says so only once it runs. What its sources depend on tells whether it
// is a client: of services that speak TLS only, when the certificates were turned
// off by name; also of what may speak plain text inside of a cluster, when they
// went with all other extras and may have been forgotten.
var missingCertificates = &Rule{
	Name:        "MissingCertificates",
	Description: "A program that makes TLS calls cannot tell whom to trust without the extra ca-certificates.",
	each: func(p *pass, t *spec.Target) {
		if t.Extras.HasCACertificates() || t.Base != "" || hasOwnCertificates(t) {
			return
		}
		at, named := p.certificatesOff(t)
		var found []string
		var file, fails string
		switch t.Toolchain.Name {
		case spec.GoCGO0:
			file, fails = path.Join(t.Build.Dir, "go.mod"), "x509: certificate signed by unknown authority"
			found = goClients(p.src.requires(t.Build.Dir), !named)
		case spec.RustMusl:
			if w := p.src.workspace(t.Build.Dir); w != nil {
				file, fails = path.Join(w.dir, "Cargo.lock"), "an unknown issuer"
				found = rustClients(w.compiled(t))
			}
		}
		if len(found) == 0 {
			return
		}
		p.report(p.valueRange(at), "the certificates are off, but %s has %s, and without them TLS calls fail with %s; turn them on with extras: {ca-certificates: true}%s",
			file, spec.List(found), fails, unlessMeant(named))
	},
}

func unlessMeant(named bool) string {
	if named {
		return ""
	}
	return ", or write ca-certificates: false if all calls are plain text"
}

// certificatesOff is where the certificates were turned off, and whether that was
// done by name.
func (p *pass) certificatesOff(t *spec.Target) (at spec.Path, named bool) {
	own := pathOf(t, "extras")
	for _, extras := range []spec.Path{own, {"extras"}} {
		if p.spec.Wrote(extras.Join("ca-certificates")) {
			return extras.Join("ca-certificates"), true
		}
		// Extras without any keys, and without certificates, are none at all.
		if p.spec.Wrote(extras) && !p.wroteAny(extras, "tzdata", "passwd", "tmp", "nsswitch", "hosts", "dirs") {
			return extras, false
		}
	}
	return own, false
}

// hasOwnCertificates tells whether the certificates come from elsewhere.
func hasOwnCertificates(t *spec.Target) bool {
	if t.Env["SSL_CERT_FILE"] != "" || t.Env["SSL_CERT_DIR"] != "" {
		return true
	}
	for _, c := range t.Copy {
		// Where programs look is below these.
		switch dest := path.Clean(c.Dest); {
		case dest == "/", dest == "/etc", dest == "/etc/ssl", strings.HasPrefix(dest, "/etc/ssl/"),
			dest == "/etc/pki", strings.HasPrefix(dest, "/etc/pki/"):
			return true
		}
	}
	for _, v := range t.Volumes {
		if v == "/etc/ssl" || v == "/etc/ssl/certs" {
			return true
		}
	}
	return false
}

// goModules are modules that make TLS calls, with what people call them. A path
// also stands for the modules below it.
var goModules = []struct {
	path string
	// plain tells that calls in plain text are common.
	plain bool
}{
	{path: "cloud.google.com/go"},
	{path: "firebase.google.com/go"},
	{path: "google.golang.org/api"},
	{path: "github.com/aws/aws-sdk-go"},
	{path: "github.com/aws/aws-sdk-go-v2"},
	{path: "github.com/Azure/azure-sdk-for-go"},
	{path: "github.com/coreos/go-oidc"},
	{path: "github.com/getsentry/sentry-go"},
	{path: "github.com/google/go-github"},
	{path: "github.com/slack-go/slack"},
	{path: "github.com/stripe/stripe-go"},
	{path: "github.com/twilio/twilio-go"},
	{path: "github.com/snowflakedb/gosnowflake"},
	{path: "github.com/openai/openai-go"},
	{path: "github.com/anthropics/anthropic-sdk-go"},
	{path: "gitlab.com/gitlab-org/api/client-go"},
	{path: "google.golang.org/grpc", plain: true},
	{path: "github.com/go-sql-driver/mysql", plain: true},
	{path: "github.com/jackc/pgx", plain: true},
	{path: "github.com/lib/pq", plain: true},
	{path: "github.com/microsoft/go-mssqldb", plain: true},
	{path: "go.mongodb.org/mongo-driver", plain: true},
}

// goRoots are modules that put certificate authorities into the program itself.
var goRoots = []string{"golang.org/x/crypto/x509roots/fallback", "github.com/breml/rootcerts", "github.com/certifi/gocertifi"}

func goClients(requires []string, plain bool) []string {
	var out []string
	for _, r := range requires {
		if slices.Contains(goRoots, r) {
			return nil
		}
		if r == "cloud.google.com/go/compute/metadata" {
			// It asks the machine that it runs on, in plain text.
			continue
		}
		for _, m := range goModules {
			if (plain || !m.plain) && (r == m.path || strings.HasPrefix(r, m.path+"/")) {
				out = append(out, r)
				break
			}
		}
	}
	slices.Sort(out)
	return few(out)
}

// rustStores are the crates that read the certificates of the system. The crate
// rustls alone says nothing: servers use it too, and webpki-roots brings its own.
var rustStores = []string{"native-tls", "openssl-probe", "rustls-native-certs", "rustls-platform-verifier"}

// rustClients names those of the compiled crates that need certificates: the
// project's own dependency, and what it reads them with.
func rustClients(compiled map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(compiled)) {
		if !slices.Contains(rustStores, name) {
			continue
		}
		// It helps these to find the certificates; naming both says nothing more.
		if name == "openssl-probe" && (compiled["native-tls"] != "" || compiled["rustls-native-certs"] != "") {
			continue
		}
		if by := compiled[name]; by != name {
			name = by + " with " + name
		}
		out = append(out, name)
	}
	return few(out)
}

// few keeps a message short.
func few(names []string) []string {
	const most = 3
	return names[:min(len(names), most)]
}
