package verity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// errMismatch is what a digest that is not the stored one gives.
var errMismatch = errors.New("does not match its digest")

// Fits tells whether the first block of a device has the digest that the tree
// has for it.
func (t *Tree) Fits(data fsys.Device) bool {
	if data.Size() < t.DataSize() {
		return false
	}
	if len(t.levels) == 0 {
		return true
	}
	want := make([]byte, t.HashBlock)
	if t.read(want, t.levels[0].offset) != nil {
		return false
	}
	block := make([]byte, t.DataBlock)
	if n, _ := data.ReadAt(block, 0); n < len(block) {
		return false
	}
	return bytes.Equal(t.sum(t.newHash(), block, nil), want[:t.digest])
}

// Verify computes the digest of every block of hashes and of data, and
// compares it with the one that is stored a level above. The error names the
// first block that does not match, of the highest level where there is one.
func (t *Tree) Verify(ctx context.Context, data fsys.Device, workers int) error {
	if data.Size() < t.DataSize() {
		return fmt.Errorf("the tree is over %d bytes, but the data has %d: it is truncated", t.DataSize(), data.Size())
	}
	if len(t.levels) == 0 {
		block := make([]byte, t.DataBlock)
		if n, err := data.ReadAt(block, 0); n < len(block) {
			return fmt.Errorf("read data: %w", err)
		}
		t.root = t.sum(t.newHash(), block, nil)
		return nil
	}
	for i := len(t.levels) - 2; i >= 0; i-- {
		below := t.levels[i]
		check := &check{Tree: t, above: t.levels[i+1], dev: t.dev, offset: below.offset, size: t.HashBlock, count: below.blocks}
		if err := check.run(ctx, workers); err != nil {
			return fmt.Errorf("hash tree, level %d: %w", i, err)
		}
	}
	extents, err := data.Extents()
	if err != nil {
		return err
	}
	check := &check{Tree: t, above: t.levels[0], dev: data, size: t.DataBlock, count: t.DataBlocks, holes: newHoles(extents)}
	check.zero = t.sum(t.newHash(), make([]byte, t.DataBlock), nil)
	if err := check.run(ctx, workers); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

// A check compares the blocks of one level with the digests above them.
type check struct {
	*Tree
	above  level
	dev    fsys.Device
	offset int64
	size   int64
	count  int64
	holes  *holes
	zero   []byte // the digest of a block of zeros

	mu    sync.Mutex
	next  int64 // block of digests that is to be looked at
	first int64 // that does not match
	err   error
}

// run has workers take one block of digests after the other.
func (c *check) run(ctx context.Context, workers int) error {
	g, ctx := errgroup.WithContext(ctx)
	for range max(1, workers) {
		g.Go(func() error {
			w := &worker{check: c, hash: c.newHash(), digests: make([]byte, c.HashBlock), block: make([]byte, c.size)}
			for {
				c.mu.Lock()
				n := c.next
				c.next++
				done := n >= c.above.blocks || c.err != nil
				c.mu.Unlock()
				if err := ctx.Err(); done || err != nil {
					return err
				}
				if err := w.look(n); err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.err
}

// fail keeps the first block that does not match, in the order of blocks.
func (c *check) fail(block int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || block < c.first {
		c.first, c.err = block, fmt.Errorf("block %d %w", block, errMismatch)
	}
}

type worker struct {
	*check
	hash           hash.Hash
	digests, block []byte
	sum            []byte
}

// look compares all blocks that one block of digests is over. Where one of an
// earlier block does not match already, the order tells which is the first:
// blocks of digests are taken in ascending order, and each is finished.
func (w *worker) look(n int64) error {
	if err := w.read(w.digests, w.above.offset+n*w.HashBlock); err != nil {
		return err
	}
	for i := range min(w.perBlock, w.count-n*w.perBlock) {
		block := n*w.perBlock + i
		got := w.zero
		if !w.holes.hole(block*w.size, w.size) {
			if got, err := w.dev.ReadAt(w.block, w.offset+block*w.size); got < len(w.block) {
				return fmt.Errorf("read block %d: %w", block, err)
			}
			w.sum = w.Tree.sum(w.hash, w.block, w.sum[:0])
			got = w.sum
		}
		if !bytes.Equal(got, w.digests[i*w.stride:i*w.stride+w.digest]) {
			w.fail(block)
			return nil
		}
	}
	return nil
}

// holes tells where a device holds nothing.
type holes struct{ runs []fsys.Extent }

func newHoles(runs []fsys.Extent) *holes { return &holes{runs} }

// hole tells whether a range is all zero without being read. A nil holes knows of none.
func (h *holes) hole(off, size int64) bool {
	if h == nil {
		return false
	}
	low, high := 0, len(h.runs)
	for low < high {
		if mid := (low + high) / 2; h.runs[mid].Offset+h.runs[mid].Length <= off {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low == len(h.runs) || h.runs[low].Offset >= off+size
}
