package assemblers

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
)

// benchTree is a directory with a real system, where ASSAY_BENCH_TREE names one.
func benchTree(b *testing.B) string {
	b.Helper()
	dir := os.Getenv("ASSAY_BENCH_TREE")
	if dir == "" {
		b.Skip("ASSAY_BENCH_TREE names no directory with a tree")
	}
	fixtures.RequireRoot(b)
	return dir
}

const benchRawfs = `{"filename": "image", "root_fs_uuid": "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75", "size": 1073741824}`

// Packing against the two things that it cannot be faster than.
func BenchmarkRawfs(b *testing.B) {
	dir := benchTree(b)
	entries := treetest.Scan(b, dir)
	j := job{kind: step.Assembler, name: "org.osbuild.rawfs", options: benchRawfs, source: dir, entries: entries}
	for b.Loop() {
		if err := os.Remove(j.mustRun(b, "image")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMke2fsAlone(b *testing.B) {
	dir := benchTree(b)
	for b.Loop() {
		image := filepath.Join(b.TempDir(), "image")
		out, err := exec.Command("mke2fs", "-q", "-F", "-t", "ext4", "-d", dir, image, "1G").CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		if err := os.Remove(image); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCopy(b *testing.B) {
	dir := benchTree(b)
	for b.Loop() {
		to := filepath.Join(b.TempDir(), "copy")
		treetest.Run(b, "cp", "-a", dir, to)
		if err := os.RemoveAll(to); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTar(b *testing.B) {
	dir := benchTree(b)
	entries := treetest.Scan(b, dir)
	j := job{kind: step.Stage, name: "org.osbuild.tar", options: `{"filename": "image"}`, source: dir, entries: entries}
	for b.Loop() {
		if err := os.Remove(j.mustRun(b, "image")); err != nil {
			b.Fatal(err)
		}
	}
}
