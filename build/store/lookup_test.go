package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLookup(t *testing.T) {
	bothModes(t, func(t *testing.T, d *Dir) {
		if l, ok, err := d.Lookup("k1"); l != nil || ok || err != nil {
			t.Errorf("a look-up in an empty store gave %v, %v, %v", l, ok, err)
		}
		w, err := d.Begin(t.Context(), EmptyTree())
		if err != nil {
			t.Fatal(err)
		}
		inView(t, w.View(), write("f", "one\n"))
		if err := write("log", "told")(w.Dir()); err != nil {
			t.Error(err)
		}
		made, err := w.Commit(t.Context(), Commit{Key: "k1", Type: "org.osbuild.test", StepID: "s1", Epoch: epoch, Metadata: json.RawMessage(`{"a": "<b>"}`)})
		if err != nil {
			t.Fatal(err)
		}
		found, ok, err := d.Lookup("k1")
		if err != nil || !ok {
			t.Fatalf("the layer is not found: %v", err)
		}
		if a, b := fmt.Sprintf("%+v", *made), fmt.Sprintf("%+v", *found); a != b {
			t.Errorf("commit gave\n%s\nlook-up gives\n%s", a, b)
		}
		if made.Changed != 2 || made.Bytes != 4 || made.Base != EmptyDigest || made.Empty {
			t.Errorf("the layer is %+v", *made)
		}
		var metadata map[string]string
		if err := json.Unmarshal(found.Metadata, &metadata); err != nil || metadata["a"] != "<b>" {
			t.Errorf("the metadata is %s", found.Metadata)
		}
		if names, _ := os.ReadDir(d.join("work")); len(names) > 0 {
			t.Errorf("work stays after the commit: %v", names)
		}
	})
}

// TestLookupTrustsNothing changes each file of a layer: it must be a miss, and
// a second commit must put it right.
func TestLookupTrustsNothing(t *testing.T) {
	d := openTest(t, onTmpfs(t, ""), Overlay)
	base, l := step(t, d, EmptyTree(), "k1", write("f", "one\n"))
	want := tree(t, d, base)
	for _, name := range []string{"layer.json", "entries.jsonl"} {
		path := d.join("layers", l.ID, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += 7 {
			bad := slices.Clone(data)
			bad[n] ^= 4
			checkMiss(t, d, path, bad)
		}
		checkMiss(t, d, path, data[:len(data)-1])
		checkMiss(t, d, path, append(slices.Clone(data), '\n'))
		if _, again := step(t, d, EmptyTree(), "k1", write("f", "one\n")); again.ID != l.ID {
			t.Errorf("the new layer is %s, the damaged was %s", again.ID, l.ID)
		}
		sameTree(t, "after a new commit", tree(t, d, base), want)
	}
	if err := os.RemoveAll(d.join("layers", l.ID, "data")); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := d.Lookup("k1"); ok || err != nil {
		t.Errorf("a layer without data is found (%v)", err)
	}
}

func checkMiss(t *testing.T, d *Dir, path string, bad []byte) {
	t.Helper()
	if err := os.WriteFile(path, bad, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := d.Lookup("k1"); ok || err != nil {
		t.Errorf("%s changed: found %v, error %v", filepath.Base(path), ok, err)
	}
}
