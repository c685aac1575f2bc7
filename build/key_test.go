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
		Devices:   []KeyDevice{{Name: "disk", Type: "loopback", Options: json.RawMessage(`{"size": 1}`)}},
		Mounts:    []KeyMount{{Name: "root", Type: "ext4", Source: "disk", Target: "/", Options: json.RawMessage(`{}`)}},
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
	case *[]KeyDevice:
		(*x)[0].Parent = "other"
	case *[]KeyMount:
		(*x)[0].Target = "/boot"
	default:
		t.Fatalf("the test cannot change a %T", x)
	}
}

func TestLeaves(t *testing.T) {
	tests := []struct{ name, old, now, want string }{
		{"equal", `{"a": 1}`, `{"a":1}`, ""},
		{"leaf", `{"a": {"b": 1, "c": 2}}`, `{"a": {"b": 1, "c": 3}}`, "options.a.c"},
		{"added and removed", `{"a": 1}`, `{"b": 1}`, "options.a options.b"},
		{"list", `{"a": [1, 2]}`, `{"a": [2, 1]}`, "options.a[0] options.a[1]"},
		{"longer list", `{"a": [1, 2]}`, `{"a": [1, 2, 3]}`, "options.a"},
		{"item", `{"a": [1, {"b": 1}]}`, `{"a": [1, {"b": 2}]}`, "options.a[1].b"},
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
		{"changed", false, &record{Key: old}, "miss: changed inputs.in: {\"name\":\"in\",\"type\":\"org.osbuild.files\",… removed, source epoch (5 → 6), tree before (t → aaaaaaaaaaaa)"},
	}
	for _, tt := range tests {
		if got := explain(tt.hit, tt.last, now).String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func refs(ids ...string) []KeyReference {
	list := []KeyReference{}
	for _, id := range ids {
		list = append(list, KeyReference{ID: id, Options: json.RawMessage("{}")})
	}
	return list
}

// TestExplainNamesTheLeaf changes one thing of a key each.
func TestExplainNamesTheLeaf(t *testing.T) {
	sum := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	two := int64(2)
	tests := []struct {
		change func(*Key)
		want   string
	}{
		{func(k *Key) { k.Options = json.RawMessage(`{"a": 1, "b": {"c": [1, 3]}}`) }, "options.b.c[1] (2 → 3)"},
		{func(k *Key) { k.Options = json.RawMessage(`{"b": {"c": [1, 2]}}`) }, "options.a: 1 removed"},
		{func(k *Key) { k.Inputs[0].References = refs("sha256:1", sum("b")) }, "inputs.in: sha256:bbbbbbbbbbbb added"},
		{func(k *Key) { k.Inputs[0].References = refs() }, "inputs.in: sha256:1 removed"},
		{func(k *Key) { k.Inputs[0].References = refs(sum("b")) }, "inputs.in (sha256:1 → sha256:bbbbbbbbbbbb)"},
		{func(k *Key) { k.Inputs[0].References = refs("sha256:1", "sha256:1") }, "inputs.in: sha256:1 added"},
		{func(k *Key) { k.Inputs[0].References[0].Options = json.RawMessage(`{"x": 1}`) }, "inputs.in[sha256:1].options.x: 1 added"},
		{func(k *Key) { k.Inputs[0].Type = "t" }, "inputs.in.type (org.osbuild.files → t)"},
		{func(k *Key) { k.Inputs[0].Origin = "o" }, "inputs.in.origin: o added"},
		{func(k *Key) { k.Inputs[0].Options = json.RawMessage(`{"y": true}`) }, "inputs.in.options.y: true added"},
		{func(k *Key) { k.Devices[0].Options = json.RawMessage(`{"size": 2}`) }, "devices.disk.options.size (1 → 2)"},
		{func(k *Key) { k.Devices[0].Type = "x" }, "devices.disk.type (loopback → x)"},
		{func(k *Key) { k.Devices = nil }, `devices.disk: {"name":"disk","type":"loopback","parent`},
		{func(k *Key) { k.Mounts[0].Partition = &two }, "mounts.root.partition (null → 2)"},
		{func(k *Key) { k.Mounts[0].Source = "y" }, "mounts.root.source (disk → y)"},
		{func(k *Key) { k.Mounts = append([]KeyMount{{Name: "b"}}, k.Mounts...) }, `mounts.b: `},
	}
	for _, tt := range tests {
		now := sampleKey()
		tt.change(&now)
		got := explain(false, &record{Key: sampleKey()}, now).String()
		if want := "miss: changed " + tt.want; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestExplainOrder: the same things in another order are told as that.
func TestExplainOrder(t *testing.T) {
	old, now := sampleKey(), sampleKey()
	old.Inputs[0].References, now.Inputs[0].References = refs("a", "b"), refs("b", "a")
	old.Mounts, now.Mounts = []KeyMount{{Name: "a"}, {Name: "b"}}, []KeyMount{{Name: "b"}, {Name: "a"}}
	got := explain(false, &record{Key: old}, now).String()
	if !strings.Contains(got, "inputs.in, order") || !strings.Contains(got, "mounts, order (a b → b a)") {
		t.Errorf("got %q", got)
	}
}
