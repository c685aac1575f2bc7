package build

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func sampleKey() Key {
	return Key{
		Version: keyVersion, Tree: "t", Type: "type", Kind: "stage", Options: json.RawMessage(`{"a": 1, "b": {"c": [1, 2]}}`),
		Inputs: []KeyInput{{Name: "in", Type: "org.osbuild.files", Options: json.RawMessage(`{}`),
			References: []KeyReference{{ID: "sha256:1", Options: json.RawMessage(`{}`)}}}},
		BuildRoot: "root", Runner: "runner", Epoch: 5, Architecture: "amd64", Implementation: "i",
	}
}

// TestEveryFieldCounts changes each field of a key: the digest must change,
// and the explanation must name a part.
func TestEveryFieldCounts(t *testing.T) {
	before := sampleKey()
	want, err := before.Digest()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{want: "nothing"}
	typ := reflect.TypeOf(before)
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		changed := sampleKey()
		alter(t, reflect.ValueOf(&changed).Elem().Field(i))
		got, err := changed.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[got]; twice {
			t.Errorf("a change of %s gives the digest of a change of %s", name, other)
		}
		seen[got] = name
		if len(changes(before, changed)) == 0 && name != "Version" {
			t.Errorf("a change of %s is not explained", name)
		}
	}
}

func alter(t *testing.T, v reflect.Value) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *string:
		*x += "x"
	case *int:
		*x++
	case *int64:
		*x++
	case *json.RawMessage:
		*x = json.RawMessage(`{"a": 2, "b": {"c": [1, 2]}}`)
	case *[]KeyInput:
		(*x)[0].References[0].ID = "sha256:2"
	default:
		t.Fatalf("the test cannot change a %T", x)
	}
}

func TestLeaves(t *testing.T) {
	tests := []struct{ name, old, now, want string }{
		{"equal", `{"a": 1}`, `{"a":1}`, ""},
		{"leaf", `{"a": {"b": 1, "c": 2}}`, `{"a": {"b": 1, "c": 3}}`, "options.a.c"},
		{"added and removed", `{"a": 1}`, `{"b": 1}`, "options.a options.b"},
		{"list", `{"a": [1, 2]}`, `{"a": [2, 1]}`, "options.a"},
		{"kind", `{"a": {}}`, `[1]`, "options"},
		{"nothing", ``, `{"a": 1}`, "options"},
		{"escapes", `{"a": "\u00e9"}`, `{"a": "é"}`, "options.a"},
	}
	for _, tt := range tests {
		var parts []string
		for _, c := range leaves("options", json.RawMessage(tt.old), json.RawMessage(tt.now)) {
			parts = append(parts, c.Part)
		}
		if got := strings.Join(parts, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExplain(t *testing.T) {
	old := sampleKey()
	now := sampleKey()
	now.Epoch, now.Tree = 6, strings.Repeat("a", 64)
	now.Inputs = nil
	tests := []struct {
		name string
		hit  bool
		last *record
		want string
	}{
		{"hit", true, &record{Key: old}, "hit"},
		{"first", false, nil, "miss: never built here"},
		{"gone", false, &record{Key: now}, "miss: same key as last time, but its output is gone"},
		{"changed", false, &record{Key: old}, "miss: changed input in (sha256:1 → nothing), source epoch (5 → 6), tree before (t → aaaaaaaaaaaa)"},
	}
	for _, tt := range tests {
		if got := explain(tt.hit, tt.last, now).String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
