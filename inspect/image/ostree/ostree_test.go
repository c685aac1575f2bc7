package ostree_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/ostree"
)

func open(t testing.TB, path string) *ostree.Repository {
	t.Helper()
	return openWith(t, path, t.TempDir())
}

func openWith(t testing.TB, path, temp string) *ostree.Repository {
	t.Helper()
	tree, err := dir.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { kerneltest.Must(t, tree.Close()) })
	r, err := ostree.Detect(context.Background(), tree, temp)
	kerneltest.Must(t, err)
	if r == nil {
		t.Fatalf("%s is no repository", path)
	}
	return r
}

func commit(t testing.TB, path, ref string) map[string]string {
	t.Helper()
	c, err := open(t, path).Open(ref)
	kerneltest.Must(t, err)
	return fsystest.Contents(t, c)
}

// tree is hard content of the types that a commit can have.
func tree(t testing.TB) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "tree")
	kerneltest.Must(t, os.Mkdir(root, 0o755))
	kerneltest.Hard(t, root, 4096, 300)
	for _, name := range []string{"crowd", "types", "attributes/node", "sizes/sparse", "sizes/fragments"} { // FIFOs, devices; 4 GiB of zeros
		kerneltest.Must(t, os.RemoveAll(filepath.Join(root, name)))
	}
	for n := range 400 { // offsets of two bytes
		kerneltest.Must(t, os.WriteFile(filepath.Join(root, "names", fmt.Sprint(n)), []byte(fmt.Sprint(n)), 0o6555))
	}
	kerneltest.Must(t, os.WriteFile(filepath.Join(root, "large"), []byte(strings.Repeat("0123456789", 600_000)), 0o600),
		os.Remove(filepath.Join(root, "names", "a\xff\xfeb")), // no name of OSTree's
		unix.Lremovexattr(filepath.Join(root, "attributes/small"), "user.empty"))
	// Where /tmp holds it (tmpfs), it is more than an attribute of OSTree's can hold.
	if err := unix.Lremovexattr(filepath.Join(root, "attributes/huge"), "user.huge65536"); !errors.Is(err, unix.ENODATA) {
		kerneltest.Must(t, err)
	}
	return root
}

func makeRepo(t testing.TB, mode, root string) string {
	t.Helper()
	repo := filepath.Join(t.TempDir(), "repo")
	kerneltest.Run(t, "ostree", "init", "--repo="+repo, "--mode="+mode)
	kerneltest.Run(t, "ostree", "config", "--repo="+repo, "set", "core.fsync", "false")
	kerneltest.Run(t, "ostree", "commit", "--repo="+repo, "--branch=a/b", "--subject=x", "--body=y\nz", "--add-metadata-string=version=1", root)
	return repo
}

// timeless takes out what a commit does not have: times, flags, and which files are one.
func timeless(list map[string]string) map[string]string {
	linked := regexp.MustCompile(` (links|is)=\S+`)
	out := map[string]string{}
	for path, line := range list {
		out[path] = linked.ReplaceAllString(fsystest.WithoutTime(line), "")
	}
	return out
}

// TestCommitsAreWhatWasCommitted compares each mode with the tree that was committed,
// and with what ostree checks out.
func TestCommitsAreWhatWasCommitted(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "ostree")
	root := tree(t)
	source, err := dir.Open(root)
	kerneltest.Must(t, err)
	defer source.Close()
	want := timeless(fsystest.Contents(t, source))
	for _, mode := range []string{"archive", "bare", "bare-user"} {
		t.Run(mode, func(t *testing.T) {
			repo := makeRepo(t, mode, root)
			got := commit(t, repo, "a/b")
			if !strings.Contains(got["/large"], "1970-01-01T00:00:00Z") {
				t.Error(got["/large"])
			}
			fsystest.Compare(t, timeless(got), want)
			fsystest.Compare(t, commit(t, repo, ""), got)
		})
	}
}

// TestListsAgreeWithOSTree compares with ostree ls, and with a checkout.
func TestListsAgreeWithOSTree(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "ostree")
	root := tree(t)
	// ostree ls does not escape names; checkout -U gives its user what nobody may read.
	kerneltest.Must(t, os.Remove(filepath.Join(root, "names/line\nbreak")), os.Remove(filepath.Join(root, "names/ ")),
		os.Chmod(filepath.Join(root, "names/a!/x"), 0o600), os.RemoveAll(filepath.Join(root, "sizes")))
	for _, mode := range []string{"archive", "bare-user-only"} {
		repo := makeRepo(t, mode, root)
		out := filepath.Join(t.TempDir(), "out")
		args := []string{"checkout", "--repo=" + repo, "a/b", out}
		if mode == "bare-user-only" {
			args = []string{"checkout", "-U", "--repo=" + repo, "a/b", out}
		}
		kerneltest.Run(t, "ostree", args...)
		checkout, err := dir.Open(out)
		kerneltest.Must(t, err)
		fsystest.Compare(t, timeless(commit(t, repo, "a/b")), timeless(fsystest.Contents(t, checkout)))
		kerneltest.Must(t, checkout.Close())
		got := commit(t, repo, "a/b")
		for _, line := range strings.Split(kerneltest.Run(t, "env", "LC_ALL=C.UTF-8", "ostree", "ls", "--repo="+repo, "-R", "a/b"), "\n") {
			fields := strings.Fields(line) // -00644 0 0 12 /path
			if len(fields) < 5 || !strings.HasPrefix(fields[4], "/") {
				continue
			}
			mine := got[fields[4]]
			if want := fmt.Sprintf(" %s %s:%s ", fields[0][2:], fields[1], fields[2]); !strings.Contains(mine, want) {
				t.Errorf("%s: %.100s, ostree says %s", fields[4], mine, line)
			}
		}
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	fixtures.RequireTool(t, "ostree")
	root := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(root, "f"), []byte("1"), 0o644))
	repo := makeRepo(t, "archive", root)
	kerneltest.Must(t, os.WriteFile(filepath.Join(root, "f"), []byte("2"), 0o644))
	kerneltest.Run(t, "ostree", "config", "--repo="+repo, "set", "core.fsync", "false")
	kerneltest.Run(t, "ostree", "commit", "--repo="+repo, "--branch=a/b", "-s", "x", root)
	// No name of hexadecimal digits: ostree takes it as the start of a checksum.
	kerneltest.Run(t, "ostree", "refs", "--repo="+repo, "--create=copy", "a/b^")
	kerneltest.Run(t, "ostree", "refs", "--repo="+repo, "-A", "--create=alias", "a/b")
	kerneltest.Must(t, os.MkdirAll(filepath.Join(repo, "refs/remotes/r/x"), 0o755),
		os.Link(filepath.Join(repo, "refs/heads/copy"), filepath.Join(repo, "refs/remotes/r/x/y")))
	first := strings.TrimSpace(kerneltest.Run(t, "ostree", "rev-parse", "--repo="+repo, "copy"))
	second := strings.TrimSpace(kerneltest.Run(t, "ostree", "rev-parse", "--repo="+repo, "a/b"))
	r := open(t, repo)
	for ref, want := range map[string]string{
		"a/b": second, "alias": second, "copy": first, "r:x/y": first, first: first, second[:12]: second,
		"": "!it holds several commits; name one: a/b, alias, copy, r:x/y", "d": `!it has no ref or commit "d"; there are: a/b, alias`,
		"../../config": "!it has no ref", strings.Repeat("0", 64): "!file does not exist",
	} {
		c, err := r.Open(ref)
		if refused, ok := strings.CutPrefix(want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), refused) {
				t.Errorf("%q: %v, want %s", ref, err, refused)
			}
		} else if err != nil || c.Checksum != want {
			t.Errorf("%q: %v, %v", ref, c, err)
		}
	}
	kerneltest.Must(t, os.RemoveAll(filepath.Join(repo, "refs/heads")), os.RemoveAll(filepath.Join(repo, "refs/remotes")))
	if _, err := open(t, repo).Open(""); err == nil || !strings.Contains(err.Error(), "2 commits and no refs") {
		t.Error(err)
	}
}

// TestChangedObjectsAreErrors flips each byte of each object in turn: what is shown must
// be the same, or an error.
func TestChangedObjectsAreErrors(t *testing.T) {
	t.Parallel()
	fixtures.RequireTool(t, "ostree")
	root := t.TempDir()
	kerneltest.Must(t, os.Mkdir(filepath.Join(root, "d"), 0o755), os.WriteFile(filepath.Join(root, "d/f"), []byte("content"), 0o644),
		os.Symlink("f", filepath.Join(root, "d/l")))
	modes := []string{"archive", "bare-user-only"}
	for _, mode := range modes {
		repo := makeRepo(t, mode, root)
		want := commit(t, repo, "")
		objects, err := filepath.Glob(filepath.Join(repo, "objects/*/*"))
		kerneltest.Must(t, err)
		for _, path := range objects {
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
				continue
			}
			data, err := os.ReadFile(path)
			kerneltest.Must(t, err, os.Chmod(path, 0o644))
			for at := range data {
				bad := []byte(string(data))
				bad[at] ^= 1 << (at % 8)
				kerneltest.Must(t, os.WriteFile(path, bad, 0o644))
				c, err := open(t, repo).Open("a/b")
				if err != nil {
					continue
				}
				for p, line := range fsystest.Contents(t, c) {
					if line != want[p] && !strings.Contains(line, "!") {
						t.Fatalf("%s: byte %d of %s: %s, was %s", mode, at, path, line, want[p])
					}
				}
			}
			kerneltest.Must(t, os.WriteFile(path, data, 0o644))
		}
	}
}

func TestAsNobody(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "ostree")
	root := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(root, "large"), []byte(strings.Repeat("0123456789", 600_000)), 0),
		os.Lchown(filepath.Join(root, "large"), 70000, 5))
	repo := makeRepo(t, "archive", root)
	want := commit(t, repo, "")
	for dir := repo; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		kerneltest.Must(t, os.Chmod(dir, 0o755))
	}
	temp := t.TempDir()
	kerneltest.Must(t, os.Chmod(temp, 0o777))
	got := fsystest.AsNobody(t, func() map[string]string {
		c, err := openWith(t, repo, temp).Open("")
		kerneltest.Must(t, err)
		return fsystest.Contents(t, c)
	})
	fsystest.Compare(t, got, want)
}

func TestOtherDirectories(t *testing.T) {
	for name, conf := range map[string]string{"git": "[core]\n\tbare = true\n", "none": "", "mode": "[core]\nrepo_version=1\n"} {
		root := t.TempDir()
		kerneltest.Must(t, os.Mkdir(filepath.Join(root, "objects"), 0o755), os.Mkdir(filepath.Join(root, "refs"), 0o755),
			os.WriteFile(filepath.Join(root, "config"), []byte(conf), 0o644))
		tree, err := dir.Open(root)
		kerneltest.Must(t, err)
		if r, err := ostree.Detect(context.Background(), tree, ""); r != nil || err != nil {
			t.Errorf("%s: %v, %v", name, r, err)
		}
		kerneltest.Must(t, os.WriteFile(filepath.Join(root, "config"), []byte("[core]\nrepo_version=1\nmode=bare-split-xattrs\n"), 0o644))
		if r, err := ostree.Detect(context.Background(), tree, ""); r != nil || err == nil || !strings.Contains(err.Error(), `"bare-split-xattrs": not read`) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
		kerneltest.Must(t, tree.Close())
	}
}
