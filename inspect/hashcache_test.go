package inspect

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// cached inspects files of which each has the version given, with a cache of
// the text given, and returns the report and the cache's new text.
func cached(t *testing.T, files map[string]string, uuid string, version uint64, text string) (*report.Report, string) {
	t.Helper()
	c := NewHashCache()
	if err := c.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	img := directory(files)
	img.Trees[0].Filesystem.UUID = uuid
	img.Trees[0].Tree.(*treetest.Map).Change = func(n *image.Node) { n.Version = [2]uint64{version, 7 * version} }
	r, err := Inspect(context.Background(), img, Options{HashCache: c})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.Write(&out); err != nil {
		t.Fatal(err)
	}
	return r, out.String()
}

func digestAt(r *report.Report, path string) string {
	for _, e := range r.Files {
		if string(e.Path) == path {
			return e.SHA256
		}
	}
	return ""
}

// The cache is believed for the same state of the same filesystem, and for
// nothing else.
func TestHashCache(t *testing.T) {
	one, two := map[string]string{"/a": "one"}, map[string]string{"/a": "two"}
	first, text := cached(t, one, "u", 1, "")
	honest, _ := cached(t, two, "", 0, "")
	for name, c := range map[string]struct {
		files   map[string]string
		uuid    string
		version uint64
		want    *report.Report
	}{
		"the same state":        {two, "u", 1, first},
		"changed":               {two, "u", 2, honest},
		"another filesystem":    {two, "v", 1, honest},
		"no identity":           {two, "", 1, honest},
		"no version":            {two, "u", 0, honest},
		"another size":          {map[string]string{"/a": "three"}, "u", 1, nil},
		"really the same again": {one, "u", 1, first},
	} {
		t.Run(name, func(t *testing.T) {
			r, again := cached(t, c.files, c.uuid, c.version, text)
			want := c.want
			if want == nil {
				want, _ = cached(t, c.files, "", 0, "")
			}
			if got := digestAt(r, "/a"); got != digestAt(want, "/a") {
				t.Errorf("digest %s, want %s", got, digestAt(want, "/a"))
			}
			if name == "the same state" && again != text {
				t.Errorf("the cache changed from %q to %q", text, again)
			}
			if name == "another filesystem" && strings.Count(again, "\n") != 2 {
				t.Errorf("the cache holds %q", again)
			}
		})
	}
}

func TestHashCacheRefuses(t *testing.T) {
	for _, text := range []string{"x", `{"key":"a","sha256":"b"}`, `{"key":"a"}`} {
		if err := NewHashCache().Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
