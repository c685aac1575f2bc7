package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a directory of somebody else": {map[string]string{"letter.txt": "dear"}, `it holds "letter.txt" and is not a store`},
		"names like a store's":         {map[string]string{"sources/x": ""}, `it holds "sources" and is not a store`},
		"a newer version":              {map[string]string{"version": "2\n"}, "version 2, this assay knows version 1; use a newer assay"},
		"a version that never was":     {map[string]string{"version": "0\n"}, "version 0 never was"},
		"a version file of others":     {map[string]string{"version": "v1.2.3\n"}, "holds no number"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range c.files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := write(name, content)(dir); err != nil {
					t.Fatal(err)
				}
			}
			before, _ := os.ReadDir(dir)
			_, err := Open(dir, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error is %v, want the directory and %q", err, c.want)
			}
			if after, _ := os.ReadDir(dir); len(after) != len(before) {
				t.Errorf("the refused directory was written to: %v", after)
			}
		})
	}
}

func TestOpenAgainAndThroughSymlink(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "store")
	if _, err := Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	tag, err := os.ReadFile(filepath.Join(dir, "CACHEDIR.TAG"))
	if err != nil || !strings.HasPrefix(string(tag), "Signature: 8a477f597d28d172789f06886806bc55\n") {
		t.Errorf("CACHEDIR.TAG is %q (%v)", tag, err)
	}
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(dir, alias); err != nil {
		t.Fatal(err)
	}
	d, err := Open(alias, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Path() != dir {
		t.Errorf("path is %s, want %s", d.Path(), dir)
	}
	if _, err := Open(dir, Options{Mode: "magic"}); err != nil {
		t.Errorf("a mode counts only when it is used, yet: %v", err)
	}
}

func TestOpenAtOnce(t *testing.T) {
	for range 20 {
		dir := filepath.Join(t.TempDir(), "store")
		done := make(chan error)
		for range 8 {
			go func() {
				_, err := Open(dir, Options{})
				done <- err
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(dir, Options{Holder: "build a.json"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := a.Lock(t.Context(), "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := b.Lock(t.Context(), "other", nil); err != nil {
		t.Fatal(err)
	} else {
		other()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var said []string
	_, err = b.Lock(ctx, "k", func(holder string) { said = append(said, holder); cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the wait ended with %v, want a cancellation", err)
	}
	if len(said) != 1 || !strings.Contains(said[0], "(build a.json)") {
		t.Errorf("the holder was told as %q", said)
	}
	got := make(chan error)
	go func() {
		u, err := b.Lock(t.Context(), "k", nil)
		if err == nil {
			u()
		}
		got <- err
	}()
	time.Sleep(20 * time.Millisecond)
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "locks", "key-*")); len(names) > 0 {
		t.Errorf("lock files stay: %v", names)
	}
	if _, err := a.Lock(t.Context(), "../k", nil); err == nil {
		t.Error("a key with a slash was taken")
	}
}

// TestLockExcludes has many goroutines count under one lock, which is removed
// and made anew all the time.
func TestLockExcludes(t *testing.T) {
	d, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const workers, rounds = 8, 25
	// Atomic, because the race detector does not know flock.
	var inside, total atomic.Int32
	done := make(chan error)
	for range workers {
		go func() {
			for range rounds {
				unlock, err := d.Lock(context.Background(), "k", nil)
				if err != nil {
					done <- err
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				total.Add(1)
				inside.Add(-1)
				unlock()
			}
			done <- nil
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := total.Load(); n != workers*rounds {
		t.Errorf("counted %d, want %d", n, workers*rounds)
	}
}

func TestHoldAndCollectExclude(t *testing.T) {
	d, err := Open(t.TempDir(), Options{Holder: "build x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Begin(t.Context(), EmptyTree()); !errors.Is(err, errNotHeld) {
		t.Errorf("begin without a hold gave %v", err)
	}
	release, err := d.Hold(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Hold(t.Context(), func(string) { t.Error("a second build waits") })
	if err != nil {
		t.Fatal(err)
	}
	second()
	ctx, cancel := context.WithCancel(t.Context())
	said := ""
	_, err = d.Collect(ctx, CollectOptions{MaxSize: -1, Waiting: func(h string) { said = h; cancel() }})
	if !errors.Is(err, context.Canceled) || !strings.Contains(said, "build x") {
		t.Errorf("collect under a build gave %v and said %q", err, said)
	}
	release()
	if _, err := d.Collect(t.Context(), CollectOptions{MaxSize: -1}); err != nil {
		t.Error(err)
	}
}

func TestEmptyTree(t *testing.T) {
	if digest, err := report.TreeDigest(nil); err != nil || digest != EmptyDigest {
		t.Errorf("the digest of no entries is %s (%v), not %s", digest, err, EmptyDigest)
	}
	d, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := d.Entries(Tree{}); err != nil || len(list) != 0 {
		t.Errorf("entries of the empty tree: %v, %v", list, err)
	}
}
