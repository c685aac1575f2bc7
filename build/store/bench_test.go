package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// benchTree gives a tree of files entries, made in one step.
func benchTree(b *testing.B, files int) (*Dir, Tree) {
	b.Helper()
	d := openTest(b, b.TempDir(), Auto)
	base, _ := step(b, d, EmptyTree(), "base", func(dir string) error {
		for n := range files {
			name := filepath.Join(dir, fmt.Sprintf("usr/share/doc/package-%d/file-%d", n/50, n))
			if n%50 == 0 {
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					return err
				}
			}
			if err := os.WriteFile(name, fmt.Appendf(nil, "content of file %d\n", n), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	return d, base
}

// benchCommit measures Commit alone, and the bytes that the process had
// written to disk by it.
func benchCommit(b *testing.B, change edit) {
	d, base := benchTree(b, 30000)
	written := int64(0)
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		w, err := d.Begin(context.Background(), base)
		if err != nil {
			b.Fatal(err)
		}
		inView(b, w.View(), change)
		before := writtenBytes(b)
		b.StartTimer()
		if _, err := w.Commit(context.Background(), Commit{Key: fmt.Sprintf("k%d", n), Epoch: epoch}); err != nil {
			b.Fatal(err)
		}
		written += writtenBytes(b) - before
	}
	b.ReportMetric(float64(written)/float64(b.N), "written-B/op")
}

// writtenBytes is write_bytes of proc(5): what went to the storage layer.
func writtenBytes(b *testing.B) int64 {
	b.Helper()
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	var read, write, calls, wcalls, rbytes, wbytes int64
	if _, err := fmt.Sscanf(string(data), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d\n",
		&read, &write, &calls, &wcalls, &rbytes, &wbytes); err != nil {
		b.Fatal(err)
	}
	return wbytes
}

func BenchmarkCommitOneFile(b *testing.B) {
	benchCommit(b, write("usr/share/doc/package-7/file-355", "changed\n"))
}

func BenchmarkCommitNothing(b *testing.B) { benchCommit(b, nothing) }

// BenchmarkStep is a whole no-op step: begin, mount, unmount, commit.
func BenchmarkStep(b *testing.B) {
	d, base := benchTree(b, 30000)
	for n := 0; b.Loop(); n++ {
		step(b, d, base, fmt.Sprintf("k%d", n), nothing)
	}
}

// BenchmarkFold reads the list of a tree of 12,000 files with nothing remembered.
func BenchmarkFold(b *testing.B) {
	d, base := benchTree(b, 12000)
	for b.Loop() {
		d.folds = foldCache{}
		if _, err := d.fold(base); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommitTree commits the first layer of a tree: every file is new.
func BenchmarkCommitTree(b *testing.B) {
	for b.Loop() {
		benchTree(b, 12000)
	}
	unix.Sync()
}
