package section_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree/treetest"
)

func TestDropins(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{
		"/etc/x.d/b.conf": "etc", "/usr/lib/x.d/b.conf": "vendor", "/usr/lib/x.d/a.conf": "vendor", "/usr/lib/x.d/c.conf": "vendor",
		"/etc/x.d/c.conf": "-> /dev/null", "/etc/x.d/readme": "", "/etc/x.d/z.conf": "-> ../elsewhere", "/etc/elsewhere": "z",
	}})
	list, err := section.Dropins(on, "*.conf", "/etc/x.d", "/run/x.d", "/usr/lib/x.d")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list {
		got = append(got, f.Path)
	}
	if want := []string{"/usr/lib/x.d/a.conf", "/etc/x.d/b.conf", "/etc/x.d/z.conf"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadLines(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{
		"/f": "# c\n; d\n\n a = b \nx\n", "/nul": "ok\n\x00\n", "/l": "-> /nowhere", "/d/": "",
	}})
	var got []string
	err := section.ReadLines(on, "/f", func(_ int, line string) error { got = append(got, line); return nil })
	if err != nil || !slices.Equal(got, []string{"a = b", "x"}) {
		t.Errorf("%q, %v", got, err)
	}
	none := func(int, string) error { return nil }
	if err := section.ReadLines(on, "/l", none); err != nil {
		t.Errorf("a dangling link: %v", err)
	}
	for name, words := range map[string]string{"/nul": "/nul: line 2", "/d": "directory"} {
		if err := section.ReadLines(on, name, none); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
