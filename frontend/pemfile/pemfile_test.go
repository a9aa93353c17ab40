package pemfile_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/pemfile"
)

// authority is the certificate of an authority, in DER: the same each time, so that
// its lines are.
func authority(t *testing.T, name string) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	require.NoError(t, err)
	return der
}

func block(kind string, data []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
}

func TestParse(t *testing.T) {
	a, b := authority(t, "a"), authority(t, "b")
	one, two := block("CERTIFICATE", a), block("CERTIFICATE", b)
	for _, tc := range []struct {
		name, text string
		lines      []int
	}{
		{"one", one, []int{1}},
		{"two", one + two, []int{1, 1 + strings.Count(one, "\n")}},
		{"no line break at the end", strings.TrimSpace(one), []int{1}},
		{"lines of Windows", "\ufeff" + strings.ReplaceAll(one, "\n", "\r\n"), []int{1}},
		{"blanks around the lines", "\n  " + strings.ReplaceAll(one, "\n", " \n\t\n  "), []int{2}},
		{"text of openssl", "Certificate chain\n 0 s:CN = a\n---\nServer certificate\n" + one + "subject=CN = a\n-----\n" + two, []int{5, 7 + strings.Count(one, "\n")}},
		{"on one line", "-----BEGIN CERTIFICATE-----\n" + strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(one, "-----BEGIN CERTIFICATE-----\n"), "-----END CERTIFICATE-----\n"), "\n", "") + "\n-----END CERTIFICATE-----", []int{1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			certs, err := pemfile.Parse([]byte(tc.text))
			require.NoError(t, err)
			var lines []int
			for _, c := range certs {
				lines = append(lines, c.Line)
			}
			require.Equal(t, tc.lines, lines)
			require.Equal(t, a, certs[0].Raw)
			require.Equal(t, strings.Join([]string{one, two}[:len(certs)], ""), string(pemfile.Encode(certs)), "what is around certificates is left out")
		})
	}
}

func TestMistakes(t *testing.T) {
	der := authority(t, "a")
	good := block("CERTIFICATE", der)
	lines := strings.Split(strings.TrimSpace(good), "\n")
	edit := func(f func(l []string) []string) string {
		return strings.Join(f(append([]string{}, lines...)), "\n") + "\n"
	}
	size := len(strings.Join(lines[1:len(lines)-1], ""))
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "\n\n", "is an empty file, and holds no PEM certificate"},
		{"text", "hello\n", "holds no PEM certificate; it should have a line -----BEGIN CERTIFICATE-----"},
		{"DER", string(der), "is a certificate in DER, not in PEM; convert it with openssl x509 -inform der -in company.der -out company.pem"},
		{"other DER", string(der[:len(der)-9]), "is binary, and no PEM certificate; convert it: from DER with openssl x509 -inform der"},
		{"binary", "\x7fELF\x02\x00", "is binary, and holds no PEM certificate"},
		{"UTF-16", "\xff\xfe-\x00-\x00", "is UTF-16 text, as PowerShell writes it; save it as UTF-8 or ASCII"},
		{"private key", good + block("EC PRIVATE KEY", []byte("secret")), "line 9: this is a private key, which must never get into an image"},
		{"encrypted private key", block("ENCRYPTED PRIVATE KEY", []byte("secret")), "line 1: this is a private key, which must never get into an image"},
		{"key that does not end", good + "-----BEGIN PRIVATE KEY-----\nc2Vj", "line 9: this is a private key"},
		{"trusted certificate", good + block("TRUSTED CERTIFICATE", der), "line 9: TRUSTED CERTIFICATE is a form that only OpenSSL reads; convert it with openssl x509 -in company.pem -out plain.pem"},
		{"PKCS 7", block("PKCS7", der), "line 1: this is a PKCS #7 collection; take the certificates out of it with openssl pkcs7 -print_certs"},
		{"request", block("NEW CERTIFICATE REQUEST", der), "line 1: this is a request for a certificate and not the certificate"},
		{"other block", block("X509 CRL", der), "line 1: this is a block of the type X509 CRL, and only CERTIFICATE can be in a bundle; remove the block from the file"},
		{"bad base64", edit(func(l []string) []string { l[3] = "a-b_c" + l[3]; return l }), "line 4: '-' cannot be in a certificate, which is base64"},
		{"ellipsis", edit(func(l []string) []string { l[3] = "…"; return l }), "line 4: '…' cannot be in a certificate"},
		{"header", edit(func(l []string) []string { return append([]string{l[0], "Proc-Type: 4,ENCRYPTED", ""}, l[1:]...) }), "line 2: '-' cannot be in a certificate"},
		{"part of a line missing", edit(func(l []string) []string { l[4] = l[4][:61]; return l }), "the base64 of the certificate that begins in line 1 is not complete: it has " + strconv.Itoa(size-3) + " characters"},
		{"more behind the end", good + edit(func(l []string) []string { l[2] = "AA=="; return l }), "line 12: the certificate is complete in line 11 already"},
		{"a line missing", "\n" + edit(func(l []string) []string { return append(l[:4], l[5:]...) }), "line 2: the certificate that begins here cannot be read (malformed certificate); take the file"},
		{"nothing in it", "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", "line 1: the certificate that begins here is empty"},
		{"no end", good + edit(func(l []string) []string { return l[:len(l)-1] }), "line 9: the certificate that begins here does not end: -----END CERTIFICATE----- is missing, so part of the file is too"},
		{"no end before the next", edit(func(l []string) []string { return l[:len(l)-1] }) + good, "line 1: the certificate that begins here does not end: line 8 begins the next one"},
		{"no beginning", edit(func(l []string) []string { return l[1:] }), "line 7: this ends a certificate that does not begin"},
		{"another end", edit(func(l []string) []string { l[7] = "-----END X509 CRL-----"; return l }), "line 8: this ends a block of the type X509 CRL, but line 1 begins one of the type CERTIFICATE"},
		{"four dashes", edit(func(l []string) []string { l[0] = l[0][1:]; return l }), `line 1: "----BEGIN CERTIFICATE-----" is not the line that begins or ends a certificate`},
		{"lower case", edit(func(l []string) []string { l[7] = "-----end certificate-----"; return l }), `line 8: "-----end certificate-----" is not the line that begins or ends`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := pemfile.Parse([]byte(tc.text))
			var e *pemfile.Error
			require.ErrorAs(t, err, &e)
			require.True(t, strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), tc.want) && !strings.HasPrefix(tc.want, "line"), "%v", err)
			require.NotContains(t, err.Error(), "c2Vj", "nothing of a key is shown")
		})
	}
}

// TestCures runs what the errors tell users to run.
func TestCures(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl here")
	}
	dir := t.TempDir()
	der := authority(t, "a")
	plain := block("CERTIFICATE", der)
	run := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "company.der"), der, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plain"), []byte(plain), 0o600))
	for _, tc := range []struct {
		name       string
		make, cure []string
		out        string
	}{
		{"DER", nil, []string{"x509", "-inform", "der", "-in", "company.der", "-out", "company.pem"}, "company.pem"},
		{"trusted", []string{"x509", "-in", "plain", "-trustout", "-addtrust", "serverAuth", "-out", "company.pem"}, []string{"x509", "-in", "company.pem", "-out", "plain.pem"}, "plain.pem"},
		{"PKCS 7", []string{"crl2pkcs7", "-nocrl", "-certfile", "plain", "-out", "company.p7b"}, []string{"pkcs7", "-print_certs", "-in", "company.p7b", "-out", "company.pem"}, "company.pem"},
		{"PKCS 7 in DER", []string{"crl2pkcs7", "-nocrl", "-certfile", "plain", "-outform", "der", "-out", "company.p7b"}, []string{"pkcs7", "-inform", "der", "-print_certs", "-in", "company.p7b", "-out", "company.pem"}, "company.pem"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.make != nil {
				run(tc.make...)
				data, err := os.ReadFile(filepath.Join(dir, tc.make[len(tc.make)-1]))
				require.NoError(t, err)
				_, err = pemfile.Parse(data)
				require.ErrorContains(t, err, "openssl "+tc.cure[0])
			}
			run(tc.cure...)
			data, err := os.ReadFile(filepath.Join(dir, tc.out))
			require.NoError(t, err)
			certs, err := pemfile.Parse(data)
			require.NoError(t, err)
			require.Equal(t, plain, string(pemfile.Encode(certs)))
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte{0x30, 0x82, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := pemfile.Parse(data)
		if (err == nil) != (len(certs) > 0) {
			t.Fatalf("%d certificates, %v", len(certs), err)
		}
		if err == nil && bytes.Contains(pemfile.Encode(certs), []byte("PRIVATE KEY")) {
			t.Fatal("a key got through")
		}
	})
}
