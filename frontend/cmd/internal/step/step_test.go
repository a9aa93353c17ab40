package step_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/cmd/internal/step"
)

// TestRun: the status of a command, or that of the first cause that it tells of.
func TestRun(t *testing.T) {
	causes := []step.Cause{{Status: 81, Said: regexp.MustCompile("first")}, {Status: 82, Said: regexp.MustCompile("second")}}
	for script, want := range map[string]int{
		"exit 0":                                 0,
		"exit 7":                                 7,
		"echo second >&2; exit 7":                82,
		"echo second >&2; echo first >&2; false": 81,
		"echo first; exit 7":                     7, // A program's output is not a compiler's message.
		"echo first >&2":                         0,
		"kill -9 $$":                             137,
	} {
		var out bytes.Buffer
		err := step.Run([]string{"/bin/sh", "-c", script}, "", nil, &out, causes)
		if want == 0 {
			require.NoError(t, err, script)
			continue
		}
		var failed *step.Error
		require.ErrorAs(t, err, &failed, script)
		require.Equal(t, want, failed.Status, script)
	}
	var out bytes.Buffer
	require.NoError(t, step.Run([]string{"/bin/sh", "-c", "echo $X; pwd"}, "/", []string{"X=value"}, &out, nil))
	require.Equal(t, "value\n/\n", out.String())
	require.Error(t, step.Run([]string{"/no/such/program"}, "", nil, &out, nil))
}
