package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
)

// childVariable makes the test binary a process that builds in a store, which
// a test kills.
const childVariable = "ASSAY_STORE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := child(dir, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childSteps are what the child builds: small and large layers, links,
// removals, one layer that changes nothing.
func childSteps() []edit {
	many := func(dir string) error {
		for n := range 300 {
			if err := write(fmt.Sprintf("d/f%d", n), strings.Repeat("x", n*10))(dir); err != nil {
				return err
			}
		}
		return nil
	}
	return []edit{
		edits(mkdir("d"), many, link("d/f1", "l")), chmod("l", 0o600), nothing, remove("d"), edits(mkdir("d"), write("d/n", "")),
	}
}

// child does what an executor does, and tells the digest of each step.
func child(dir string, out io.Writer) error {
	mode, dir, _ := strings.Cut(dir, ":")
	ctx := context.Background()
	d, err := Open(dir, Options{Mode: Mode(mode)})
	if err != nil {
		return err
	}
	release, err := d.Hold(ctx, nil)
	if err != nil {
		return err
	}
	defer release()
	base := EmptyTree()
	for n, do := range childSteps() {
		key := fmt.Sprintf("key%d", n)
		l, ok, err := d.Lookup(key)
		if err == nil && !ok {
			l, err = childStep(ctx, d, base, key, do, out)
		}
		if err != nil {
			return err
		}
		base = base.With(l)
	}
	if _, err := d.fold(base); err != nil {
		return err
	}
	fmt.Fprintln(out, "digest", base.Digest)
	return d.AddSource(ctx, sums[2], hello)
}

func childStep(ctx context.Context, d *Dir, base Tree, key string, do edit, out io.Writer) (*Layer, error) {
	fmt.Fprintln(out, "begin", key)
	w, err := d.Begin(ctx, base)
	if err != nil {
		return nil, err
	}
	target := filepath.Join(w.Dir(), "tree")
	if err := os.Mkdir(target, 0o700); err != nil {
		return nil, err
	}
	err = inMountNamespace(func() error {
		if err := w.View().Mount(target); err != nil {
			return err
		}
		return errors.Join(do(target), unix.Unmount(target, 0))
	})
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "commit", key)
	return w.Commit(ctx, Commit{Key: key, Type: "org.osbuild.test", Epoch: epoch})
}

// run starts the child; when it has told the line mark, it is killed after
// delay. It returns everything that the child told.
func runChild(t *testing.T, store, mark string, delay time.Duration) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), childVariable+"="+store)
	c.Stderr = os.Stderr
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		fmt.Fprintln(&told, lines.Text())
		if lines.Text() == mark {
			time.Sleep(delay)
			if err := c.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err != nil && mark == "" {
		t.Fatalf("the child ended with %v after\n%s", err, &told)
	}
	return told.String()
}

func digestOf(t *testing.T, told string) string {
	t.Helper()
	_, digest, ok := strings.Cut(told, "digest ")
	if !ok {
		t.Fatalf("the child told no digest:\n%s", told)
	}
	return strings.TrimSpace(digest)
}

// TestKill kills a build with SIGKILL at many points, in Begin, in the step
// and in Commit; the next build must end with the same tree, with no repair.
func TestKill(t *testing.T) {
	fixtures.RequireRoot(t)
	// A process that is killed loses nothing that the kernel has: a tmpfs
	// shows the same as a disk, and its syncs cost nothing.
	dir := onTmpfs(t, "")
	delays := []time.Duration{0, 400 * time.Microsecond, 2 * time.Millisecond}
	full := os.Getenv("ASSAY_FULL") == "1"
	if full {
		dir, delays = t.TempDir(), nil
		for n := range 40 {
			delays = append(delays, time.Duration(n*n)*25*time.Microsecond)
		}
	}
	for _, mode := range []Mode{Overlay, Copy} {
		want := digestOf(t, runChild(t, string(mode)+":"+filepath.Join(dir, string(mode)), "", 0))
		for n := range childSteps() {
			for _, point := range []string{"begin", "commit"} {
				mark := fmt.Sprintf("%s key%d", point, n)
				for n, delay := range delays {
					if point == "begin" && n > 0 && !full {
						continue
					}
					killAt(t, filepath.Join(dir, "killed"), mode, mark, delay, want)
					if err := os.RemoveAll(filepath.Join(dir, "killed")); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

func killAt(t *testing.T, dir string, mode Mode, mark string, delay time.Duration, want string) {
	t.Helper()
	runChild(t, string(mode)+":"+dir, mark, delay)
	where := fmt.Sprintf("%s, killed %v after %s", mode, delay, mark)
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	if names, err := os.ReadDir(d.join("work")); err != nil || len(names) > 0 {
		t.Errorf("%s: work stays: %v, %v", where, names, err)
	}
	if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
		t.Errorf("%s: verify: %v, %v", where, problems, err)
	}
	if got := digestOf(t, runChild(t, string(mode)+":"+dir, "", 0)); got != want {
		t.Errorf("%s: the next build gave %s, want %s", where, got, want)
	}
}

// TestFull fills a small filesystem at each place where a build writes.
func TestFull(t *testing.T) {
	for _, mode := range []Mode{Overlay, Copy} {
		t.Run(string(mode), func(t *testing.T) {
			d := openTest(t, onTmpfs(t, "size=2m"), mode)
			base, _ := step(t, d, EmptyTree(), "k1", edits(write("a", "one\n"), write("b", strings.Repeat("b", 300<<10))))
			w, err := d.Begin(t.Context(), base)
			if err != nil {
				t.Fatal(err)
			}
			inView(t, w.View(), func(dir string) error {
				err := write("fill", strings.Repeat("x", 4<<20))(dir)
				if !errors.Is(err, unix.ENOSPC) {
					t.Errorf("the filesystem took all: %v", err)
				}
				return nil
			})
			_, err = w.Commit(t.Context(), Commit{Key: "k2", Type: "org.osbuild.test", Epoch: epoch})
			wantFull(t, d, err)
			err = d.AddSource(t.Context(), sums[2], hello)
			wantFull(t, d, err)
			if err := w.Discard(); err != nil {
				t.Fatal(err)
			}
			base, _ = step(t, d, base, "k2", write("c", "two\n"))
			if list := tree(t, d, base); len(list) != 4 {
				t.Errorf("the tree after the trouble is %v", list)
			}
			if err := d.AddSource(t.Context(), sums[2], hello); err != nil {
				t.Error(err)
			}
			if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
				t.Errorf("verify: %v, %v", problems, err)
			}
		})
	}
}

func wantFull(t *testing.T, d *Dir, err error) {
	t.Helper()
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "the filesystem of the store "+d.path+" is full; make room") {
		t.Errorf("error is %v, want one on the full filesystem", err)
	}
}
