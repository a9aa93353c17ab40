package testbed

import (
	"context"
	"fmt"
)

// Kill ends the daemon as the kernel does when memory is short: at once, whatever it is
// doing. Its state stays, and so may build steps, which Restart clears away.
func (k *Buildkitd) Kill() error {
	p, ok := running(k.bed.layout().pidFile(k.Builder))
	if !ok {
		return fmt.Errorf("kill buildkitd %s: it does not run", k.Builder)
	}
	if err := p.end(0); err != nil {
		return fmt.Errorf("kill buildkitd %s: %w", k.Builder, err)
	}
	return nil
}

// Restart starts the daemon with the state that it has.
func (k *Buildkitd) Restart(ctx context.Context) error {
	return k.bed.startBuildkitd(ctx, k.Builder, k.opt, quiet)
}
