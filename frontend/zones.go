package frontend

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/util/suggest"

	"github.com/fromscratch-build/fromscratch/llb/rootfs"
)

// zones is the layer of the time zone database, or of the zones that the target
// names.
func (b *builder) zones(ctx context.Context, opts []llb.ConstraintsOpt) (rootfs.Layer, error) {
	names := b.target.Extras.TZData.Zones
	if len(names) == 0 {
		return rootfs.TZData(b.tools, opts...), nil
	}
	files, err := b.req.files(ctx, b.tools)
	if err != nil {
		return rootfs.Layer{}, err
	}
	database, err := fs.Sub(files, rootfs.ZoneinfoPath[1:])
	if err != nil {
		return rootfs.Layer{}, err
	}
	for i, name := range names {
		at := b.extraPath("tzdata").Join("zones", strconv.Itoa(i))
		info, err := fs.Stat(database, name)
		switch {
		case err == nil && !info.IsDir():
			continue
		case err != nil && !isMissing(err):
			return rootfs.Layer{}, err
		}
		known, err := zoneNames(database)
		if err != nil {
			return rootfs.Layer{}, err
		}
		return rootfs.Layer{}, b.spec.Problem(at, noZone(name, known))
	}
	return rootfs.Zones(b.tools, names, opts...), nil
}

// zoneNames lists the zones of the database in the order of their names. Its
// tables are the only files with a dot.
func zoneNames(database fs.FS) ([]string, error) {
	var out []string
	err := fs.WalkDir(database, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(name, ".") {
			out = append(out, name)
		}
		return err
	})
	return out, err
}

// abbreviation is what clocks show for a zone. Several zones share one, and the
// next zone of such a name is as good as never the one that was meant.
var abbreviation = regexp.MustCompile(`^[A-Z]{1,5}$`)

// noZone says that the database does not have a zone, and which was meant.
func noZone(name string, known []string) string {
	below := strings.ToLower(name) + "/"
	if i := slices.IndexFunc(known, func(z string) bool { return strings.HasPrefix(strings.ToLower(z), below) }); i >= 0 {
		return fmt.Sprintf("%s is a folder of the time zone database; name zones in it, such as %s", known[i][:len(name)], known[i])
	}
	msg := fmt.Sprintf("there is no time zone %q in the database", name)
	if found := meant(strings.ReplaceAll(name, " ", "_"), known); len(found) > 0 {
		for i, z := range found {
			found[i] = strconv.Quote(z)
		}
		return fmt.Sprintf("%s; did you mean %s?", msg, strings.Join(found, " or "))
	}
	if abbreviation.MatchString(name) {
		return msg + ", and an abbreviation can stand for several; write a place, such as America/New_York"
	}
	return msg + "; its names are a continent and a city, such as Europe/Paris, and UTC"
}

// meant finds the zones that a name may stand for: that name in another case, else
// those whose last part it is, else the one that is spelled nearly so, as a whole
// or in its last part.
func meant(name string, known []string) []string {
	that := func(same func(z string) bool) []string {
		const most = 3
		found := slices.DeleteFunc(slices.Clone(known), func(z string) bool { return !same(z) })
		return found[:min(most, len(found))]
	}
	city := path.Base(name)
	if found := that(func(z string) bool { return strings.EqualFold(z, name) }); len(found) > 0 {
		return found
	}
	if found := that(func(z string) bool { return strings.EqualFold(path.Base(z), city) }); len(found) > 0 {
		return found
	}
	if abbreviation.MatchString(name) {
		return nil
	}
	if z, ok := suggest.Search(name, known, true); ok {
		return []string{z}
	}
	cities := make([]string, len(known))
	for i, z := range known {
		cities[i] = path.Base(z)
	}
	if near, ok := suggest.Search(city, cities, true); ok {
		return that(func(z string) bool { return path.Base(z) == near })
	}
	return nil
}
