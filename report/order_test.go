package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestDecodeOrder(t *testing.T) {
	for name, x := range map[string]struct {
		paths []Raw
		want  string
	}{
		"sorted by bytes": {[]Raw{"/", "/a", "/a b", "/a-", "/a/b", "/\xff", "partition 3:/"}, ""},
		"none":            {nil, ""},
		"twice":           {[]Raw{"/", "/a", "/a"}, "files[2]: /a is there twice"},
		"not sorted":      {[]Raw{"/", "/b", "/a"}, "files[2]: /a stands behind /b"},
	} {
		r := &Report{SchemaVersion: SchemaVersion}
		for _, p := range x.paths {
			r.Files = append(r.Files, Entry{Path: p, Type: File})
		}
		if r.Files == nil {
			r.Files = []Entry{}
		}
		var buf bytes.Buffer
		if err := r.Encode(&buf); err != nil {
			t.Fatal(err)
		}
		_, err := Decode(&buf)
		if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
}
