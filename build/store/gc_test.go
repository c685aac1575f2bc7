package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
)

// filled gives a store that nobody holds, with three layers of about 64 KiB,
// used one day after another, and a source that was used in between.
func filled(t *testing.T) (*Dir, Tree) {
	t.Helper()
	fixtures.RequireRoot(t)
	d, err := Open(onTmpfs(t, ""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	release, err := d.Hold(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	base := EmptyTree()
	for n := range 3 {
		base, _ = step(t, d, base, fmt.Sprintf("k%d", n), edits(
			write(fmt.Sprintf("f%d", n), strings.Repeat(fmt.Sprint(n), 64<<10)), link(fmt.Sprintf("f%d", n), fmt.Sprintf("l%d", n)), remove(fmt.Sprintf("l%d", n-1))))
		day := time.Date(2026, 1, 1+2*n, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(d.join("keys", fmt.Sprintf("k%d", n)), day, day); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.AddSource(t.Context(), sums[2], hello); err != nil {
		t.Fatal(err)
	}
	path, _ := d.Source(sums[2])
	if err := os.Chtimes(path, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), sourceTime); err != nil {
		t.Fatal(err)
	}
	return d, base
}

func names(list []Thing) []string {
	var out []string
	for _, t := range list {
		name := t.Kind
		if t.key != "" {
			name += " " + t.key
		}
		out = append(out, name)
	}
	return out
}

func TestCollectBySize(t *testing.T) {
	order := []string{"layer k0", "source", "layer k1", "layer k2"}
	for _, c := range []struct {
		limit       int64
		least, most int // how many go; block sizes differ between filesystems
	}{
		{-1, 0, 0}, {1 << 30, 0, 0}, {300 << 10, 1, 2}, {150 << 10, 3, 3}, {0, 4, 4},
	} {
		d, _ := filled(t)
		if l, err := d.List(); err != nil || len(l.Layers) != 3 || l.Layers[0].Key != "k2" || l.Sources.Count != 1 {
			t.Fatalf("list gives %+v, %v", l, err)
		}
		dry, err := d.Collect(t.Context(), CollectOptions{MaxSize: c.limit, DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Collect(t.Context(), CollectOptions{MaxSize: c.limit})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(names(dry.Removed), names(got.Removed)) {
			t.Errorf("limit %d: the dry run gave %v, the run %v", c.limit, names(dry.Removed), names(got.Removed))
		}
		if n := len(got.Removed); n < c.least || n > c.most || !slices.Equal(names(got.Removed), order[:n]) {
			t.Errorf("limit %d: removed %v, want the first %d to %d of %v", c.limit, names(got.Removed), c.least, c.most, order)
		}
		if c.limit >= 0 && got.Kept.Bytes > c.limit {
			t.Errorf("limit %d: %d bytes stay", c.limit, got.Kept.Bytes)
		}
		l, err := d.List()
		if err != nil || len(l.Layers)+l.Sources.Count != got.Kept.Count || got.Kept.Count+len(got.Removed) != 4 {
			t.Errorf("limit %d: %d layers stay (%v), said %d", c.limit, len(l.Layers), err, got.Kept.Count)
		}
	}
}

func TestCollectGarbage(t *testing.T) {
	d, _ := filled(t)
	release, err := d.Hold(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Begin(t.Context(), EmptyTree())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := w.Keep()
	if err != nil {
		t.Fatal(err)
	}
	release()
	orphan := d.join("layers", "0123456789ab")
	for _, path := range []string{orphan, d.join("work", "wdead")} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{d.join("keys", ".aside-1"), d.join("sources", "partial", ".aside-2"), d.join("keys", "dangling")} {
		if err := os.WriteFile(path, []byte("ffffffffffff\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.Collect(t.Context(), CollectOptions{MaxSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"dead work", "failed work", "key", "layer", "unfinished file", "unfinished file"}
	if list := names(got.Removed); !slices.Equal(slices.Sorted(slices.Values(list)), want) {
		t.Errorf("removed %v, want %v", list, want)
	}
	if _, err := os.Lstat(kept); err == nil {
		t.Errorf("%s stays", kept)
	}
	if got.Kept.Count != 4 {
		t.Errorf("%d things stay, want 4", got.Kept.Count)
	}
}

// A spoiling is a way to spoil a filled store, and what verify must say of it.
type spoiling struct {
	do   func(d *Dir, layer string) error
	want string
}

func spoilings() map[string]spoiling {
	in := func(name string, do edit) func(*Dir, string) error {
		return func(d *Dir, layer string) error { return do(d.join("layers", layer, name)) }
	}
	return map[string]spoiling{
		"a flipped bit":       {in("data/f1", flip(1000)), "layer: /f1: its content has SHA-256"},
		"a shorter file":      {in("data", func(dir string) error { return os.Truncate(dir+"/f1", 10) }), "layer: /f1: its content has SHA-256"},
		"another mode":        {in("data", chmod("f1", 0o4755)), "layer: /f1: its metadata is"},
		"another owner":       {in("data", chown("f1", 1, 1)), "layer: /f1: its metadata is"},
		"another time":        {in("data", setTime("f1", epoch.Add(-time.Second))), "layer: /f1: its metadata is"},
		"an attribute":        {in("data", setxattr("f1", "user.x", "1")), "layer: /f1: its metadata is"},
		"a root's mode":       {in("data", chmod("", 0o777)), "layer: /: its metadata is"},
		"a missing file":      {in("data", edits(remove("f1"), setTime("", epoch))), "layer: /f1: it is missing"},
		"one more file":       {in("data", edits(write("x", ""), setTime("", epoch))), "layer: /x: the layer's list does not have it"},
		"one more whiteout":   {in("data", edits(mknod("x", unix.S_IFCHR, 0, 0), setTime("", epoch))), "layer: /x: the layer's list does not have it"},
		"a parted hard link":  {in("data", edits(remove("l1"), func(dir string) error { _, err := command("cp", "-a", dir+"/f1", dir+"/l1"); return err }, setTime("", epoch))), "layer: /l1: it is no hard link of /f1 any more"},
		"a bit of layer.json": {in("layer.json", flip(20)), "layer: read layers/"},
		"a bit of the list":   {in("entries.jsonl", flip(100)), "entries.jsonl does not match the digest in layer.json"},
		"no layer.json":       {in("", remove("layer.json")), "no such file"},
		"a bit of a source": {func(d *Dir, _ string) error {
			path, _ := d.Source(sums[2])
			return flip(2)(path)
		}, "source: content has checksum sha256:"},
		"a key to nowhere": {func(d *Dir, _ string) error { return write("k9", "0123456789ab\n")(d.join("keys")) }, "key: it leads to no layer"},
	}
}

func flip(at int) edit {
	return func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data[at] ^= 1
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteAt(data[at:at+1], int64(at))
		return err
	}
}

func TestVerifyAndRepair(t *testing.T) {
	for name, c := range spoilings() {
		t.Run(name, func(t *testing.T) {
			d, base := filled(t)
			if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
				t.Fatalf("before: %v, %v", problems, err)
			}
			if err := c.do(d, base.Layers[1].ID); err != nil {
				t.Fatal(err)
			}
			problems, err := d.Verify(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if said := told(problems); !strings.Contains(said, c.want) {
				t.Errorf("verify said\n%swant %s", said, c.want)
			}
			repaired, err := d.Verify(t.Context(), &VerifyOptions{Repair: true})
			if err != nil || told(repaired) != told(problems) {
				t.Errorf("repair said\n%s%v", told(repaired), err)
			}
			if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
				t.Errorf("after the repair: %v, %v", problems, err)
			}
			rebuild(t, d, base)
		})
	}
}

// rebuild builds again what a repair took out: the tree must be the same.
func rebuild(t *testing.T, d *Dir, want Tree) {
	t.Helper()
	release, err := d.Hold(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	d.folds = foldCache{}
	base := EmptyTree()
	for n := range 3 {
		l, ok, err := d.Lookup(fmt.Sprintf("k%d", n))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			base = base.With(l)
			continue
		}
		base, _ = step(t, d, base, fmt.Sprintf("k%d", n), edits(
			write(fmt.Sprintf("f%d", n), strings.Repeat(fmt.Sprint(n), 64<<10)), link(fmt.Sprintf("f%d", n), fmt.Sprintf("l%d", n)), remove(fmt.Sprintf("l%d", n-1))))
	}
	if base.Digest != want.Digest {
		t.Errorf("the next build gave %s, want %s", base.Digest, want.Digest)
	}
	if _, err := d.Entries(base); err != nil {
		t.Error(err)
	}
}

func told(problems []Problem) string {
	var b bytes.Buffer
	for _, p := range problems {
		fmt.Fprintf(&b, "%s: %s\n", p.Kind, p.Reason)
	}
	return b.String()
}

func TestVerifyStops(t *testing.T) {
	d, _ := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Verify(ctx, nil); err == nil {
		t.Error("a cancelled verify says that all is well")
	}
}

func TestShow(t *testing.T) {
	d, base := filled(t)
	l := base.Layers[1]
	for _, name := range []string{l.ID, l.ID[:6], "k1", "id-k1"} {
		detail, err := d.Show(name)
		if err != nil || detail.ID != l.ID {
			t.Errorf("%s: %v, %v", name, detail, err)
			continue
		}
		if len(detail.Changes) != 3 || detail.Changes[0].Path != "/f0" || detail.Changes[2].Path != "/l1" || len(detail.Gone) != 1 {
			t.Errorf("%s: changes %v, gone %v", name, detail.Changes, detail.Gone)
		}
	}
	for _, name := range []string{"", "k", "nope", "../keys"} {
		if detail, err := d.Show(name); err == nil {
			t.Errorf("%q shows %v", name, detail)
		}
	}
	if _, err := os.Stat(filepath.Join(d.Path(), "work")); err != nil {
		t.Error(err)
	}
}
