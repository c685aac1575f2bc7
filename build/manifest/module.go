package manifest

import (
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

// checkModule compares an input, device, mount or source, which stands at
// path, with what its type allows. It reports whether all is well.
func (l *loader) checkModule(kind, name string, v pyjson.Value, path Path) bool {
	if name == "" {
		return false
	}
	module, err := grammar.Lookup(kind, name)
	if err != nil {
		l.fail(path, "%v", err)
		return false
	}
	part := "value"
	if kind == grammar.Device {
		options, ok := v.Lookup("options")
		if !ok {
			return true
		}
		part, v, path = "options", options, path.At("options")
	}
	shape := module.Part(part, l.m.Version)
	if shape == nil {
		l.fail(path, "version %s has no %s %q", l.m.Version, kind, name)
		return false
	}
	problems := shape.Check(v, path)
	l.report(problems)
	return len(problems) == 0
}

// runners are the distributions that osbuild can run in, with the oldest
// version of each: the directory runners/ of osbuild f6b23dbc.
var runners = []struct {
	name   string
	oldest int
}{
	{"org.osbuild.AutoSD", 9},
	{"org.osbuild.almalinux", 8},
	{"org.osbuild.arch", 0},
	{"org.osbuild.asahi-fedora-remix", 0},
	{"org.osbuild.autosd", 0},
	{"org.osbuild.centos", 8},
	{"org.osbuild.debian", 0},
	{"org.osbuild.eln", 11},
	{"org.osbuild.fedora", 30},
	{"org.osbuild.fedora-asahi-remix", 0},
	{"org.osbuild.linux", 0},
	{"org.osbuild.ol", 9},
	{"org.osbuild.rhel", 7},
	{"org.osbuild.rhivos", 0},
	{"org.osbuild.ubuntu", 1804},
}

// checkRunner refuses a runner that osbuild does not have. A name is a
// distribution with the digits of its version; a version serves the later ones
// too.
func (l *loader) checkRunner(name string, path Path) {
	if name == "" {
		return
	}
	distribution := strings.TrimRight(name, "0123456789")
	version := 0
	if digits := name[len(distribution):]; digits != "" {
		version, _ = strconv.Atoi(digits)
	}
	var names []string
	for _, r := range runners {
		if r.name == distribution && version >= r.oldest {
			return
		}
		if r.name == distribution {
			l.fail(path, "osbuild has no runner %q; the oldest of its kind is %s%d", name, r.name, r.oldest)
			return
		}
		names = append(names, r.name)
	}
	l.fail(path, "osbuild has no runner %q%s", name, grammar.Suggest(distribution, names))
}
