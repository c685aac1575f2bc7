package build_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/build/step"
)

// A probe is what the probing step looks for: traces of the host.
type probe struct {
	Marker  string
	Address string
}

// runProbe fails with a list of everything that it finds of the host.
func runProbe(_ context.Context, c *step.Context) error {
	var p probe
	if err := json.Unmarshal(c.Options, &p); err != nil {
		return err
	}
	var found []string
	for _, variable := range os.Environ() {
		if strings.Contains(variable, p.Marker) || strings.HasPrefix(variable, "PWD=") && variable != "PWD=/" || strings.HasPrefix(variable, "SUDO_") {
			found = append(found, "variable "+variable)
		}
	}
	if conn, err := net.DialTimeout("tcp", p.Address, time.Second); err == nil {
		conn.Close()
		found = append(found, "listener "+p.Address)
	}
	found = append(found, probeFiles(p.Marker)...)
	found = append(found, probeKernel(p.Marker)...)
	if len(found) > 0 {
		return errors.New("found " + strings.Join(found, "; "))
	}
	return c.Tree.WriteFile("/probed", []byte("nothing\n"), 0o644)
}

// probeFiles looks for the marker in every name outside of /usr and /proc,
// and in every small file's content.
func probeFiles(marker string) []string {
	var found []string
	err := filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // unreadable is unseen
		}
		if slices.Contains([]string{"/usr", "/proc", "/boot", "/run/osbuild/api"}, path) {
			return fs.SkipDir
		}
		if strings.Contains(path, marker) {
			found = append(found, "name "+path)
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.Size() < 1<<20 {
			if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(marker)) {
				found = append(found, "content of "+path)
			}
		}
		return nil
	})
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

// probeKernel looks for what /proc tells of the host.
func probeKernel(marker string) []string {
	var found []string
	want := map[string]string{
		"/proc/cmdline":                   "root=/dev/osbuild\n",
		"/proc/sys/kernel/hostname":       "assay\n",
		"/proc/sys/kernel/random/boot_id": "00000000-0000-4000-8000-000000000000\n",
		"/proc/uptime":                    "0.00 0.00\n",
		"/proc/partitions":                "",
		"/proc/modules":                   "",
	}
	for path, content := range want {
		data, err := os.ReadFile(path)
		if err != nil && path != "/proc/modules" || string(data) != content {
			found = append(found, fmt.Sprintf("%s: %q, %v", path, data, err))
		}
	}
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ", "/proc/keys"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return append(found, err.Error())
		}
		for _, path := range paths {
			if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(marker)) {
				found = append(found, path)
			}
		}
	}
	if sys, err := os.ReadDir("/sys"); err != nil || len(sys) > 0 {
		found = append(found, fmt.Sprintf("/sys has %v, %v", sys, err))
	}
	return found
}

// TestNothingLeaks plants a marker wherever a step could find it, and lets a
// step look.
func TestNothingLeaks(t *testing.T) {
	b := newBench(t, t.TempDir())
	const marker = "assay-planted-leak"
	t.Setenv("ASSAY_LEAK", marker)
	t.Setenv("SUDO_USER", marker)
	for _, dir := range []string{"/etc", "/tmp", "/var/tmp", "/dev/shm", "/run"} {
		path := filepath.Join(dir, marker)
		if err := os.WriteFile(path, []byte(marker), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(path) })
	}
	work := filepath.Join(t.TempDir(), marker)
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	options := fmt.Sprintf(`{"Marker": %q, "Address": %q}`, marker, listener.Addr())
	other := shell("for d in /tmp /var/tmp /dev/shm /run /run/osbuild/meta; do echo " + marker + " > $d/" + marker + "; done")
	_, err = b.build(context.Background(), stagesOf(other, `{"type": "test.probe", "options": `+options+`}`))
	if err != nil {
		t.Error(err)
	}
}

// TestProbeSees makes sure that the probe would find what it looks for: in
// the test's own process everything is in sight.
func TestProbeSees(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "seen-marker"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if found := probeKernel("seen-marker"); len(found) == 0 {
		t.Error("the probe finds nothing in the test's own /proc")
	}
}

// TestHostileTrees: what a step leaves may be refused, but the store goes on,
// and the next build needs no repair.
func TestHostileTrees(t *testing.T) {
	for name, tt := range map[string]struct{ script, want string }{
		"immutable":   {"echo a > f; mkdir d; chattr +i f; chattr +a d; exit 0", ""},
		"no access":   {"mkdir d; echo 1 > d/f; chmod 000 d d/f .", ""},
		"deep":        {"i=0; while [ $i -lt 400 ]; do mkdir aaaaaaaaaaaa; cd aaaaaaaaaaaa; i=$((i+1)); done", "file name too long"},
		"whiteout":    {"mknod w c 0 0", "/w is a character device 0:0"},
		"overlayfs'":  {"mkdir d; setfattr -n trusted.overlay.opaque -v y d; touch .wh.x", ""},
		"holes":       {"truncate -s 2T f", "holes"},
		"left behind": {"sleep 100 &", "left programs running"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBench(t, dir)
			_, err := b.build(context.Background(), stagesOf(shell(tt.script)))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %.400v, want %q", err, tt.want)
			}
			if b, err = openBench(dir); err != nil {
				t.Fatal("the store does not open any more:", err)
			}
			if _, err := b.build(context.Background(), stagesOf(write("/other", "1"))); err != nil {
				t.Error(err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Error("the store cannot be removed:", err)
			}
		})
	}
}
