package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client"
)

// evict removes the image of the frontend from the builder, layers and blobs, so that
// the next build pulls it as it does a new release. An image of another digest would
// not do: the recipe names the digest, and what the two have in common would not be
// pulled. BuildKit's API tells what is left, which docker buildx prune does not.
func (d *docker) evict(ctx context.Context) error {
	image := d.peer.frontend(d.lab.environment)
	c, err := client.New(ctx, "unix://"+d.lab.daemon.socket())
	if err != nil {
		return err
	}
	defer c.Close()
	layers, err := layersOf(ctx, c, image)
	if err != nil {
		return err
	}
	if len(layers) == 0 {
		return fmt.Errorf("the builder has no image %s", image)
	}
	var filter []string
	for _, id := range layers {
		filter = append(filter, "id=="+id)
	}
	if err := c.Prune(ctx, nil, client.WithFilter(filter), client.PruneAll); err != nil {
		return fmt.Errorf("prune the image %s: %w", image, err)
	}
	if layers, err = layersOf(ctx, c, image); err == nil && len(layers) > 0 {
		err = fmt.Errorf("the builder keeps %d layers of the image %s", len(layers), image)
	}
	return err
}

// layersOf lists the cache records that hold the layers of an image.
func layersOf(ctx context.Context, c *client.Client, image string) ([]string, error) {
	records, err := c.DiskUsage(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range records {
		if strings.HasPrefix(r.Description, "pulled from ") && strings.Contains(r.Description, image) {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}
