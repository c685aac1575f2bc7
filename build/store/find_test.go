package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestFind finds each tree of a store again, from the name of its last layer alone.
func TestFind(t *testing.T) {
	d := openTest(t, t.TempDir(), Auto)
	write := func(name, text string) edit {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644) }
	}
	one, first := step(t, d, EmptyTree(), "find-1", write("a", "one"))
	two, second := step(t, d, one, "find-2", write("b", "two"))
	nothing, empty := step(t, d, two, "find-3", func(string) error { return nil })
	back, third := step(t, d, two, "find-4", func(dir string) error { return os.Remove(filepath.Join(dir, "b")) })
	for _, test := range []struct {
		layer *Layer
		want  Tree
	}{{first, one}, {second, two}, {empty, nothing}, {third, back}} {
		for _, name := range []string{test.layer.ID, test.layer.Key, test.layer.StepID, test.layer.ID[:8]} {
			got, err := d.Find(context.Background(), name)
			if err != nil || got.Digest != test.want.Digest {
				t.Errorf("%s: %v, %v", name, got.Digest, err)
				continue
			}
			list, err := d.Located(got)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range list {
				if data, err := os.ReadFile(l.Content); l.Content != "" && (err != nil || int64(len(data)) != l.Size) {
					t.Errorf("%s: %q, %v", l.Path, data, err)
				}
			}
		}
	}
	if _, err := d.Find(context.Background(), "none"); !errors.Is(err, ErrNoLayer) {
		t.Error(err)
	}
	if err := os.RemoveAll(filepath.Join(d.Path(), "layers", first.ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Find(context.Background(), second.ID); err == nil || errors.Is(err, ErrNoLayer) {
		t.Errorf("a layer below is gone: %v", err)
	}
}
