package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// commandError says that the command failed, and has told so itself.
type commandError struct{ status int }

func (e *commandError) Error() string { return "the command failed" }

// run runs one command in dir, with env on top of the environment. It reads the
// messages of Cargo from its standard output into units, unless that is nil.
func run(args []string, dir string, env []string, units *sourcesync.Units) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	said := tail{}
	cmd.Stderr = io.MultiWriter(os.Stderr, &said)
	if units == nil {
		return status(cmd.Run(), said.Bytes())
	}
	in, out := io.Pipe()
	cmd.Stdout = out
	read := make(chan error, 1)
	go func() { read <- sourcesync.ReadUnits(in, units, os.Stdout) }()
	err := cmd.Run()
	return errors.Join(status(err, said.Bytes()), out.Close(), <-read)
}

// tail keeps the end of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	const limit = 256 << 10
	n, err := t.Buffer.Write(p)
	if extra := t.Len() - limit; extra > 0 {
		t.Next(extra)
	}
	return n, err
}

// causes are the reasons for a failure that the frontend has words for, and what
// Cargo, git, rustc and build scripts say then. The first that matches is the one.
var causes = []struct {
	status int
	said   *regexp.Regexp
}{
	{sourcesync.ExitKilled, regexp.MustCompile(`\(signal: 9, SIGKILL`)},
	{sourcesync.ExitLockFile, regexp.MustCompile(`(?i)lock file .* needs to be updated but|cannot (update|create) the lock file`)},
	{sourcesync.ExitNoTarget, regexp.MustCompile("can't find crate for `(core|std)`|target may not be installed")},
	{sourcesync.ExitCertificate, regexp.MustCompile(`(?i)SSL certificate problem|certificate verify failed|the SSL certificate is invalid|unable to get local issuer certificate`)},
	{sourcesync.ExitCredentials, regexp.MustCompile(`(?i)failed to authenticate|terminal prompts disabled|could not read (Username|Password)|Permission denied \(publickey|Host key verification failed|authentication required|no authentication methods|no token found|credential-provider to be configured|Could not read from remote repository|HTTP (response code|status) 40[13]|got 40[13]\b|status code 40[13]|cannot run ssh`)},
	{sourcesync.ExitNetwork, regexp.MustCompile(`(?i)could not resolve host|failed to resolve address|network failure|spurious network error|connection (refused|timed out)|failed to download|but offline mode was specified|attempting to make an HTTP request, but --offline`)},
	{sourcesync.ExitLibrary, regexp.MustCompile(`(?i)The system library .* was not found|Could not find directory of OpenSSL installation|pkg-config has not been configured to support cross-compilation|cannot find -l\w|could not find native static library|unable to find library -l\w`)},
	{sourcesync.ExitNoFile, regexp.MustCompile("couldn't read `[^`]*`: No such file or directory")},
}

// status turns the failure of a command into the exit status of the helper: that
// of a shell, or the one that stands for the cause.
func status(err error, said []byte) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err // Also nil.
	}
	code := exit.ExitCode()
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		code = 128 + int(ws.Signal())
	}
	for _, c := range causes {
		if c.said.Match(said) {
			code = c.status
			break
		}
	}
	return &commandError{code}
}
