// Package step is what the helpers in build containers share: they run one command
// after another, and say why one failed.
package step

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
)

// Error says that a command failed, and has told so itself.
type Error struct {
	// Status is the exit status that tells why, see package cause.
	Status int
}

func (e *Error) Error() string { return "the command failed" }

// Cause is a reason for a failure, and what tells of it in what a command printed.
type Cause struct {
	Status int
	Said   *regexp.Regexp
}

// Run runs one command in dir, with env on top of the environment. Its standard
// output goes to out. When it fails, the first of causes that matches what it said
// on standard error gives the status of the *Error.
func Run(args []string, dir string, env []string, out io.Writer, causes []Cause) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdin, cmd.Stdout = os.Stdin, out
	said := tail{}
	cmd.Stderr = io.MultiWriter(os.Stderr, &said)
	return status(cmd.Run(), said.Bytes(), causes)
}

// Exit ends the helper with what err says.
func Exit(name string, err error) {
	if failed, ok := errors.AsType[*Error](err); ok {
		os.Exit(failed.Status)
	}
	if err != nil {
		os.Stderr.WriteString(name + ": " + err.Error() + "\n")
		os.Exit(1)
	}
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

// status turns the failure of a command into an exit status: that of a shell, or
// the one that stands for the cause.
func status(err error, said []byte, causes []Cause) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err // Also nil.
	}
	code := exit.ExitCode()
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		code = 128 + int(ws.Signal())
	}
	for _, c := range causes {
		if c.Said.Match(said) {
			code = c.Status
			break
		}
	}
	return &Error{code}
}
