// Package checks looks at the image the program runs in, without a server.
package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"example.com/go-service/internal/probe"
)

// Run prints one line per check to w and returns an error if one failed. The
// TLS check needs a server to talk to and is left out if url is empty.
func Run(ctx context.Context, w io.Writer, url string) error {
	failed := 0
	report := func(name string, check func() (string, error)) {
		detail, err := check()
		if err != nil {
			failed++
			fmt.Fprintf(w, "FAIL %s %s\n", name, oneLine(err))
			return
		}
		fmt.Fprintf(w, "ok %s %s\n", name, detail)
	}
	report("time-zone", timeZone)
	report("temp-file", tempFile)
	report("user", func() (string, error) { return identity(probe.WhoAmI()) })
	if url != "" {
		report("tls", func() (string, error) { return tls(ctx, url) })
	}
	if failed > 0 {
		return fmt.Errorf("checks failed: %d", failed)
	}
	return nil
}

// oneLine keeps the promise of one line per check for joined errors.
func oneLine(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

func timeZone() (string, error) {
	var found []string
	for _, name := range []string{"Europe/Paris", "Asia/Kolkata"} {
		loc, err := probe.Zone(name)
		if err != nil {
			return "", err
		}
		found = append(found, name+"="+time.Now().In(loc).Format("-07:00"))
	}
	return strings.Join(found, " "), nil
}

func tempFile() (string, error) {
	stored, err := probe.RoundTrip([]byte("written, synced and read back"))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes in %s", stored.Size, os.TempDir()), nil
}

func identity(id probe.Identity) (string, error) {
	switch {
	case id.UID == 0:
		return "", errors.New("runs as root")
	case id.User == "":
		return "", fmt.Errorf("no name for uid %d in /etc/passwd", id.UID)
	}
	return fmt.Sprintf("%s uid=%d gid=%d home=%s", id.User, id.UID, id.GID, id.Home), nil
}

func tls(ctx context.Context, url string) (string, error) {
	fetched, err := probe.Fetch(ctx, url)
	if err != nil {
		return "", err
	}
	if fetched.Status != http.StatusOK {
		return "", fmt.Errorf("%s answered %d", url, fetched.Status)
	}
	return fmt.Sprintf("%s answered 200, %d bytes", url, fetched.Length), nil
}
