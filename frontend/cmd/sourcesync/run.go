package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"regexp"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
	"github.com/fromscratch-build/fromscratch/llb/cause"
	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

// run runs one command in dir, with env on top of the environment. It reads the
// messages of Cargo from its standard output into units, unless that is nil, and calls
// first, if there is one, at the first of them.
func run(args []string, dir string, env []string, units *sourcesync.Units, first func()) error {
	if units == nil {
		return step.Run(args, dir, env, os.Stdout, causes)
	}
	in, out := io.Pipe()
	read := make(chan error, 1)
	go func() {
		messages := bufio.NewReader(in)
		if _, err := messages.Peek(1); err == nil && first != nil {
			first()
		}
		read <- sourcesync.ReadUnits(messages, units, os.Stdout)
	}()
	err := step.Run(args, dir, env, out, causes)
	return errors.Join(err, out.Close(), <-read)
}

// causes are the reasons for a failure that the frontend has words for, and what
// Cargo, git, rustc and build scripts say then. The first that matches is the one.
var causes = []step.Cause{
	{Status: cause.Killed, Said: regexp.MustCompile(`\(signal: 9, SIGKILL`)},
	{Status: cause.LockFile, Said: regexp.MustCompile(`(?i)lock file .* needs to be updated but|cannot (update|create) the lock file`)},
	{Status: cause.NoTarget, Said: regexp.MustCompile("can't find crate for `(core|std)`|target may not be installed")},
	{Status: cause.Certificate, Said: regexp.MustCompile(`(?i)SSL certificate problem|certificate verify failed|the SSL certificate is invalid|unable to get local issuer certificate`)},
	{Status: cause.Credentials, Said: regexp.MustCompile(`(?i)failed to authenticate|terminal prompts disabled|could not read (Username|Password)|Permission denied \(publickey|Host key verification failed|authentication required|no authentication methods|no token found|credential-provider to be configured|Could not read from remote repository|HTTP (response code|status) 40[13]|got 40[13]\b|status code 40[13]|cannot run ssh`)},
	{Status: cause.Network, Said: regexp.MustCompile(`(?i)could not resolve host|failed to resolve address|network failure|spurious network error|connection (refused|timed out)|failed to download|but offline mode was specified|attempting to make an HTTP request, but --offline`)},
	{Status: cause.Library, Said: regexp.MustCompile(`(?i)The system library .* was not found|Could not find directory of OpenSSL installation|pkg-config has not been configured to support cross-compilation|cannot find -l\w|could not find native static library|unable to find library -l\w`)},
	{Status: cause.NoFile, Said: regexp.MustCompile("couldn't read `[^`]*`: No such file or directory")},
}
