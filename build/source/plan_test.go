package source

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-os/assay/build/manifest"
)

// shownLinks are the URLs of an item's links.
func shownLinks(item Item) string {
	var all []string
	for _, l := range item.Links {
		all = append(all, l.shown())
	}
	return strings.Join(all, " ")
}

func TestPlan(t *testing.T) {
	item := func(id, value string) []manifest.Item {
		return []manifest.Item{{ID: id, Value: json.RawMessage(value)}}
	}
	one := func(sourceType, value string) []*manifest.Source {
		return []*manifest.Source{{Type: sourceType, Items: item("sha256:a", value), Path: manifest.Path{"sources", sourceType}}}
	}
	ostree := one("org.osbuild.ostree", `{"remote": {"url": "https://example.org/repo"}}`)
	tests := map[string]struct {
		sources []*manifest.Source
		want    string // the URLs, or part of the error
	}{
		"a URL":             {one(Curl, `"https://example.org/a"`), "https://example.org/a"},
		"an object":         {one(Curl, `{"url": "https://example.org/b"}`), "https://example.org/b"},
		"mirrors":           {one(Curl, `{"url": "https://a.org/b", "mirrors": ["http://b.org/b", "file:///c"]}`), "https://a.org/b http://b.org/b file:///c"},
		"the first that is": {append(ostree, one(Curl, `"https://example.org/c"`)...), "https://example.org/c"},
		"two sources":       {append(one(Curl, `"https://example.org/c"`), one(Curl, `"https://example.org/d"`)...), "https://example.org/c https://example.org/d"},
		"a password":        {one(Curl, `"https://me:word@example.org/c"`), "https://me:xxxxx@example.org/c"},
		"rhsm":              {one(Curl, `{"url": "https://e.org/", "secrets": {"name": "org.osbuild.rhsm"}}`), `the secrets of "org.osbuild.rhsm", a subscription`},
		"other secrets":     {one(Curl, `{"url": "https://e.org/", "secrets": {"name": "org.osbuild.x"}}`), `the secrets of "org.osbuild.x" are not to be had`},
		"mtls":              {one(Curl, `{"url": "https://e.org/", "secrets": {"name": "org.osbuild.mtls"}}`), "https://e.org/"},
		"ostree":            {ostree, `sources["org.osbuild.ostree"].items["sha256:a"]: ostree commits cannot be fetched yet`},
		"storage":           {one("org.osbuild.containers-storage", `{}`), "push the image to a registry"},
		"nowhere":           {nil, `no source has "sha256:a"`},
		"no URL":            {one(Curl, `"http://a b/"`), "invalid character"},
		"no mirror URL":     {one(Curl, `{"url": "https://a.org/b", "mirrors": ["ftp://b.org/b"]}`), `the scheme "ftp"`},
		"no string":         {one(Curl, `7`), "cannot unmarshal"},
		"no mirrors":        {one(Librepo, `{"path": "x", "mirror": "m"}`), "read the mirrors"},
		"image transport":   {one(Skopeo, `{"image": {"name": "a/b", "digest": "sha256:1", "containers-transport": "containers-storage"}}`), "which no other has"},
		"image name":        {one(Skopeo, `{"image": {"name": "A B", "digest": "sha256:`+strings.Repeat("a", 64)+`"}}`), "read the image's name"},
		"image digest":      {one(Skopeo, `{"image": {"name": "a/b", "digest": "sha256:1"}}`), "read the image's digest"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			items, err := NewCatalog(tt.sources).Plan([]string{"sha256:a", "sha256:a"})
			switch {
			case err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("error %v, want %q", err, tt.want)
			case err == nil && (len(items) != 1 || shownLinks(items[0]) != tt.want):
				t.Errorf("items %v, want one from %q", items, tt.want)
			}
			if err != nil && tt.sources != nil && !strings.Contains(err.Error(), `].items["sha256:a"]: `) {
				t.Errorf("error %v does not tell its place", err)
			}
		})
	}
}
