package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/fixtures"
)

// TestMain is the program on both sides of the sandbox, as the assay binary
// is: the tests start themselves again.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "__sandbox" {
		os.Exit(Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func newRunner(t testing.TB) *Bubblewrap {
	t.Helper()
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "bwrap")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBubblewrap(self)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// shell is a spec that runs a script in the host's /usr on an empty tree.
func shell(t testing.TB, script string) Spec {
	tree := t.TempDir()
	return Spec{
		Work:  t.TempDir(),
		Args:  []string{"/usr/bin/sh", "-c", script},
		Root:  store.View{Dir: "/"},
		Tree:  &store.View{Dir: tree},
		Epoch: time.Unix(1579910400, 0),
	}
}

func TestStepSeesFixedSurroundings(t *testing.T) {
	t.Setenv("ASSAY_LEAK", "leaked-variable")
	tests := []struct{ name, script, want string }{
		{"environment", "unset PWD OLDPWD SHLVL _; env | sort",
			"LC_CTYPE=C.UTF-8\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nSOURCE_DATE_EPOCH=1579910400\nTERM=dumb\ncontainer=bwrap-osbuild"},
		{"hostname", "hostname", "assay"},
		{"working directory", "pwd", "/"},
		{"umask", "umask", "0022"},
		{"user", "id -u", "0"},
		{"command line of the kernel", "cat /proc/cmdline", "root=/dev/osbuild"},
		{"boot id", "cat /proc/sys/kernel/random/boot_id", strings.TrimSpace(bootID)},
		{"machine", "ls -A /sys", ""},
		{"processes", "ls -d /proc/[0-9]* | grep -c -v /proc/1$ ", "2"}, // ls and grep
		{"network", "ls /proc/self/net/dev && grep -c : /proc/self/net/dev", "/proc/self/net/dev\n1"},
		{"temporary files", "ls -A /tmp /var/tmp", "/tmp:\n\n/var/tmp:"},
		{"read-only usr", "touch /usr/x 2>/dev/null || echo refused", "refused"},
		{"standard input", "cat", ""},
		{"core dumps", "ulimit -c", "0"},
		{"no mounts", "mount -t tmpfs none /tmp 2>/dev/null || echo refused", "refused"},
		// Each writes what is there already: where it is not refused, nothing is changed.
		{"tunables", "for f in kernel/core_pattern kernel/panic vm/swappiness; do cat /proc/sys/$f 2>&1 > /tmp/was && (cat /tmp/was > /proc/sys/$f) 2>/dev/null || echo refused; done", "refused\nrefused\nrefused"},
		{"binary formats", "ls -A /proc/sys/fs/binfmt_misc 2>/dev/null", ""},
		{"mask stays", "umount /proc/cmdline 2>/dev/null || cat /proc/cmdline", "root=/dev/osbuild"},
	}
	b := newRunner(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			result, err := b.Run(context.Background(), shell(t, tt.script))
			if got := strings.TrimSpace(result.Tail); err != nil || got != tt.want {
				t.Errorf("got %q, %v\nwant %q", got, err, tt.want)
			}
		})
	}
}

// TestStepInheritsNoFiles starts the program as a shell with another file open would.
func TestStepInheritsNoFiles(t *testing.T) {
	b := newRunner(t)
	path := filepath.Join(t.TempDir(), "left-open")
	fd, err := unix.Open(path, unix.O_CREAT|unix.O_RDWR, 0o600) // without O_CLOEXEC
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	result, err := b.Run(context.Background(), shell(t, "ls -l /proc/$$/fd"))
	if err != nil || !strings.Contains(result.Tail, "0 -> /dev/null") || strings.Contains(result.Tail, "left-open") {
		t.Errorf("files that are open in the step:\n%s%v", result.Tail, err)
	}
}

func TestStepChangesItsTree(t *testing.T) {
	b := newRunner(t)
	spec := shell(t, "echo hello > /run/osbuild/tree/file; chown 5:6 /run/osbuild/tree/file; mknod /run/osbuild/tree/null c 1 3")
	if _, err := b.Run(context.Background(), spec); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(spec.Tree.Dir, "file"))
	if string(data) != "hello\n" || err != nil {
		t.Errorf("file holds %q, %v", data, err)
	}
}

func TestFailureCarriesLastLines(t *testing.T) {
	b := newRunner(t)
	_, err := b.Run(context.Background(), shell(t, "echo one; echo two >&2; exit 7"))
	var exit *ExitError
	if !errors.As(err, &exit) || exit.State != "exit status 7" || LastLines(exit.Tail, 2) != "one\ntwo" {
		t.Errorf("got %v", err)
	}
}

// TestCapabilities requires what a step's programs can have at most: bits of
// linux/capability.h.
func TestCapabilities(t *testing.T) {
	b := newRunner(t)
	const sysAdmin = uint64(1) << 21
	var defaults uint64
	for i, name := range capabilityNames() {
		if slices.Contains(DefaultCapabilities(), name) && bounding(name) {
			defaults |= 1 << i
		}
	}
	for _, tt := range []struct {
		asked []string
		want  uint64
	}{{nil, defaults}, {[]string{"CAP_SYS_ADMIN"}, defaults | sysAdmin}} {
		spec := shell(t, "exec sh -c 'grep -E \"Cap(Prm|Eff|Bnd)\" /proc/self/status'")
		spec.Capabilities = tt.asked
		result, err := b.Run(context.Background(), spec)
		want := fmt.Sprintf("CapPrm:\t%016[1]x\nCapEff:\t%016[1]x\nCapBnd:\t%016[1]x\n", tt.want)
		if err != nil || result.Tail != want {
			t.Errorf("with %v: got %v\n%swant\n%s", tt.asked, err, result.Tail, want)
		}
	}
}
