package inspect

import (
	"context"
	"sync"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/pass"
)

// heldChunks is how many chunks are in memory besides two for each worker: room for
// who comes back to a chunk, because his files lie apart.
const heldChunks = 16

// chunkSums are digests of the disk's chunks that were made while its files were
// read: so the disk is read once. The zero value knows none.
type chunkSums struct {
	pass *pass.Pass
	mu   sync.Mutex
	sums map[int64][]byte
	// left are chunks that may not come up, as who takes one finds them.
	left []int64
}

// begin has the reading of files make digests. It does nothing for what is no disk,
// and for one of which the map cannot be read.
func (c *chunkSums) begin(img *image.Image, workers int) {
	if img.Device == nil {
		return
	}
	extents, err := img.Device.Extents()
	if err != nil {
		return // who reads the disk tells of it
	}
	if c.left, err = chunksOf(extents, img.Device.Size()); err != nil {
		return
	}
	c.sums = map[int64][]byte{}
	c.pass = img.Pass(chunkSize, heldChunks+2*workers, func(index int64, data []byte) {
		sum := chunkDigest(data)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sums[index] = sum
	})
}

// end lets files be read as before.
func (c *chunkSums) end() {
	if c.pass != nil {
		c.pass.End()
	}
}

// rest makes digests of chunks that did not come up: from the last to the first, so
// that a worker that has no more files does not run ahead of the others. Of chunks
// that cannot be read whoever asks for them tells.
func (c *chunkSums) rest(ctx context.Context, buf []byte) error {
	for {
		index, ok := c.takeLast()
		if !ok {
			return nil
		}
		if err := c.pass.Visit(ctx, index, buf[:chunkSize]); ctx.Err() != nil {
			return err
		}
	}
}

func (c *chunkSums) takeLast() (index int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.left) - 1
	if c.pass == nil || n < 0 {
		return 0, false
	}
	index, c.left = c.left[n], c.left[:n]
	return index, true
}

// get gives the digest of a chunk, nil for zeros, and whether it is known.
func (c *chunkSums) get(index int64) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum, ok := c.sums[index]
	return sum, ok
}
