package build_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build"
	"github.com/assay-os/assay/fixtures"
)

// buildInChild is a build in a process that tests may kill.
func buildInChild(dir, document string) int {
	b, err := openBench(dir)
	if err == nil {
		_, err = b.build(context.Background(), document)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// crashManifest has steps of both kinds, in a build root and in the host's /usr.
func crashManifest() string {
	return `{"version": "2", "pipelines": [
		{"name": "one", "stages": [` + write("/a", "1") + `, ` + shell("for i in 1 2 3; do echo $i > f$i; ln f$i g$i; done") + `]},
		{"name": "two", "stages": [` + write("/b", "2") + `,
			{"type": "test.read", "inputs": {"tree": {"type": "org.osbuild.tree", "origin": "org.osbuild.pipeline", "references": ["name:one"]}}},
			` + shell("rm -r b; mkdir -p b/c; echo x > b/c/d") + `]}]}`
}

// TestKill kills builds at points spread over their time. After each, the
// same build on the same store gives the same digest, and nothing is left. A
// build that was done too early does not count; it tells how long one takes.
func TestKill(t *testing.T) {
	points := 10
	if os.Getenv("ASSAY_FULL") == "1" {
		points = 120
	}
	want, err := newBench(t, t.TempDir()).build(context.Background(), crashManifest())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	killAt(t, t.TempDir(), time.Minute)
	whole := time.Since(start)
	killed := 0
	for try := 0; killed < points; try++ {
		if try == 3*points {
			t.Fatalf("only %d of %d builds were killed before they were done", killed, try)
		}
		dir := t.TempDir()
		start := time.Now()
		how := killAt(t, dir, whole*time.Duration(killed+1)/time.Duration(points+1))
		if how == "signal: killed" {
			killed++
		} else {
			whole = min(whole, time.Since(start))
		}
		b := newBench(t, dir)
		got, err := b.build(context.Background(), crashManifest())
		if err != nil {
			t.Fatalf("point %d (%s): %v", killed, how, err)
		}
		if got.Trees["two"].Digest != want.Trees["two"].Digest {
			t.Errorf("point %d: digest %s, want %s", killed, got.Trees["two"].Digest, want.Trees["two"].Digest)
		}
		noMounts(t, dir)
	}
	t.Logf("killed at %d points of %s", killed, whole)
}

// killAt starts a build in a child and kills that after a while, if it is not
// done before, and tells how it ended.
func killAt(t *testing.T, dir string, after time.Duration) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "__build", dir, crashManifest())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	})
	defer kill.Stop()
	err = cmd.Wait()
	noProcesses(t, dir)
	return fmt.Sprint(err)
}

// noProcesses waits until no process has dir in its arguments, for 2 seconds.
func noProcesses(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left := processes(t, dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still running: %q", left)
		}
	}
}

func processes(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, []byte(dir)) && !strings.HasPrefix(path, fmt.Sprintf("/proc/%d/", os.Getpid())) {
			found = append(found, string(data))
		}
	}
	return found
}

func noMounts(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(dir)) {
		t.Errorf("a mount is left below %s", dir)
	}
}

func TestInterrupt(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	var cancelled time.Time
	time.AfterFunc(700*time.Millisecond, func() { cancelled = time.Now(); cancel() })
	_, err := b.build(ctx, stagesOf(write("/a", "1"), shell("trap '' INT TERM; sleep 60 & sleep 60; wait")))
	if took := time.Since(cancelled); !errors.Is(err, context.Canceled) || took > 2*time.Second {
		t.Errorf("ended with %v after %s", err, took)
	}
	noProcesses(t, b.dir)
	r, err := b.build(context.Background(), stagesOf(write("/a", "1"), shell("true")))
	if err != nil || ran(r) != ". shell" {
		t.Errorf("afterwards: ran %q, %v", ran(r), err)
	}
}

func TestTimeout(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.builder.StepTimeout = 300 * time.Millisecond
	_, err := b.build(context.Background(), stagesOf(shell("sleep 60")))
	if err == nil || !strings.Contains(err.Error(), "longer than 300ms") {
		t.Errorf("got %v", err)
	}
}

// TestTwoBuilds runs the same build twice at once on one store: every step
// runs once, and the one who waits says for whom.
func TestTwoBuilds(t *testing.T) {
	dir := t.TempDir()
	document := stagesOf(shell("sleep 0.5; echo 1 > a"), shell("sleep 0.2; echo 2 > b"))
	type outcome struct {
		b   *bench
		r   *build.Result
		err error
	}
	done := make(chan outcome)
	for range 2 {
		b := newBench(t, dir)
		go func() {
			r, err := b.build(context.Background(), document)
			done <- outcome{b, r, err}
		}()
	}
	count, waited := 0, 0
	for range 2 {
		o := <-done
		if o.err != nil {
			t.Fatal(o.err)
		}
		count += strings.Count(ran(o.r), "shell")
		for _, e := range o.b.events.list {
			if e.Kind == build.Waiting && strings.Contains(e.Holder, "test") {
				waited++
			}
		}
	}
	if count != 2 || waited == 0 {
		t.Errorf("%d steps ran, want 2; waited %d times, want at least once", count, waited)
	}
}

// TestDiskFull fills a small store. The error says so, and there is room for
// another build at once.
func TestDiskFull(t *testing.T) {
	fixtures.RequireRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b := newBench(t, filepath.Join(dir, "store"))
	document := stagesOf(write("/a", "1"), shell("dd if=/dev/zero of=big bs=1M count=8"))
	_, err := b.build(context.Background(), document)
	if err == nil || !strings.Contains(err.Error(), "No space left") && !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
	r, err := b.build(context.Background(), stagesOf(write("/a", "1"), shell("echo 2 > b")))
	if err != nil || ran(r) != ". shell" {
		t.Errorf("afterwards: ran %q, %v", ran(r), err)
	}
}
