package spec_test

import (
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/cap"
	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend/spec"
)

// TestCapabilityNumbers compares the numbers with another table of them.
func TestCapabilityNumbers(t *testing.T) {
	for i, name := range cap.Known() {
		require.Equal(t, strings.ToLower(strings.TrimPrefix(name, "CAP_")), spec.Capability{Number: i}.Name())
	}
}
