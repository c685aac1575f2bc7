package inspect_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// systemTree makes a small system of every kind of entry. Times are whole
// seconds: mke2fs keeps no more.
func systemTree(t *testing.T, root string) {
	t.Helper()
	for name, content := range map[string]string{
		"etc/passwd":           "root:x:0:0:root:/root:/bin/sh\n",
		"etc/shadow":           "root:!:19000::::::\n",
		"etc/group":            "root:x:0:\n",
		"etc/os-release":       "ID=test\nPRETTY_NAME=\"Test 1\"\n",
		"etc/fstab":            "LABEL=root / ext4 defaults 0 1\n",
		"usr/bin/sh":           strings.Repeat("machine code ", 2000),
		"usr/share/big":        strings.Repeat("0123456789abcdef", 6<<16),
		"usr/share/odd\xff\\":  "a name that is no UTF-8",
		"var/lib/dpkg/status":  "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n",
		"usr/share/empty":      "",
		"boot/grub/grub.cfg":   "menuentry 'Test' {\n linux /vmlinuz root=LABEL=root\n}\n",
		"usr/share/man/x.1.gz": "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		at := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(at), 0o755))
		check(t, os.WriteFile(at, []byte(content), 0o644))
	}
	check(t, os.Symlink("usr/bin", filepath.Join(root, "bin")))
	check(t, os.Symlink(strings.Repeat("long/", 40), filepath.Join(root, "long")))
	check(t, os.Link(filepath.Join(root, "usr/bin/sh"), filepath.Join(root, "usr/bin/dash")))
	check(t, os.Chmod(filepath.Join(root, "usr/bin/sh"), 0o4755))
	check(t, os.Truncate(filepath.Join(root, "usr/share/empty"), 3<<20))
	if os.Geteuid() == 0 {
		check(t, os.Chown(filepath.Join(root, "etc/group"), 70000, 80000))
		check(t, unix.Mknod(filepath.Join(root, "null"), syscall.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
		check(t, unix.Setxattr(filepath.Join(root, "usr/bin/sh"), "security.capability", []byte("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0))
	}
	check(t, unix.Mkfifo(filepath.Join(root, "fifo"), 0o600))
	check(t, unix.Setxattr(filepath.Join(root, "etc"), "user.note", []byte("\x00binary"), 0))
	settle(t, root)
}

// settle sets every time to a whole second of the past.
func settle(t *testing.T, root string) {
	t.Helper()
	var names []string
	check(t, filepath.WalkDir(root, func(name string, _ os.DirEntry, err error) error {
		names = append(names, name)
		return err
	}))
	slices.Reverse(names)
	for i, name := range names {
		stamp := unix.Timespec{Sec: int64(1_600_000_000 + i)}
		check(t, unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func inspectPath(t *testing.T, path string) *report.Report {
	t.Helper()
	img, err := image.Open(context.Background(), path, image.Options{})
	check(t, err)
	defer img.Close()
	r, err := inspect.Inspect(context.Background(), img, inspect.Options{})
	check(t, err)
	return r
}

// TestImageEqualsDirectory inspects a tree and the ext4 image that mke2fs makes
// of it: every field of every entry is equal, lost+found aside. The image is
// inspected by nobody.
func TestImageEqualsDirectory(t *testing.T) {
	fixtures.RequireTool(t, "mke2fs")
	root, file := t.TempDir(), filepath.Join(t.TempDir(), "disk.img")
	systemTree(t, root)
	// mke2fs gives the root directory the current time, not the tree's.
	top, err := os.Stat(root)
	check(t, err)
	c := exec.Command("mke2fs", "-q", "-t", "ext4", "-d", root, "-L", "root", "-U", "00000000-0000-4000-8000-000000000001", file, "64M")
	c.Env = append(os.Environ(), fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", top.ModTime().Unix()))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	want, got := inspectPath(t, root), inspectAsNobody(t, file)
	got.Files = slices.DeleteFunc(got.Files, func(e report.Entry) bool { return e.Path == "/lost+found" })
	if got.Disk == nil || got.Disk.Digest == "" || got.Subject.Kind != "filesystem" {
		t.Errorf("subject %+v, disk %+v", got.Subject, got.Disk)
	}
	got.Disk, got.Subject = nil, want.Subject
	got.Sections["disk"] = want.Sections["disk"]
	a, b := encode(t, want), encode(t, got)
	if a != b {
		t.Errorf("directory and image differ:\n%s", firstDifference(a, b))
	}
}

func encode(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	check(t, r.Encode(&b))
	return b.String()
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			from := max(0, i-12)
			return strings.Join(x[from:min(len(x), i+6)], "\n") + "\n--- instead of ---\n" + strings.Join(y[from:min(len(y), i+6)], "\n")
		}
	}
	return "one is longer"
}

// inspectAsNobody runs this test's own binary as the user nobody.
func inspectAsNobody(t *testing.T, file string) *report.Report {
	t.Helper()
	if os.Geteuid() != 0 {
		return inspectPath(t, file)
	}
	path, extra := "/proc/self/fd/3", file
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		path, extra = file, os.DevNull
	}
	f, err := os.Open(extra)
	check(t, err)
	defer f.Close()
	self, err := os.Open("/proc/self/exe")
	check(t, err)
	defer self.Close()
	c := exec.Command("/proc/self/fd/4", "-test.run=^TestChild$")
	c.Env = []string{"INSPECT_CHILD=" + path}
	c.Dir = "/"
	c.ExtraFiles = []*os.File{f, self}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("inspect as nobody: %v\n%s%s", err, out, errs.Bytes())
	}
	doc, _, _ := bytes.Cut(out, []byte("\nPASS"))
	r, err := report.Decode(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("%v\n%.300s", err, out)
	}
	return r
}

// TestChild is the inspection that inspectAsNobody starts.
func TestChild(t *testing.T) {
	path := os.Getenv("INSPECT_CHILD")
	if path == "" {
		t.Skip("it is started by TestImageEqualsDirectory")
	}
	if os.Geteuid() == 0 {
		t.Fatal("still root")
	}
	check(t, inspectPath(t, path).Encode(os.Stdout))
}

// TestDirectoryTwice holds that nothing of the host's order, place or time
// reaches a report: a copy elsewhere gives the same bytes.
func TestDirectoryTwice(t *testing.T) {
	a, b := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	check(t, os.Mkdir(b, 0o755))
	systemTree(t, a)
	systemTree(t, b)
	x := encode(t, inspectPath(t, a))
	time.Sleep(2 * time.Millisecond)
	if y := encode(t, inspectPath(t, b)); x != y {
		t.Errorf("two trees of the same content differ:\n%s", firstDifference(x, y))
	}
	if strings.Contains(x, a) {
		t.Error("the host's path is in the report")
	}
}

// TestReportsFitTheSchema validates real reports against docs/schemas/report.json.
func TestReportsFitTheSchema(t *testing.T) {
	root := t.TempDir()
	systemTree(t, root)
	data, err := os.Open("../docs/schemas/report.json")
	check(t, err)
	defer data.Close()
	doc, err := jsonschema.UnmarshalJSON(data)
	check(t, err)
	c := jsonschema.NewCompiler()
	check(t, c.AddResource(report.SchemaID, doc))
	s, err := c.Compile(report.SchemaID)
	check(t, err)
	for _, subject := range []string{root, t.TempDir()} {
		r, err := jsonschema.UnmarshalJSON(strings.NewReader(encode(t, inspectPath(t, subject))))
		check(t, err)
		if err := s.Validate(r); err != nil {
			t.Error(err)
		}
	}
}

// TestUnreadableDirectory is inspected by nobody: what root alone may read is
// unread, each place once, and no path of the host is told.
func TestUnreadableDirectory(t *testing.T) {
	fixtures.RequireRoot(t)
	root, err := os.MkdirTemp("/tmp", "assay-test-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(root)) })
	check(t, os.Chmod(root, 0o755))
	put(t, root, map[string]string{"etc/passwd": "root:x:0:0::/:/bin/sh\n", "etc/shadow": "root::1::::::\n", "var/lib/x": "", "open": "1"})
	check(t, os.Chmod(filepath.Join(root, "etc/shadow"), 0o600))
	check(t, os.Chmod(filepath.Join(root, "var"), 0o700))
	r := inspectAsNobody(t, root)
	for section, words := range map[string]string{"files": "/etc/shadow: ", "users": "/etc/shadow", "packages": "/var"} {
		if s := r.Sections[section]; s.Status != report.Unread || !strings.Contains(s.Reason, words) || strings.Contains(s.Reason, root) {
			t.Errorf("section %s: %+v", section, s)
		}
	}
	if got := r.Sections["files"].Reason; !strings.HasSuffix(got, "(and 1 more)") {
		t.Errorf("two places are unread, but: %s", got)
	}
}
