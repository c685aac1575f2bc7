package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// bothModes runs a test in overlay mode and in copy mode. The suite has stores
// on a disk; the rest is on tmpfs, where a sync costs nothing.
func bothModes(t *testing.T, f func(t *testing.T, d *Dir)) {
	for _, mode := range []Mode{Overlay, Copy} {
		t.Run(string(mode), func(t *testing.T) { f(t, openTest(t, onTmpfs(t, ""), mode)) })
	}
}

func TestEmptyLayer(t *testing.T) {
	bothModes(t, func(t *testing.T, d *Dir) {
		base, _ := step(t, d, EmptyTree(), "k1", edits(mkdir("d"), write("d/f", "one\n"), link("d/f", "g")))
		for key, change := range map[string]edit{
			"noop":    nothing,
			"rewrite": write("d/f", "one\n"),
			"chmod":   edits(chmod("g", 0o600), chmod("g", 0o644)),
			"make":    edits(write("d/h", ""), remove("d/h")),
			"replace": edits(remove("d"), mkdir("d"), link("g", "d/f")),
		} {
			after, l := step(t, d, base, key, change)
			if !l.Empty || l.Digest != base.Digest || len(after.Layers) != 1 || l.Changed+l.Removed != 0 {
				t.Errorf("%s: layer %+v, %d layers", key, *l, len(after.Layers))
			}
			if found, ok, err := d.Lookup(key); err != nil || !ok || !found.Empty {
				t.Errorf("%s: look-up gives %v, %v, %v", key, found, ok, err)
			}
			sameTree(t, key, tree(t, d, after), tree(t, d, base))
		}
	})
}

// TestEqualContent puts a layer that was made on one stack onto another with
// equal content, made in another order and in other steps.
func TestEqualContent(t *testing.T) {
	d := openTest(t, onTmpfs(t, ""), Overlay)
	first, _ := step(t, d, EmptyTree(), "a1", edits(mkdir("d/e"), write("d/e/f", "one\n"), link("d/e/f", "d/g"), write("h", "one\n")))
	other, _ := step(t, d, EmptyTree(), "b1", edits(write("h", "two\n"), mkdir("d/x")))
	other, _ = step(t, d, other, "b2", edits(remove("d"), mkdir("d/e"), write("d/g", "two\n"), remove("h"), write("h", "one\n")))
	other, _ = step(t, d, other, "b3", edits(write("d/g", "one\n"), link("d/g", "d/e/f")))
	if first.Digest != other.Digest {
		sameTree(t, "the two stacks", tree(t, d, other), tree(t, d, first))
		t.FailNow()
	}
	done, l := step(t, d, first, "c", edits(chmod("d/g", 0o600), remove("h"), remove("d/e"), mkdir("d/e"), write("d/e/n", "")))
	moved := other.With(l)
	d.folds = foldCache{}
	sameTree(t, "the list", tree(t, d, moved), tree(t, d, done))
	v, err := d.View(t.Context(), moved)
	if err != nil {
		t.Fatal(err)
	}
	inView(t, v, func(dir string) error {
		sameTree(t, "the view", onDisk(t, copied(t, dir)), tree(t, d, done))
		return nil
	})
	again, _ := step(t, d, moved, "c2", edits(expectMode("d/g", 0o600), appendTo("d/g", "x"), write("d/e/n", "two\n")))
	straight, _ := step(t, d, done, "c3", edits(appendTo("d/g", "x"), write("d/e/n", "two\n")))
	if again.Digest != straight.Digest {
		sameTree(t, "one more step", tree(t, d, again), tree(t, d, straight))
	}
}

// TestNoOverlayAttributes looks at every layer of a busy store for what
// overlayfs leaves: an inode's origin would tie a layer to one stack.
func TestNoOverlayAttributes(t *testing.T) {
	d := openTest(t, onTmpfs(t, ""), Overlay)
	for n, s := range scenarios() {
		base := EmptyTree()
		for m, one := range s.steps {
			base, _ = step(t, d, base, fmt.Sprintf("k%d-%d", n, m), one.do)
		}
	}
	out, err := command("find", d.join("layers"), "-name", "*", "-print0")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range strings.Split(strings.TrimSuffix(out, "\x00"), "\x00") {
		n, err := readInode(path)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if slices.ContainsFunc(n.own, func(x string) bool { return x != opaqueXattr }) {
			t.Errorf("%s has %v", path, n.own)
		}
	}
	if seen < 50 {
		t.Errorf("only %d files seen", seen)
	}
}

func TestDeepStack(t *testing.T) {
	d := openTest(t, onTmpfs(t, ""), Overlay)
	const depth = 205
	base, _ := step(t, d, EmptyTree(), "k", edits(write("a", "one\n"), link("a", "b"), mkdir("d")))
	for n := range depth {
		name := fmt.Sprintf("d/f%d", n)
		base, _ = step(t, d, base, fmt.Sprintf("k%d", n), edits(expectLinks("a", 2), write(name, name), appendTo("b", "."), remove(fmt.Sprintf("d/f%d", n-3))))
	}
	if len(base.Layers) != depth+1 {
		t.Errorf("the stack has %d layers", len(base.Layers))
	}
	list := tree(t, d, base)
	if len(list) != 7 || !strings.HasPrefix(list["/a"], "file 0644 0:0 209 ") || !strings.HasSuffix(list["/b"], " = /a") {
		t.Errorf("the tree is %v", list)
	}
	v, err := d.View(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Lower) > maxDepth {
		t.Errorf("the view has %d layers", len(v.Lower))
	}
	inView(t, v, func(dir string) error {
		sameTree(t, "the view", onDisk(t, copied(t, dir)), list)
		return nil
	})
	if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
		t.Errorf("verify: %v, %v", problems, err)
	}
}

func TestDroppedAndRefused(t *testing.T) {
	bothModes(t, func(t *testing.T, d *Dir) {
		base, _ := step(t, d, EmptyTree(), "k1", edits(mkdir("run"), write("run/f", "")))
		_, l := step(t, d, base, "k2", edits(remove("run/f"), mknod("run/f", unix.S_IFSOCK|0o600, 0, 0), mknod("run/s", unix.S_IFSOCK|0o600, 0, 0)))
		if l.Removed != 1 || l.Changed != 0 {
			t.Errorf("a file became a socket: %+v", *l)
		}
		detail, err := d.Show(l.ID)
		if err != nil || !slices.Equal(detail.Dropped, []string{"/run/f", "/run/s"}) {
			t.Errorf("dropped are %v (%v)", detail, err)
		}
		w, err := d.Begin(t.Context(), EmptyTree())
		if err != nil {
			t.Fatal(err)
		}
		inView(t, w.View(), mknod("white", unix.S_IFCHR, 0, 0))
		_, err = w.Commit(t.Context(), Commit{Key: "k3", Epoch: epoch})
		if err == nil || !strings.Contains(err.Error(), "/white is a character device 0:0") {
			t.Errorf("a whiteout made by a step gave %v", err)
		}
		kept, err := w.Keep()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(filepath.Join(kept, "upper", "white")); err != nil || filepath.Dir(kept) != d.join("failed") {
			t.Errorf("kept in %s: %v", kept, err)
		}
	})
}

// TestKeptWorkMountsAgain: whoever looks into a failure sees the whole tree,
// from the view that was kept with it; and one work can be mounted twice.
func TestKeptWorkMountsAgain(t *testing.T) {
	bothModes(t, func(t *testing.T, d *Dir) {
		base, _ := step(t, d, EmptyTree(), "k1", write("a", "one\n"))
		w, err := d.Begin(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		inView(t, w.View(), write("b", "two\n"))
		inView(t, w.View(), edits(expectContent("b", "two\n"), write("c", "")))
		kept, err := w.Keep()
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(kept, "view.json"))
		if err != nil {
			t.Fatal(err)
		}
		var v View
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		inView(t, v, edits(expectContent("a", "one\n"), expectContent("b", "two\n"), expectContent("c", "")))
	})
}

// TestCancelled: Ctrl-C ends what takes long, and leaves nothing half done.
func TestCancelled(t *testing.T) {
	bothModes(t, func(t *testing.T, d *Dir) {
		base, _ := step(t, d, EmptyTree(), "k1", write("a", "one\n"))
		base, _ = step(t, d, base, "k2", write("b", "one\n"))
		ctx, cancel := context.WithCancel(t.Context())
		w, err := d.Begin(ctx, base)
		if err != nil {
			t.Fatal(err)
		}
		inView(t, w.View(), write("c", "two\n"))
		cancel()
		if _, err := w.Commit(ctx, Commit{Key: "k3", Epoch: epoch}); !errors.Is(err, context.Canceled) {
			t.Errorf("commit gave %v", err)
		}
		if err := w.Discard(); err != nil {
			t.Error(err)
		}
		if mode, _ := d.Mode(); mode == Copy {
			if _, err := d.Begin(ctx, base); !errors.Is(err, context.Canceled) {
				t.Errorf("begin gave %v", err)
			}
			if _, err := d.View(ctx, base); !errors.Is(err, context.Canceled) {
				t.Errorf("view gave %v", err)
			}
		}
		if names, _ := os.ReadDir(d.join("work")); len(names) > 0 {
			t.Errorf("work stays: %v", names)
		}
		if _, ok, err := d.Lookup("k3"); ok || err != nil {
			t.Errorf("the cancelled layer is found (%v)", err)
		}
	})
}

// TestCommitAtOnce has several make one layer without a lock: all must get it.
func TestCommitAtOnce(t *testing.T) {
	bothModes(t, func(t *testing.T, d *Dir) {
		base, _ := step(t, d, EmptyTree(), "k1", write("a", "one\n"))
		done := make(chan error)
		for range 4 {
			w, err := d.Begin(t.Context(), base)
			if err != nil {
				t.Fatal(err)
			}
			inView(t, w.View(), write("b", "two\n"))
			go func() {
				l, err := w.Commit(context.Background(), Commit{Key: "k2", Epoch: epoch})
				if err == nil && (l.Key != "k2" || l.Changed != 1) {
					err = fmt.Errorf("got the layer %+v", *l)
				}
				done <- err
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
			t.Errorf("verify: %v, %v", problems, err)
		}
	})
}

// TestForgedAttributes: a step must not be able to mark its directories as
// opaque or as moved from elsewhere.
func TestForgedAttributes(t *testing.T) {
	d := openTest(t, onTmpfs(t, ""), Overlay)
	base, l := step(t, d, EmptyTree(), "k", edits(mkdir("d"), setxattr("d", "trusted.overlay.opaque", "y"), write("f", ""), setxattr("f", "trusted.overlay.redirect", "/etc")))
	for _, name := range []string{"d", "f"} {
		if n, err := readInode(d.join("layers", l.ID, "data", name)); err != nil || len(n.own) > 0 {
			t.Errorf("%s kept %v (%v)", name, n, err)
		}
	}
	if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
		t.Errorf("verify of %v: %v, %v", base, problems, err)
	}
}

// TestLine holds the lines of the lists to what report.TreeDigest hashes.
func TestLine(t *testing.T) {
	list := []report.Entry{
		{Path: "/", Type: report.Directory, Mode: 0o755, Mtime: epoch},
		{Path: "/a<b>&\xff\\", Type: report.File, Mtime: time.Unix(1, 5).UTC(), SHA256: "00", Xattrs: map[string]report.Raw{"b": "1", "a": "\x00"}, Canonical: &report.Canonical{Rule: "x"}},
	}
	want, err := report.TreeDigest(list)
	if err != nil {
		t.Fatal(err)
	}
	var items []*item
	for _, e := range list {
		line, err := newLiner().line(e)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, &item{entry: e, line: line})
	}
	if got := newFold(items).digest; got != want {
		t.Errorf("digest of the lines is %s, of the entries %s", got, want)
	}
}
