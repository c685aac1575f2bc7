package sandbox

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

func TestCapture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var passed int
	c, err := newCapture(path, func(p []byte) { passed += len(p) })
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 99) + "\n"
	for range 3 * maxTail / len(line) {
		if n, err := c.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := c.Write([]byte("end \xff\n")); err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	tail := c.text()
	if len(tail) > maxTail+3 || !strings.HasPrefix(tail, line) || !strings.HasSuffix(tail, line+"end \uFFFD\n") {
		t.Errorf("tail of %d bytes starts with %.20q", len(tail), tail)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != int64(passed) {
		t.Errorf("log is %v, %v; %d bytes were passed on", info, err, passed)
	}
}

func TestLastLines(t *testing.T) {
	for text, want := range map[string]string{"": "", "\n\n": "", "a\nb\n\nc \n": "b\nc", "a": "a"} {
		if got := LastLines(text, 2); got != want {
			t.Errorf("LastLines(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestReadResult: what a step leaves may be anything.
func TestReadResult(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte(`"secret"`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		make func(path string) error
		want string
		bad  bool
	}{
		{"nothing", func(string) error { return nil }, "", false},
		{"document", func(p string) error { return os.WriteFile(p, []byte(`{"a": 1}`), 0o600) }, `{"a": 1}`, false},
		{"no JSON", func(p string) error { return os.WriteFile(p, []byte(`{"a`), 0o600) }, "", true},
		{"symlink", func(p string) error { return os.Symlink(outside, p) }, "", true},
		{"pipe", func(p string) error { return unix.Mkfifo(p, 0o600) }, "", true},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, "", true},
		{"too large", func(p string) error {
			return os.WriteFile(p, []byte(`"`+strings.Repeat("x", maxResultBytes)+`"`), 0o600)
		}, "", true},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		if err := tt.make(filepath.Join(dir, resultFile)); err != nil {
			t.Fatal(err)
		}
		got, err := readResult(dir)
		if string(got) != tt.want || (err != nil) != tt.bad {
			t.Errorf("%s: got %q, %v", tt.name, got, err)
		}
	}
}

// TestMasks: everything that the host's /proc has and that is not on the
// short list is covered, by something that holds nothing of the host.
func TestMasks(t *testing.T) {
	dir := t.TempDir()
	masks, err := writeMasks(dir, "/proc")
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string]string{}
	for _, m := range masks {
		covered[m.Path] = m.Source
	}
	for _, name := range []string{"cmdline", "version", "cpuinfo", "meminfo", "uptime", "partitions", "interrupts", "kallsyms", "bus", "fs"} {
		source, ok := covered[name]
		if _, err := os.Lstat("/proc/" + name); err != nil {
			continue
		}
		if !ok || filepath.Dir(source) != dir {
			t.Errorf("/proc/%s is covered by %q, %v", name, source, ok)
		}
	}
	for _, name := range shownProc() {
		if _, ok := covered[name]; ok {
			t.Errorf("/proc/%s is covered", name)
		}
	}
	made := t.TempDir()
	if err := os.WriteFile(filepath.Join(made, "of-a-later-kernel"), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if masks, err = writeMasks(dir, made); err != nil || masks[1].Path != "of-a-later-kernel" {
		t.Errorf("got %v, %v", masks, err)
	}
}

// TestRootOfATree: a tree's links never lead out of it.
func TestRootOfATree(t *testing.T) {
	tests := []struct {
		name         string
		tree         map[string]string
		want, refuse []string
	}{
		{"merged", map[string]string{"/usr/bin": "dir 0755 0:0", "/bin": "link 0:0 usr/bin", "/etc/x": "file 0644 0:0 x"},
			[]string{"--ro-bind ROOT/usr /usr", "--symlink usr/bin /bin", "--ro-bind ROOT/etc /etc"}, []string{"/boot"}},
		{"split", map[string]string{"/usr": "dir 0755 0:0", "/bin": "dir 0755 0:0"}, []string{"--ro-bind ROOT/bin /bin"}, nil},
		{"usr is a link", map[string]string{"/usr": "link 0:0 /usr"}, nil, []string{"--ro-bind ROOT/usr"}},
		{"etc is a link", map[string]string{"/usr": "dir 0755 0:0", "/etc": "link 0:0 /etc"}, []string{"--tmpfs /etc"}, []string{"ROOT/etc"}},
		{"absolute link", map[string]string{"/lib": "link 0:0 /usr/lib"}, []string{"--symlink usr/lib /lib"}, nil},
	}
	for _, tt := range tests {
		root := fixtures.Tree(t, tt.tree)
		var a arguments
		a.root(root, false)
		line := strings.ReplaceAll(strings.Join(a, " "), root, "ROOT")
		for _, want := range tt.want {
			if !strings.Contains(line, want) {
				t.Errorf("%s: %q is not in %q", tt.name, want, line)
			}
		}
		for _, refuse := range tt.refuse {
			if strings.Contains(line, refuse) {
				t.Errorf("%s: %q is in %q", tt.name, refuse, line)
			}
		}
	}
}

func TestInputNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, in := range []Input{
		{Name: "../x"}, {Name: ""}, {Name: ".."},
		{Name: "ok", Files: map[string]string{"../../x": file}},
		{Name: "ok", Files: map[string]string{"gone": file + "x"}},
	} {
		if err := prepareInput(t.TempDir(), in); err == nil {
			t.Errorf("%+v was taken", in)
		}
	}
	dir := t.TempDir()
	if err := prepareInput(dir, Input{Name: "in", Files: map[string]string{"sha256:1": file}}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "in", "sha256:1")); string(data) != "x" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
}

// TestInputsElsewhere: a source on another filesystem has to be copied, and
// looks as if it were a link: a step cannot tell where the store lies.
func TestInputsElsewhere(t *testing.T) {
	fixtures.RequireRoot(t)
	sources := t.TempDir()
	if err := unix.Mount("tmpfs", sources, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(sources, 0); err != nil {
			t.Error(err)
		}
	})
	file, work := filepath.Join(sources, "content"), t.TempDir()
	when := time.Unix(1_500_000_000, 0)
	if err := errors.Join(os.WriteFile(file, []byte("content"), 0o600), os.Chmod(file, 0o444), os.Chtimes(file, when, when)); err != nil {
		t.Fatal(err)
	}
	defer unix.Umask(unix.Umask(0o077))
	if err := prepareInput(work, Input{Name: "in", Files: map[string]string{"sha256:1": file}}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Stat(filepath.Join(work, "in"))
	if err != nil || dir.Mode().Perm() != 0o755 {
		t.Errorf("the input's directory is %v, %v", dir, err)
	}
	info, err := os.Stat(filepath.Join(work, "in", "sha256:1"))
	if err != nil || info.Mode() != 0o444 || !info.ModTime().Equal(when) || info.Size() != 7 {
		t.Errorf("the copy is %v, %v", info, err)
	}
}

func TestInputsAreReadOnly(t *testing.T) {
	b := newRunner(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	spec := shell(t, "cd /run/osbuild/inputs; ls *; for f in files/a tree/b; do echo y > $f; done 2>/dev/null || echo refused")
	spec.Inputs = []Input{
		{Name: "files", Files: map[string]string{"a": file}},
		{Name: "tree", View: &store.View{Dir: fixtures.Tree(t, map[string]string{"/b": "file 0644 0:0 z"})}},
	}
	result, err := b.Run(context.Background(), spec)
	if want := "files:\na\n\ntree:\nb\nrefused\n"; result.Tail != want || err != nil {
		t.Errorf("got %q, %v; want %q", result.Tail, err, want)
	}
	if data, err := os.ReadFile(file); string(data) != "x" || err != nil {
		t.Errorf("the source now holds %q, %v", data, err)
	}
}

func TestClock(t *testing.T) {
	b := newRunner(t)
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		fixtures.Missing(t, "libfaketime is not installed")
	}
	spec := shell(t, "date -u +%Y-%m-%d; touch /tmp/x; ls "+TreeDir+ClockLibrary)
	spec.Clock = &Clock{Time: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC), Library: found[0]}
	spec.Chroot = true
	result, err := b.Run(context.Background(), spec)
	if want := "2031-05-06\n" + TreeDir + ClockLibrary + "\n"; result.Tail != want || err != nil {
		t.Errorf("got %q, %v; want %q", result.Tail, err, want)
	}
}

// TestDaemonsEnd: what a step leaves behind is gone when Run returns.
func TestDaemonsEnd(t *testing.T) {
	b := newRunner(t)
	spec := shell(t, "(setsid sh -c 'sleep 0.2; touch "+TreeDir+"/late; sleep 60' >/dev/null 2>&1 &) ; exit 0")
	start := time.Now()
	if _, err := b.Run(context.Background(), spec); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("Run waited %s for a daemon", took)
	}
	time.Sleep(400 * time.Millisecond)
	if _, err := os.Lstat(filepath.Join(spec.Tree.Dir, "late")); err == nil {
		t.Error("a daemon wrote into the tree after the step's end")
	}
}

func TestStatic(t *testing.T) {
	if err := checkStatic("/bin/ls"); err == nil || !strings.Contains(err.Error(), "build it with CGO_ENABLED=0") {
		t.Errorf("ls: got %v", err)
	}
	if err := checkStatic("/etc/passwd"); err == nil {
		t.Error("/etc/passwd was taken for a program")
	}
}

// TestPlainChroot: the kernel refuses, and one line says why and what to do.
func TestPlainChroot(t *testing.T) {
	fixtures.RequireRoot(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkStatic(self); err != nil {
		fixtures.Missing(t, err.Error())
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for name, content := range map[string][]byte{"self": program, setupFile: []byte("{}")} {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/self", "__sandbox", "/"+setupFile)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Cloneflags: unix.CLONE_NEWNS}
	cmd.Dir = "/"
	err = cmd.Run()
	got, rerr := os.ReadFile(filepath.Join(root, errorFile))
	want := "make mounts private: invalid argument; this root is no mount point (a plain chroot(8)?): enter it by pivot_root, " +
		"as systemd-nspawn and bwrap do, or mount --bind it onto itself first"
	if cmd.ProcessState.ExitCode() != 125 || rerr != nil || string(got) != want {
		t.Errorf("ended with %v and %q, %v", err, got, rerr)
	}
}

// TestRefused: what the kernel says is not what to do about it.
func TestRefused(t *testing.T) {
	if got := refused("start sandbox", unix.EPERM).Error(); !strings.Contains(got, "run as root, outside of an unprivileged container") {
		t.Errorf("got %q", got)
	}
	if got := refused("mount tree", unix.ENODEV).Error(); got != "mount tree: no such device" {
		t.Errorf("got %q", got)
	}
}

func TestMissingLibraryOrRoot(t *testing.T) {
	b := newRunner(t)
	spec := shell(t, "true")
	spec.Tree = &store.View{Dir: "/nonexistent"}
	if _, err := b.Run(context.Background(), spec); err == nil || !strings.Contains(err.Error(), "set up sandbox: mount tree") {
		t.Errorf("got %v", err)
	}
	spec = shell(t, "true")
	spec.Capabilities = []string{"CAP_OF_NOBODY"}
	if _, err := b.Run(context.Background(), spec); err == nil || !strings.Contains(err.Error(), "needs CAP_OF_NOBODY") {
		t.Errorf("got %v", err)
	}
}

func TestKnownCapability(t *testing.T) {
	for _, name := range DefaultCapabilities() {
		if !KnownCapability(name) {
			t.Errorf("%s is no capability", name)
		}
	}
	if KnownCapability("CAP_X") || slices.Contains(DefaultCapabilities(), "CAP_SYS_ADMIN") {
		t.Error("CAP_X is known, or CAP_SYS_ADMIN is given to all")
	}
}
