// Package pemfile reads the certificates of a PEM file. Unlike encoding/pem, which
// passes over what it cannot read, it takes that for a mistake, and says in which
// line of the file it is.
package pemfile

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Certificate is a certificate of a file.
type Certificate struct {
	// Line is where its block begins, from 1.
	Line int
	*x509.Certificate
}

// Error is a mistake in a file. Its text follows the name of the file.
type Error struct {
	// Line is where the mistake is, from 1; 0 if the file as a whole is wrong.
	Line int
	// Message says what is wrong, and what to do.
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

func errorAt(line int, format string, args ...any) error {
	return &Error{Line: line, Message: fmt.Sprintf(format, args...)}
}

// boundary is the first or the last line of a block (RFC 7468, section 3).
var boundary = regexp.MustCompile(`^-----(BEGIN|END) ([^-]+(?:-[^-]+)*)-----$`)

// nearly is what was meant to be one.
var nearly = regexp.MustCompile(`(?i)^-*\s*(BEGIN|END)\s+[A-Z0-9 ]+-*$`)

// certificate is the only type of block that may be in a file.
const certificate = "CERTIFICATE"

// Parse reads the certificates of a file, of which there must be one at least.
// Text between the blocks is passed over, as what openssl s_client prints. An
// error is an [*Error].
func Parse(data []byte) ([]Certificate, error) {
	if err := notPEM(data); err != nil {
		return nil, err
	}
	var out []Certificate
	// begin is the line of the block that is open, 0 when none is.
	begin, kind := 0, ""
	var body []line
	for i, text := range strings.Split(string(bytes.TrimPrefix(data, utf8BOM)), "\n") {
		n, text := i+1, strings.TrimSpace(text)
		m := boundary.FindStringSubmatch(text)
		switch {
		case m == nil && strings.Contains(text, "-----") && nearly.MatchString(text):
			return nil, errorAt(n, "%q is not the line that begins or ends a certificate; write -----BEGIN CERTIFICATE----- or -----END CERTIFICATE-----, with five dashes on each side", clip(text))
		case m == nil && begin > 0:
			body = append(body, line{n, text})
		case m == nil:
		case m[1] == "BEGIN" && begin > 0:
			return nil, errorAt(begin, "the certificate that begins here does not end: line %d begins the next one, and -----END CERTIFICATE----- is missing before it", n)
		case m[1] == "BEGIN":
			if err := known(n, m[2]); err != nil {
				return nil, err
			}
			begin, kind, body = n, m[2], nil
		case begin == 0:
			return nil, errorAt(n, "this ends a certificate that does not begin; -----BEGIN CERTIFICATE----- is missing before it")
		case m[2] != kind:
			return nil, errorAt(n, "this ends a block of the type %s, but line %d begins one of the type %s", clip(m[2]), begin, kind)
		default:
			c, err := parse(begin, body)
			if err != nil {
				return nil, err
			}
			out, begin = append(out, Certificate{begin, c}), 0
		}
	}
	switch {
	case begin > 0:
		return nil, errorAt(begin, "the certificate that begins here does not end: -----END CERTIFICATE----- is missing, so part of the file is too")
	case len(out) == 0:
		return nil, errorAt(0, "holds no PEM certificate; it should have a line -----BEGIN CERTIFICATE-----")
	}
	return out, nil
}

var utf8BOM = []byte("\ufeff")

// asn1Sequence is the first byte of whatever openssl writes with -outform der.
const asn1Sequence = 0x30

// notPEM tells what a file is that is not even text.
func notPEM(data []byte) error {
	utf16 := bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff})
	_, err := x509.ParseCertificate(data)
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return errorAt(0, "is an empty file, and holds no PEM certificate")
	case err == nil:
		return errorAt(0, "is a certificate in DER, not in PEM; convert it with openssl x509 -inform der -in company.der -out company.pem")
	case utf16:
		return errorAt(0, "is UTF-16 text, as PowerShell writes it; save it as UTF-8 or ASCII")
	case utf8.Valid(data) && !bytes.ContainsRune(data, 0):
		return nil
	case data[0] == asn1Sequence:
		return errorAt(0, "is binary, and no PEM certificate; convert it: from DER with openssl x509 -inform der, from PKCS #7 (.p7b) with openssl pkcs7 -inform der -print_certs, "+
			"from PKCS #12 (.p12, .pfx) with openssl pkcs12 -nokeys -cacerts")
	}
	return errorAt(0, "is binary, and holds no PEM certificate")
}

// known refuses blocks that are no certificates.
func known(n int, kind string) error {
	switch {
	case kind == certificate:
		return nil
	case strings.Contains(kind, "PRIVATE KEY"):
		return errorAt(n, "this is a private key, which must never get into an image; name a file with the certificates alone, "+
			"and if the key has left the machine that it is for, replace it")
	case kind == "TRUSTED CERTIFICATE", kind == "X509 CERTIFICATE":
		return errorAt(n, "%s is a form that only OpenSSL reads; convert it with openssl x509 -in company.pem -out plain.pem", kind)
	case kind == "PKCS7", kind == "CMS":
		return errorAt(n, "this is a PKCS #7 collection; take the certificates out of it with openssl pkcs7 -print_certs -in company.p7b -out company.pem")
	case strings.HasSuffix(kind, "CERTIFICATE REQUEST"):
		return errorAt(n, "this is a request for a certificate and not the certificate; name the file that the authority has sent back")
	}
	return errorAt(n, "this is a block of the type %s, and only CERTIFICATE can be in a bundle; remove the block from the file", clip(kind))
}

// line is a line of the file, without the blanks around it.
type line struct {
	number int
	text   string
}

// parse reads what is in the block that begins at a line.
func parse(begin int, body []line) (*x509.Certificate, error) {
	var text strings.Builder
	last := begin
	for _, l := range body {
		if l.text == "" {
			continue
		}
		if before := text.String(); strings.HasSuffix(before, "=") {
			return nil, errorAt(l.number, "the certificate is complete in line %d already, by the = there; remove what follows, or begin the next certificate before it", last)
		}
		if i := strings.IndexFunc(l.text, notBase64); i >= 0 {
			bad, _ := utf8.DecodeRuneInString(l.text[i:])
			return nil, errorAt(l.number, "%q cannot be in a certificate, which is base64: letters, digits, + and /; take the file from where it came from once more", bad)
		}
		text.WriteString(l.text)
		last = l.number
	}
	if text.Len() == 0 {
		return nil, errorAt(begin, "the certificate that begins here is empty")
	}
	der, err := base64.StdEncoding.DecodeString(text.String())
	if err != nil {
		return nil, errorAt(last, "the base64 of the certificate that begins in line %d is not complete: it has %d characters, which is no multiple of 4; part of a line is missing", begin, text.Len())
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errorAt(begin, "the certificate that begins here cannot be read (%s); take the file from where it came from once more", strings.TrimPrefix(err.Error(), "x509: "))
	}
	return c, nil
}

func notBase64(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '/' && r != '='
}

// Encode writes certificates as a PEM file, without any text around them: the
// same certificates are the same bytes.
func Encode(certs []Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: certificate, Bytes: c.Raw})...)
	}
	return out
}

func clip(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most]) + "…"
	}
	return s
}
