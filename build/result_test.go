package build_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// TestResultShapes compares results with osbuild's shapes: formats/v1.py and
// formats/v2.py.
func TestResultShapes(t *testing.T) {
	b := newBench(t, t.TempDir())
	v1 := `{"pipeline": {"build": {"pipeline": {"stages": [{"name": "test.write", "options": {"/x": "%s"}}]}, "runner": "org.osbuild.linux"},
		"stages": [{"name": "test.write", "options": {"/a": "1"}}]}}`
	tests := []struct {
		name, manifest string
		want           string // members by name, values that are not the test's left out
	}{
		{"version 1", strings.Replace(v1, "%s", "1", 1),
			`{"assay":{},"build":{"stages":[{"success":true,"type":"test.write"}],"success":true},"stages":[{"success":true,"type":"test.write"}],"success":true}`},
		{"version 1, failed", strings.Replace(v1, "%s", "error", 1),
			`{"assay":{},"build":{"stages":[{"error":{"type":"exception"},"success":false,"type":"test.write"}],"success":false},"success":false}`},
		{"version 2", stagesOf(write("/a", "1")),
			`{"assay":{},"log":{"tree":[{"success":true,"type":"test.write"}]},"metadata":{"tree":{"test.write":{}}},"success":true,"type":"result"}`},
		{"version 2, failed", stagesOf(write("/a", "error")),
			`{"assay":{},"error":{"details":{"stage":{"type":"test.write"}},"type":"org.osbuild.error.stage"},"success":false,"type":"error"}`},
	}
	for _, tt := range tests {
		r, err := b.build(context.Background(), tt.manifest)
		data, jerr := json.Marshal(r.Document(err))
		if jerr != nil {
			t.Fatal(jerr)
		}
		var document any
		if err := json.Unmarshal(data, &document); err != nil {
			t.Fatal(err)
		}
		got, jerr := json.Marshal(skeleton(document))
		if string(got) != tt.want || jerr != nil {
			t.Errorf("%s: got\n%s\nwant\n%s\nof %s", tt.name, got, tt.want, data)
		}
	}
}

// skeleton keeps structure, types and success.
func skeleton(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			_, isMap := member.(map[string]any)
			_, isList := member.([]any)
			switch {
			case name == "assay":
				out[name] = map[string]any{}
			case name == "metadata" && v["type"] == "test.write", name == "details" && v["type"] == "exception":
			case isMap || isList || name == "type" || name == "success":
				out[name] = skeleton(member)
			}
		}
		return out
	case []any:
		var out []any
		for _, item := range v {
			out = append(out, skeleton(item))
		}
		return out
	}
	return v
}
