package build_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// runXattr sets an extended attribute, for which the build root has no tool.
func runXattr(_ context.Context, c *step.Context) error {
	return unix.Lsetxattr(filepath.Join(c.TreePath, "kept"), "user.note", []byte("n"), 0)
}

// treeSteps make, change and remove one of every kind of thing, each in a step
// of its own, and look at it in the next.
func treeSteps() []string {
	see := `see() { [ "$(stat -c %a:%h $1)" = $2 ] || { stat $1; exit 1; }; }; `
	return []string{
		shell("echo one > a; ln a b; mkdir d; ln a d/c; mkdir -p old/sub; echo x > old/f; echo x > old/sub/g; echo k > kept; mkfifo p; mknod c c 1 3; truncate -s 50M hole"),
		shell(see + "chmod 600 a; see b 600:3; see d/c 600:3"),
		shell(see + "see a 600:3; see b 600:3; echo two >> b; [ $(wc -l < d/c) = 2 ]"),
		`{"type": "test.xattr"}`,
		shell(see + "[ $(wc -l < a) = 2 ]; rm -r old; mkdir old; echo y > old/h; rm a; see b 600:2"),
		shell(see + "[ $(ls old) = h ]; see d/c 600:2; rm -r old; [ ! -e a ]; [ -c c ]; [ -p p ]; [ $(stat -c %b hole) = 0 ]; chmod 640 d/c; see b 640:2"),
		shell(see + "[ ! -e old ]; see b 640:2; mv d/c c2; rmdir d; see c2 640:2; echo end >> hole"),
	}
}

// TestTreesInBothModes runs the same steps in a store with overlay mounts, in
// one with copies, and in one that lies on an overlay itself. The trees are the
// same, and so is what a build in a directory of its own exports.
func TestTreesInBothModes(t *testing.T) {
	digests := map[string]string{}
	for name, open := range map[string]func(t *testing.T) *bench{
		"overlay":       func(t *testing.T) *bench { return modeBench(t, t.TempDir(), store.Overlay) },
		"copy":          func(t *testing.T) *bench { return modeBench(t, t.TempDir(), store.Copy) },
		"on an overlay": func(t *testing.T) *bench { return modeBench(t, onOverlay(t), store.Auto) },
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			r, err := b.build(context.Background(), stagesOf(treeSteps()...))
			if err != nil {
				t.Fatal(err)
			}
			digests[r.Trees["tree"].Digest] = name
			want := "/ 0755\n/b 0640\n/c 0644\n/c2 0640\n/hole 0644\n/kept 0644\n/p 0644"
			if got := entriesOf(t, b, r.Trees["tree"]); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			dst := filepath.Join(t.TempDir(), "out")
			if err := b.builder.Export(context.Background(), r, "tree", dst); err != nil {
				t.Fatal(err)
			}
			exported(t, dst)
		})
	}
	if len(digests) != 1 {
		t.Errorf("the trees differ: %v", digests)
	}
}

// exported looks at the tree with the kernel's eyes.
func exported(t *testing.T, dir string) {
	t.Helper()
	var b, c, hole unix.Stat_t
	for name, st := range map[string]*unix.Stat_t{"b": &b, "c2": &c, "hole": &hole} {
		if err := unix.Lstat(filepath.Join(dir, name), st); err != nil {
			t.Fatal(err)
		}
	}
	if b.Ino != c.Ino || b.Nlink != 2 {
		t.Errorf("b and c2 are inodes %d and %d with %d links", b.Ino, c.Ino, b.Nlink)
	}
	if hole.Size != 50<<20+4 || hole.Blocks > 64 {
		t.Errorf("hole has %d bytes in %d blocks", hole.Size, hole.Blocks)
	}
	note := make([]byte, 8)
	if n, err := unix.Lgetxattr(filepath.Join(dir, "kept"), "user.note", note); err != nil || string(note[:n]) != "n" {
		t.Errorf("user.note is %q, %v", note[:n], err)
	}
}

func modeBench(t *testing.T, dir string, mode store.Mode) *bench {
	t.Helper()
	b := newBench(t, filepath.Join(dir, "store"))
	s, err := store.Open(filepath.Join(dir, "store"), store.Options{Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	want := mode
	if mode == store.Auto {
		want = store.Copy
	}
	if got, err := s.Mode(); err != nil || got != want {
		t.Fatalf("the store works by %s, %v; want %s", got, err, want)
	}
	b.builder.Store = s
	return b
}

// onOverlay gives a directory that is an overlay itself.
func onOverlay(t *testing.T) string {
	t.Helper()
	dir, target := onTmpfs(t, ""), t.TempDir()
	for _, name := range []string{"l", "u", "w"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := (store.View{Base: dir, Lower: []string{"l"}, Upper: "u", Work: "w"}).Mount(target); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return target
}

// TestDeepStack is 220 stages on each other through the executor, more than an
// overlay takes: the lowest become one. A pair of names made by the first stage
// is one file in the last.
func TestDeepStack(t *testing.T) {
	fixtures.RequireFull(t)
	b := newBench(t, onTmpfs(t, ""))
	stages := []string{shell("echo 1 > a; ln a b; mkdir gone; echo x > gone/x")}
	for i := range 218 {
		stages = append(stages, write(fmt.Sprintf("/d%d/f%d", i%7, i), strings.Repeat("x", i)))
		if i == 150 {
			stages[len(stages)-1] = shell("chmod 600 b; rm -r gone")
		}
	}
	stages = append(stages, shell("[ $(stat -c %a:%h a) = 600:2 ]; [ $(ls -d d*/f* | wc -l) = 217 ]; [ ! -e gone ]; echo 2 >> a; [ $(wc -l < b) = 2 ]"))
	r, err := b.build(context.Background(), stagesOf(stages...))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := b.builder.Store.Entries(r.Trees["tree"])
	if want := 1 + 2 + 7 + 217; err != nil || len(entries) != want {
		t.Errorf("%d entries, %v; want %d", len(entries), err, want)
	}
	again, err := b.build(context.Background(), stagesOf(stages...))
	if err != nil || strings.Trim(ran(again), ". ") != "" {
		t.Errorf("again: ran %q, %v", ran(again), err)
	}
}
