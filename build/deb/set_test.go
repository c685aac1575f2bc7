package deb_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/deb"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/fixtures"
)

// newSet makes a set of packages, each given as "name: fields; fields".
func newSet(t *testing.T, packages ...string) *deb.Set {
	t.Helper()
	var list []*deb.Package
	for _, text := range packages {
		name, fields, _ := strings.Cut(text, "|")
		fields = strings.ReplaceAll(fields, ";", "\n")
		p, err := open(t, fixtures.Deb{Control: "Package: " + name + "\nVersion: 1\nArchitecture: all\n" + fields + "\n"}.Bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	set, err := deb.NewSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func names(list []*deb.Package) string {
	var out []string
	for _, p := range list {
		out = append(out, p.Name)
	}
	return strings.Join(out, " ")
}

func TestEssential(t *testing.T) {
	set := newSet(t,
		"base|Essential: yes;Depends: libx, awk", "mawk|Provides: awk", "libx|Pre-Depends: liby", "liby|Depends: base, gone", "web|Depends: base", "other")
	if got := names(set.Essential()); got != "base libx liby mawk" {
		t.Error(got)
	}
}

func TestBatches(t *testing.T) {
	tests := map[string]struct {
		packages []string
		want     string
	}{
		"no dependency":            {[]string{"bb", "aa"}, "aa bb"},
		"what it needs first":      {[]string{"aa|Depends: cc", "bb", "cc"}, "cc aa bb"},
		"circle":                   {[]string{"aa|Depends: bb", "bb|Depends: cc", "cc|Depends: aa"}, "cc bb aa"},
		"pre-dependency cuts":      {[]string{"aa|Pre-Depends: bb", "bb", "cc"}, "bb / aa cc"},
		"pre-dependency on done":   {[]string{"aa|Pre-Depends: done", "bb"}, "aa bb"},
		"pre-dependency, provided": {[]string{"aa|Pre-Depends: virtual", "bb|Provides: virtual"}, "bb / aa"},
		"chain":                    {[]string{"aa|Pre-Depends: bb", "bb|Pre-Depends: cc", "cc", "dd|Pre-Depends: cc"}, "cc / bb / aa dd"},
		"alternative":              {[]string{"aa|Depends: gone | cc", "cc"}, "cc aa"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := newSet(t, append(tt.packages, "done")...)
			var packages, done []*deb.Package
			for _, p := range set.Packages {
				if p.Name == "done" {
					done = append(done, p)
				} else {
					packages = append(packages, p)
				}
			}
			var got []string
			for _, b := range set.Batches(packages, done) {
				got = append(got, names(b))
			}
			if text := strings.Join(got, " / "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestKernelsComeApart(t *testing.T) {
	set := newSet(t, "aa-meta|Depends: image", "image|Depends: kmod, initramfs-tools | linux-initramfs-tool", "initramfs-tools", "kmod", "tool|Depends: kmod")
	others, kernels := set.Kernels(set.Packages)
	if got := names(others) + " / " + names(kernels); got != "initramfs-tools kmod tool / aa-meta image" {
		t.Error(got)
	}
}

// TestExtractStops ends in the middle, while packages are being unpacked
// ahead: nothing may hang.
func TestExtractStops(t *testing.T) {
	fixtures.RequireRoot(t)
	big := strings.Repeat("x", 40<<20)
	list := []fixtures.Deb{pkg("aa", "", file{Name: "../bad", Content: "x"})}
	for _, name := range []string{"bb", "cc", "dd"} {
		list = append(list, pkg(name, "", file{Name: "./" + name, Content: big}))
	}
	if _, err := extract(t, t.TempDir(), list...); err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	set := newSet(t, "aa", "bb", "cc")
	root, err := tree.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := set.Extract(ctx, root, set.Packages); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
