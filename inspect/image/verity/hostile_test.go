package verity_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/verity"
)

// memory is a device of bytes.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m).ReadAt(p, off) }
func (m memory) Size() int64                             { return int64(len(m)) }
func (m memory) Extents() ([]fsys.Extent, error) {
	return []fsys.Extent{{Length: int64(len(m))}}, nil
}

// small is a tree of three levels over blocks of 512 bytes, and its data.
func small(t testing.TB) (tree, data []byte) {
	t.Helper()
	path, hashes := noise(t, 512*150), filepath.Join(t.TempDir(), "tree")
	format(t, path, hashes, "--data-block-size", "512", "--hash-block-size", "512", "--hash", "sha512")
	tree, err := os.ReadFile(hashes)
	must(t, err)
	data, err = os.ReadFile(path)
	must(t, err)
	return tree, data
}

func verify(tree, data []byte) error {
	t, err := verity.Open(memory(tree))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	t.Fits(memory(data))
	t.Settings()
	return t.Verify(ctx, memory(data), 2)
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	t.Parallel()
	tree, data := small(t)
	must(t, verify(tree, data))
	for at := range tree {
		tree[at] ^= 0x41
		start := time.Now()
		err := verify(tree, data)
		// The id and what pads the superblock mean nothing; another highest block is another root.
		if told := at >= 8 && at < 16 || at >= 64 && at < 82 || at >= 1024; told && err == nil {
			t.Errorf("byte %d is changed unnoticed", at)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("byte %d: %v", at, took)
		}
		tree[at] ^= 0x41
	}
}

func TestTruncationIsTold(t *testing.T) {
	t.Parallel()
	tree, data := small(t)
	for n := 0; n < len(tree); n += 256 {
		if verify(tree[:n], data) == nil {
			t.Errorf("a tree cut at byte %d verifies", n)
		}
	}
	for n := 0; n < len(data); n += 512 {
		if verify(tree, data[:n]) == nil {
			t.Errorf("data cut at byte %d verifies", n)
		}
	}
}

// FuzzOpen changes bytes of a real tree.
func FuzzOpen(f *testing.F) {
	tree, data := small(f)
	f.Add([]byte{0, 64, 1, 0, 66, 8})
	f.Add([]byte{0, 72, 1, 0, 12, 0})
	f.Fuzz(func(t *testing.T, patches []byte) {
		changed := bytes.Clone(tree)
		for ; len(patches) >= 3; patches = patches[3:] {
			changed[(int(patches[0])<<8|int(patches[1]))%len(changed)] = patches[2]
		}
		_ = verify(changed, data)
	})
}
