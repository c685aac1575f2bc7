package show_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/show"
	"github.com/assay-os/assay/report"
)

// hardTree makes every kind of entry, under names that a format could trip over.
func hardTree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755))
	for _, name := range []string{
		"plain", "with space", "tab\there", "new\nline", `back\slash`, "#comment", "a=b", "glob*?[x]", "not utf-8 \xff\xfe", "\x01\x7f", "é",
		strings.Repeat("n", 255), "-dash", "~", "dir/..x", "dir/deep/file", `\040`, "/set", "ends ",
	} {
		at := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		must(t, os.WriteFile(at, []byte(name), 0o640))
	}
	must(t, os.Symlink("to where # = \\ \n", filepath.Join(root, "link")))
	must(t, os.Link(filepath.Join(root, "plain"), filepath.Join(root, "second name")))
	must(t, unix.Mkfifo(filepath.Join(root, "fifo"), 0o600))
	must(t, unix.Mknod(filepath.Join(root, "socket"), syscall.S_IFSOCK|0o600, 0))
	must(t, os.WriteFile(filepath.Join(root, "setuid"), nil, 0o755))
	must(t, os.Chown(filepath.Join(root, "setuid"), 70000, 1<<31))
	must(t, os.Chmod(filepath.Join(root, "setuid"), 0o755|fs.ModeSetuid|fs.ModeSetgid))
	must(t, os.Chmod(filepath.Join(root, "dir"), 0o777|fs.ModeSticky))
	must(t, unix.Mknod(filepath.Join(root, "null"), syscall.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, unix.Mknod(filepath.Join(root, "disk"), syscall.S_IFBLK|0o660, int(unix.Mkdev(259, 1000))))
	old := []unix.Timespec{{Sec: -5, Nsec: 7}, {Sec: -5, Nsec: 7}}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(root, "fifo"), old, 0))
	late := []unix.Timespec{{Sec: 1 << 33, Nsec: 1e8}, {Sec: 1 << 33, Nsec: 1e8}}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(root, "null"), late, 0))
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func inspected(t *testing.T, root string) *report.Report {
	t.Helper()
	img, err := image.Open(t.Context(), root, image.Options{})
	must(t, err)
	defer img.Close()
	r, err := inspect.Inspect(t.Context(), img, inspect.Options{})
	must(t, err)
	return r
}

func mtreeOf(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	must(t, show.MTree(&b, r))
	return b.String()
}

// NetBSD's mtree finds nothing to say of the tree that was inspected, and finds
// each fact that is changed in it.
func TestMTreeChecksTheTree(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "mtree")
	root := hardTree(t)
	spec := filepath.Join(t.TempDir(), "spec")
	must(t, os.WriteFile(spec, []byte(mtreeOf(t, inspected(t, root))), 0o644))
	check := func() string {
		out, _ := exec.CommandContext(t.Context(), "mtree", "-f", spec, "-p", root).CombinedOutput() // the code is told by the output
		return string(out)
	}
	if got := check(); got != "" {
		t.Fatalf("mtree says:\n%s", got)
	}
	at := func(name string) string { return filepath.Join(root, name) }
	for what, change := range map[string]func() error{
		"size":        func() error { return os.WriteFile(at("new\nline"), []byte("x"), 0) },
		"sha256":      func() error { return os.WriteFile(at(`back\slash`), []byte(`back/slash`), 0) },
		"permissions": func() error { return os.Chmod(at("glob*?[x]"), 0o600) },
		"user (":      func() error { return os.Chown(at("\x01\x7f"), 5, 0) },
		"gid (":       func() error { return os.Chown(at("\x01\x7f"), 0, 5) },
		"link ref":    func() error { return os.Symlink("elsewhere", at("link")) },
		"extra":       func() error { return os.Mkdir(at("new directory"), 0) },
		"time":        func() error { return os.Chtimes(at("dir/deep"), time.Now(), time.Now()) },
		"device":      func() error { return unix.Mknod(at("null"), syscall.S_IFCHR|0o666, int(unix.Mkdev(1, 4))) },
		"type":        func() error { return os.Mkdir(at("socket"), 0) },
	} {
		switch what {
		case "link ref":
			must(t, os.Remove(at("link")))
		case "device":
			must(t, os.Remove(at("null")))
		case "type":
			must(t, os.Remove(at("socket")))
		}
		must(t, change())
		if got := check(); !strings.Contains(got, what) {
			t.Errorf("mtree does not see the change of %s:\n%s", what, got)
		}
	}
}

// What libarchive reads from it, written by libarchive again, says the same.
func TestMTreeIsReadByLibarchive(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bsdtar")
	root := hardTree(t)
	ours := mtreeOf(t, inspected(t, root))
	spec := filepath.Join(t.TempDir(), "spec")
	// libarchive has no sockets.
	ours = regexp.MustCompile(`(?m)^\S+ type=socket .*\n`).ReplaceAllString(ours, "")
	must(t, os.WriteFile(spec, []byte(ours), 0o644))
	c := exec.CommandContext(t.Context(), "bsdtar", "-cf", "-", "--format=mtree", "--options=!gname,!uname,!nlink", "@"+spec)
	c.Dir = t.TempDir() // it would look at files of the same names
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	var trouble bytes.Buffer
	c.Stderr = &trouble
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, &trouble, out)
	}
	got, want := readMTree(t, string(out)), readMTree(t, ours)
	for path, facts := range want {
		delete(facts, "sha256digest") // libarchive keeps none from its input
		if theirs, ok := got[path]; !ok || !maps.Equal(theirs, facts) {
			t.Errorf("%q: libarchive reads %v, want %v", path, theirs, facts)
		}
	}
	if len(got) != len(want) {
		t.Errorf("libarchive reads %d entries of %d: %q", len(got), len(want), slices.Sorted(maps.Keys(got)))
	}
}

// readMTree reads the lines of full paths.
func readMTree(t *testing.T, text string) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(words) == 0 {
			continue
		}
		facts := map[string]string{}
		for _, w := range words[1:] {
			key, value, ok := strings.Cut(w, "=")
			if !ok {
				t.Fatalf("no value in %q", line)
			}
			facts[key] = unvis(t, value)
		}
		facts["mode"] = strings.TrimLeft(facts["mode"], "0")
		seconds, fraction, _ := strings.Cut(facts["time"], ".")
		facts["time"] = seconds + "." + strings.TrimLeft(fraction, "0")
		out[unvis(t, words[0])] = facts
	}
	return out
}

func unvis(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		c, err := strconv.ParseUint(s[i+1:i+4], 8, 8)
		must(t, err)
		b.WriteByte(byte(c))
		i += 3
	}
	return b.String()
}

// A report says more than one tree, and its texts are no lines of their own.
func TestMTreeOfHostileReports(t *testing.T) {
	r := &report.Report{Files: []report.Entry{
		{Path: "/", Type: report.Directory, Mode: 0o755},
		{Path: "/x\n/set type=dir", Type: report.File, Mode: 0o4755, User: "a b\n", SHA256: "00\n# x", Attributes: "append-only,compressed,immutable,nodump", Mtime: time.Unix(-1, 999).UTC()},
		{Path: "partition 3:/EFI", Type: report.Directory},
	}}
	want := `#mtree v2.0
# left out: 1 path in volumes that nothing mounts, or below what a mount covers
. type=dir mode=0755 uid=0 gid=0 time=-62135596800.000000000
./x\012/set\040type\075dir type=file mode=4755 uid=0 gid=0 time=-1.000000999 size=0 sha256digest=00\012\043\040x flags=sappnd,schg,nodump
`
	if got := mtreeOf(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// So it is with a whole system, device nodes and all.
func TestMTreeChecksADebianSystem(t *testing.T) {
	fixtures.RequireFull(t)
	fixtures.RequireTool(t, "mtree")
	root := fixtures.DebianTree(t)
	spec := filepath.Join(t.TempDir(), "spec")
	must(t, os.WriteFile(spec, []byte(mtreeOf(t, inspected(t, root))), 0o644))
	if out, err := exec.CommandContext(t.Context(), "mtree", "-f", spec, "-p", root).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: mtree says:\n%.2000s", err, out)
	}
}
