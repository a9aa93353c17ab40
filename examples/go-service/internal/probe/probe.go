// Package probe does the things for which a program depends on the files
// around it: time zones, certificate authorities, a temporary directory and
// the user database. An image made from scratch has none of them unless they
// were put there, and a static binary finds out only at run time.
package probe

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Zone loads a time zone by its IANA name from the system's zoneinfo files.
//
// The package time/tzdata is deliberately not imported anywhere: it would hide
// missing files behind a copy that ages with the binary.
func Zone(name string) (*time.Location, error) {
	// LoadLocation answers these two without looking at any file.
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	return time.LoadLocation(name)
}

// Fetched is the outcome of Fetch.
type Fetched struct {
	URL    string `json:"url"`
	Status int    `json:"status"`
	Length int64  `json:"length"`
}

// ErrNotHTTPS reports a URL that Fetch refuses to even try.
var ErrNotHTTPS = errors.New("not an https:// URL")

// The default transport verifies certificates against the system's bundle.
var client = &http.Client{
	Timeout: 10 * time.Second,
	// A redirect could lead to plain HTTP, which would prove nothing about
	// certificates. The caller sees the 3xx status instead.
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

// Fetch makes an HTTPS request and reads the whole answer.
func Fetch(ctx context.Context, rawURL string) (Fetched, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return Fetched{}, fmt.Errorf("%w: %q", ErrNotHTTPS, rawURL)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Fetched{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return Fetched{}, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return Fetched{}, err
	}
	return Fetched{URL: rawURL, Status: resp.StatusCode, Length: n}, nil
}

// Stored is the outcome of RoundTrip.
type Stored struct {
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// RoundTrip writes data to a temporary file, reads it back and removes it.
func RoundTrip(data []byte) (_ Stored, err error) {
	f, err := os.CreateTemp("", "go-service-*")
	if err != nil {
		return Stored{}, err
	}
	defer func() {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}()
	if _, err := f.Write(data); err != nil {
		return Stored{}, err
	}
	// Some file systems report a full disk only when forced to write.
	if err := f.Sync(); err != nil {
		return Stored{}, err
	}
	back, err := os.ReadFile(f.Name())
	if err != nil {
		return Stored{}, err
	}
	if !bytes.Equal(back, data) {
		return Stored{}, fmt.Errorf("%s: read back other bytes than were written", f.Name())
	}
	sum := sha256.Sum256(back)
	return Stored{Size: len(back), SHA256: hex.EncodeToString(sum[:])}, nil
}

// Identity is who the process runs as.
type Identity struct {
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	User string `json:"user"` // empty if /etc/passwd has no entry for UID
	Home string `json:"home"`
}

// WhoAmI looks the process's user up in /etc/passwd.
func WhoAmI() Identity {
	// The package os/user is of no help to find out whether there is an entry:
	// in a program without cgo it makes up a missing one from $USER and $HOME.
	passwd, _ := os.ReadFile("/etc/passwd")
	uid := os.Getuid()
	return Identity{
		UID:  uid,
		GID:  os.Getgid(),
		User: userName(string(passwd), uid),
		Home: os.Getenv("HOME"),
	}
}

// userName relies on lines of the form name:password:uid:gid:comment:home:shell.
func userName(passwd string, uid int) string {
	for line := range strings.Lines(passwd) {
		fields := strings.Split(line, ":")
		if len(fields) > 2 && fields[2] == strconv.Itoa(uid) {
			return fields[0]
		}
	}
	return ""
}
