package manifest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestRecordedIDs holds ids to those that osbuild gave for documents with
// every part of the grammar: testdata/ids.json says which osbuild.
func TestRecordedIDs(t *testing.T) {
	data, err := os.ReadFile("testdata/ids.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Cases []struct {
			Name      string
			Manifest  json.RawMessage
			Pipelines map[string][][2]string
		}
	}
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	if len(recorded.Cases) == 0 {
		t.Fatal("nothing is recorded")
	}
	for _, tt := range recorded.Cases {
		t.Run(tt.Name, func(t *testing.T) {
			m := mustLoad(t, string(tt.Manifest))
			sameIDs(t, m, verdict{Version: m.Version, Pipelines: tt.Pipelines})
		})
	}
}

// TestIDCovers changes one thing at a time: the id changes, or it is one of
// the things that osbuild's ids do not cover.
func TestIDCovers(t *testing.T) {
	base := v2(`{"name": "b", "runner": "org.osbuild.linux", "stages": [{"type": "b"}]}, {"name": "p", "build": "name:b", "source-epoch": 1, "stages": [{"type": "x", "options": {"o": 1},
		"inputs": {"i": {"type": "org.osbuild.noop", "origin": "org.osbuild.source", "references": {"` + sumA + `": {"r": 1}}, "options": {}}},
		"devices": {"d": {"type": "org.osbuild.loopback", "options": {"filename": "used"}}, "e": {"type": "org.osbuild.loopback", "options": {"filename": "unused"}}},
		"mounts": [{"name": "m", "type": "org.osbuild.xfs", "source": "d", "target": "/t", "partition": 1}]}]}`)
	tests := []struct {
		from, to string
		covered  bool
	}{
		{`"type": "b"`, `"type": "c"`, true},
		{`"type": "x"`, `"type": "y"`, true},
		{`{"o": 1}`, `{"o": 1.0}`, true},
		{`"source-epoch": 1`, `"source-epoch": 0`, true},
		{`"i": {`, `"j": {`, true},
		{`"org.osbuild.source"`, `"org.osbuild.pipeline"`, true},
		{`{"` + sumA + `": {"r": 1}}`, `{"` + sumB + `": {"r": 1}}`, true},
		{`{"r": 1}`, `{"r": 2}`, true},
		{`"filename": "used"`, `"filename": "other"`, true},
		{`"type": "org.osbuild.xfs"`, `"type": "org.osbuild.ext4"`, true},
		{`"target": "/t"`, `"target": "/u"`, true},
		{`"partition": 1`, `"partition": 2`, true},
		{`"build": "name:b"`, `"build": ""`, true},
		{`"filename": "unused"`, `"filename": "other"`, false},
		{`"name": "m"`, `"name": "n"`, false},
		{`"runner": "org.osbuild.linux"`, `"runner": "org.osbuild.arch"`, false},
		{`"http://a/"`, `"http://c/"`, false},
		{`"name": "p"`, `"name": "q"`, false},
	}
	id := func(doc string) string { return mustLoad(t, doc).Pipelines[1].ID() }
	before := id(base)
	for _, tt := range tests {
		if strings.Count(base, tt.from) != 1 {
			t.Fatalf("%s stands %d times in the document", tt.from, strings.Count(base, tt.from))
		}
		after := id(strings.Replace(base, tt.from, tt.to, 1))
		if (before != after) != tt.covered {
			t.Errorf("%s to %s: the id changes: %t", tt.from, tt.to, before != after)
		}
	}
}
