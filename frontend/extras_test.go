package frontend_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/internal/gatewaytest"
	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

const certificateSpec = "toolchain: go-cgo0\ntargets: {app: {build: .}}\nextras:\n  ca-certificates:\n    append:\n      - "

// zoneClient has a database of a few zones in the frontend's image.
func zoneClient(t *testing.T, zones string) *gatewaytest.Client {
	c := newClient(t, "toolchain: go-cgo0\ntargets: {app: {build: .}}\nextras:\n  tzdata:\n    zones: "+zones+"\n", nil)
	for _, name := range []string{"UTC", "EST", "zone.tab", "Europe/Paris", "Europe/Kiev", "Europe/Kyiv", "America/New_York", "America/Indianapolis", "America/Indiana/Indianapolis", "Etc/GMT+2"} {
		c.Files.(fstest.MapFS)[rootfs.ZoneinfoPath[1:]+"/"+name] = &fstest.MapFile{Data: []byte("TZif")}
	}
	return c
}

func TestUnknownZones(t *testing.T) {
	for zone, want := range map[string]string{
		"europe/paris":  `there is no time zone "europe/paris" in the database; did you mean "Europe/Paris"?`,
		"utc":           `there is no time zone "utc" in the database; did you mean "UTC"?`,
		"Europe/Pariss": `there is no time zone "Europe/Pariss" in the database; did you mean "Europe/Paris"?`,
		"Paris":         `there is no time zone "Paris" in the database; did you mean "Europe/Paris"?`,
		"Pariss":        `there is no time zone "Pariss" in the database; did you mean "Europe/Paris"?`,
		"Asia/Paris":    `there is no time zone "Asia/Paris" in the database; did you mean "Europe/Paris"?`,
		"New York":      `there is no time zone "New York" in the database; did you mean "America/New_York"?`,
		"GMT+2":         `there is no time zone "GMT+2" in the database; did you mean "Etc/GMT+2"?`,
		"indianapolis":  `there is no time zone "indianapolis" in the database; did you mean "America/Indiana/Indianapolis" or "America/Indianapolis"?`,
		"Europe":        "Europe is a folder of the time zone database; name zones in it, such as Europe/Kiev",
		"europe":        "Europe is a folder of the time zone database; name zones in it, such as Europe/Kiev",
		"PST":           `there is no time zone "PST" in the database, and an abbreviation can stand for several; write a place, such as America/New_York`,
		"Local":         `there is no time zone "Local" in the database; its names are a continent and a city, such as Europe/Paris, and UTC`,
		"UTC/UTC":       `there is no time zone "UTC/UTC" in the database; did you mean "UTC"?`,
	} {
		t.Run(zone, func(t *testing.T) {
			_, err := build(zoneClient(t, "\n      - UTC\n      - "+zone))
			require.ErrorContains(t, err, "fromscratch.yaml:7:9: "+want)
			require.Len(t, errdefs.Sources(err), 1)
		})
	}
	t.Run("in a single value", func(t *testing.T) {
		_, err := build(zoneClient(t, "Paris"))
		require.ErrorContains(t, err, "fromscratch.yaml:5:12: there is no time zone")
	})
	t.Run("before anything is compiled", func(t *testing.T) {
		c := zoneClient(t, "Paris")
		_, err := build(c)
		require.Error(t, err)
		for _, op := range c.Ops(t) {
			require.Nil(t, op.GetExec())
		}
	})
}

// TestZones: the layer is made of the files of these zones and of nothing else, and
// depends on which they are alone.
func TestZones(t *testing.T) {
	layer := func(zones string) (srcs []string, definition string) {
		c := zoneClient(t, zones)
		_, err := build(c)
		require.NoError(t, err)
		for _, s := range c.Solves() {
			for _, dt := range s.Definition.Def {
				var op pb.Op
				require.NoError(t, op.UnmarshalVT(dt))
				var found []string
				for _, a := range op.GetFile().GetActions() {
					if src := a.GetCopy().GetSrc(); strings.HasPrefix(src, rootfs.ZoneinfoPath) {
						require.Equal(t, src, a.GetCopy().Dest)
						require.Equal(t, int32(0o644), a.GetCopy().Mode)
						found = append(found, src)
					}
				}
				if len(found) > 0 {
					srcs, definition = found, string(dt)
				}
			}
		}
		return srcs, definition
	}
	names, want := layer("[UTC, Europe/Kyiv]")
	require.Equal(t, []string{"/usr/share/zoneinfo/Europe/Kyiv", "/usr/share/zoneinfo/UTC"}, names)
	_, got := layer("[Europe/Kyiv, UTC, Europe/Kyiv]")
	require.Equal(t, want, got, "neither order nor duplicates matter")
	_, got = layer("[UTC]")
	require.NotEqual(t, want, got)
}

// certificate is one of an authority that is valid between two times.
func certificate(t *testing.T, name string, from, to time.Time) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestCertificates(t *testing.T) {
	now := time.Now()
	good := certificate(t, "good", now.Add(-time.Hour), now.Add(time.Hour))
	old := certificate(t, "old", time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC), time.Date(2004, 5, 6, 7, 0, 0, 0, time.UTC))
	young := certificate(t, "young", time.Date(2999, 2, 3, 0, 0, 0, 0, time.UTC), time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))
	own := []byte("own bundle")
	request := func(t *testing.T, entry string, files map[string][]byte) (*gatewaytest.Client, error) {
		c := newClient(t, certificateSpec+entry+"\n", map[string]string{"context:corp": "local:corp", "platform": "linux/amd64,linux/amd64/v3"})
		c.Files.(fstest.MapFS)[rootfs.BundlePath[1:]] = &fstest.MapFile{Data: own}
		for name, data := range files {
			c.Files.(fstest.MapFS)[name] = &fstest.MapFile{Data: data}
		}
		_, err := build(c)
		return c, err
	}
	bundles := func(t *testing.T, c *gatewaytest.Client) map[string]bool {
		out := map[string]bool{}
		for _, op := range c.Ops(t) {
			for _, a := range op.GetFile().GetActions() {
				if f := a.GetMkfile(); f.GetPath() == rootfs.BundlePath {
					out[string(f.Data)] = true
				}
			}
		}
		return out
	}
	bundle := func(certs ...[]byte) map[string]bool {
		return map[string]bool{string(own) + "\n" + string(bytes.Join(certs, nil)): true}
	}

	t.Run("of the context", func(t *testing.T) {
		c, err := request(t, "certs/a.pem\n      - {src: b.pem}", map[string][]byte{"certs/a.pem": append([]byte("CN = good\n"), good...), "b.pem": good})
		require.NoError(t, err)
		require.Equal(t, bundle(good, good), bundles(t, c))
		require.Empty(t, c.Warnings())
	})
	t.Run("of another context", func(t *testing.T) {
		c, err := request(t, "{src: a.pem, from: corp}", map[string][]byte{"a.pem": good})
		require.NoError(t, err)
		require.Equal(t, bundle(good), bundles(t, c))
		require.Contains(t, sourcesOf(t, c.Solves()), "local://corp")
	})
	t.Run("out of date", func(t *testing.T) {
		c, err := request(t, "a.pem", map[string][]byte{"a.pem": bytes.Join([][]byte{good, old, young}, nil)})
		require.NoError(t, err)
		require.Equal(t, bundle(good, old, young), bundles(t, c), "a warning changes nothing")
		require.Equal(t, []gatewaytest.Warning{
			{Line: 6, Message: `a.pem, line 9: the certificate "CN=old" has expired on 2004-05-06, so that programs do not trust it (fromscratch.yaml:6)`},
			{Line: 6, Message: `a.pem, line 17: the certificate "CN=young" is not valid before 2999-02-03, so that programs do not trust it (fromscratch.yaml:6)`},
		}, c.Warnings(), "once for all platforms")
	})
	for _, tc := range []struct{ name, entry, data, want string }{
		{"missing", "b.pem", "", `fromscratch.yaml:6:9: there is no file "b.pem" in the build context; see whether .dockerignore leaves it out`},
		{"missing in another context", "{src: b.pem, from: corp}", "", `fromscratch.yaml:6:15: there is no file "b.pem" in the context corp; if that is a folder, see whether a .dockerignore in it leaves the file out`},
		{"no context", "{src: a.pem, from: token}", "", `fromscratch.yaml:6:28: there is no context named "token"; pass the folder that has the file with --build-context token=folder. ` +
			"A secret cannot stand for it: images are public to all who pull them, and the cache does not see that a secret changes"},
		{"folder", "certs/", "", "fromscratch.yaml:6:9: certs is a folder; name each PEM file that is in it"},
		{"line of the file", "a.pem", "-----BEGIN CERTIFICATE-----\nAA\nA_A\n-----END CERTIFICATE-----\n", "fromscratch.yaml:6:9: a.pem, line 3: '_' cannot be in a certificate"},
		{"line of a file in another context", "{src: a.pem, from: corp}", "-----BEGIN RSA PRIVATE KEY-----\n", "fromscratch.yaml:6:15: a.pem of the context corp, line 1: this is a private key, which must never get into an image"},
		{"no certificate", "a.pem", "hello", "fromscratch.yaml:6:9: a.pem holds no PEM certificate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := request(t, tc.entry, map[string][]byte{"a.pem": []byte(tc.data), "certs/x.pem": good})
			require.ErrorContains(t, err, tc.want)
			require.Len(t, errdefs.Sources(err), 1)
		})
	}
}

func sourcesOf(t *testing.T, solves []client.SolveRequest) []string {
	t.Helper()
	var out []string
	for _, s := range solves {
		for _, dt := range s.Definition.Def {
			var op pb.Op
			require.NoError(t, op.UnmarshalVT(dt))
			if src := op.GetSource(); src != nil {
				out = append(out, src.Identifier)
			}
		}
	}
	return out
}

// TestDefaultEnv: a process finds its home and nothing has to know the user's name;
// what the spec says comes first.
func TestDefaultEnv(t *testing.T) {
	const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for name, tc := range map[string]struct {
		more string
		want []string
	}{
		"nonroot":      {"", []string{"HOME=/home/nonroot", path}},
		"root":         {"    user: root\n", []string{"HOME=/root", path}},
		"number":       {"    user: 1000\n", []string{"HOME=/home/user", path}},
		"custom":       {"    user: {name: app, uid: 10001, home: /data}\n", []string{"HOME=/data", path}},
		"of the spec":  {"    env: {HOME: /srv, PATH: /bin, A: b}\n", []string{"A=b", "HOME=/srv", "PATH=/bin"}},
		"without home": {"    extras: none\n", []string{path}},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := build(newClient(t, goSpec+tc.more, nil))
			require.NoError(t, err)
			require.Equal(t, tc.want, config(t, res).Config.Env)
		})
	}
}
