package inspect

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"

	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
	"golang.org/x/sync/errgroup"
)

// The sizes of hashing. Files up to bufferSize are read once and serve the
// digest and the content rules from memory.
const (
	bufferSize = 4 << 20
	zeroSize   = 64 << 10
)

// hashFiles reads every inode's content once, in the order of the medium.
func (in *inspection) hashFiles(ctx context.Context) error {
	if !in.wants(sectionFiles) {
		return nil
	}
	jobs := in.contents()
	if in.NoHash {
		in.skipped = len(jobs) > 0
		return nil
	}
	refused := in.bound(ctx, jobs)
	jobs = slices.DeleteFunc(jobs, func(f *tree.File) bool { return refused[f] })
	p := &progress{tell: in.Progress}
	for _, f := range jobs {
		p.total += f.Node.Size
	}
	if in.wants(sectionDisk) {
		in.chunks.begin(in.img, in.Workers)
		defer in.chunks.end()
	}
	queue := make(chan *tree.File)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return feed(ctx, queue, jobs) })
	used := newRuleSet()
	for range in.Workers {
		h := &hasher{in: in, buf: make([]byte, bufferSize), zero: make([]byte, zeroSize), progress: p, used: used}
		g.Go(func() error { return h.run(ctx, queue) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	in.report.Rules = used.list()
	return nil
}

// feed hands the jobs out, and closes the queue.
func feed(ctx context.Context, queue chan<- *tree.File, jobs []*tree.File) error {
	defer close(queue)
	for _, f := range jobs {
		select {
		case queue <- f:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// contents are the inodes to read, each once, as they follow on the medium.
// Inode numbers stand in where a place is not known: most filesystems lay
// files out in about their order.
func (in *inspection) contents() []*tree.File {
	var jobs []*tree.File
	for i := range in.tree.Files {
		f := &in.tree.Files[i]
		if f.Node.Type == report.File && (f.First == nil || f.First == f) {
			jobs = append(jobs, f)
		}
	}
	slices.SortStableFunc(jobs, func(a, b *tree.File) int {
		return cmp.Or(
			cmp.Compare(a.Volume, b.Volume),
			cmp.Compare(a.Node.Physical, b.Node.Physical),
			cmp.Compare(a.Node.Inode, b.Node.Inode))
	})
	return jobs
}

// progress adds up what the workers have read.
type progress struct {
	mu          sync.Mutex
	done, total int64
	tell        func(done, total int64)
}

func (p *progress) add(n int64) {
	if p.tell == nil || n == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.tell(p.done, p.total)
}

// A hasher is one worker with its buffers.
type hasher struct {
	in        *inspection
	buf, zero []byte
	progress  *progress
	used      *ruleSet
	work      canonical.Work
}

func (h *hasher) run(ctx context.Context, queue <-chan *tree.File) error {
	for f := range queue {
		if err := h.file(ctx, f); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// What the walk has already reported of a node counts once.
			if f.Node.Err == nil {
				h.in.troubles.files.add(f.Path, err.Error())
			}
		}
	}
	return h.in.chunks.rest(ctx, h.buf)
}

// file fills SHA256 and Canonical of one file's node.
func (h *hasher) file(ctx context.Context, f *tree.File) error {
	c, err := f.Source.Open(f.Node)
	if err != nil {
		return err
	}
	defer c.Close()
	if c.Size() != f.Node.Size {
		return fmt.Errorf("read content: %d bytes were listed and %d are there", f.Node.Size, c.Size())
	}
	if f.Node.Holes, err = holes(c); err != nil { // first: to lseek(2) an unwritten extent that was read is data
		return err
	}
	again, err := h.digest(ctx, f, c)
	if err != nil {
		return err
	}
	if h.in.wants(sectionCanonical) {
		h.canonical(ctx, f, again)
	}
	if err := image.Unchanged(c); err != nil {
		f.Node.SHA256, f.Node.Canonical, f.Node.Roles = "", nil, nil
		return err
	}
	return nil
}

// digest fills SHA256, and gives the content once more for the rules: from
// memory where it was read whole.
func (h *hasher) digest(ctx context.Context, f *tree.File, c image.Content) (canonical.Content, error) {
	place, err := h.in.placeOf(f, c)
	if err != nil {
		return nil, err
	}
	key := h.in.cacheKey(f)
	sum, known := h.in.shared.get(place)
	if !known {
		sum, known = h.in.HashCache.get(key)
	}
	f.Node.SHA256 = sum
	var again canonical.Content = c
	if known {
		h.progress.add(c.Size())
	} else if again, err = h.compute(ctx, f, c); err != nil {
		return nil, err
	}
	h.in.shared.put(place, f.Node.SHA256)
	h.in.HashCache.put(key, f.Node.SHA256)
	return again, nil
}

// compute reads the content.
func (h *hasher) compute(ctx context.Context, f *tree.File, c image.Content) (again canonical.Content, err error) {
	var sum [sha256.Size]byte
	again = c
	if c.Size() <= int64(len(h.buf)) {
		data := h.buf[:c.Size()]
		if err := h.whole(c, data); err != nil {
			return nil, err
		}
		h.progress.add(c.Size())
		sum, again = sha256.Sum256(data), bytes.NewReader(data)
	} else if err := h.stream(ctx, c, &sum); err != nil {
		return nil, err
	}
	f.Node.SHA256 = hex.EncodeToString(sum[:])
	return again, nil
}

// whole fills data with the content, holes as zeros.
func (h *hasher) whole(c image.Content, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	return readFull(c, data, 0)
}

// readFull reads at off what fills p.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read at %d: %w", off+int64(n), err)
}

// stream hashes a content that is larger than the buffer, without reading holes.
func (h *hasher) stream(ctx context.Context, c image.Content, sum *[sha256.Size]byte) error {
	extents, err := c.Extents()
	if err != nil {
		return fmt.Errorf("map content: %w", err)
	}
	d, at, holes := sha256.New(), int64(0), int64(0)
	for _, x := range append(extents, image.Extent{Offset: c.Size()}) {
		start := min(x.Offset, c.Size())
		if start < at || x.Length < 0 {
			return fmt.Errorf("map content: the extent at %d is out of order", x.Offset)
		}
		if holes += start - at; holes > maxHoles {
			return fmt.Errorf("read content: its holes stand for more than %d bytes of zeros", int64(maxHoles))
		}
		if err := h.zeros(ctx, d, start-at); err != nil {
			return err
		}
		at = min(start+x.Length, c.Size())
		if err := h.data(ctx, d, c, start, at); err != nil {
			return err
		}
	}
	d.Sum(sum[:0])
	return nil
}

// zeros hashes n zeros.
func (h *hasher) zeros(ctx context.Context, d hash.Hash, n int64) error {
	h.progress.add(n)
	for ; n > 0; n -= int64(len(h.zero)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.Write(h.zero[:min(n, int64(len(h.zero)))])
	}
	return nil
}

// data hashes the bytes from start to end.
func (h *hasher) data(ctx context.Context, d hash.Hash, c image.Content, start, end int64) error {
	for start < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		data := h.buf[:min(end-start, int64(len(h.buf)))]
		if err := readFull(c, data, start); err != nil {
			return err
		}
		d.Write(data)
		start += int64(len(data))
		h.progress.add(int64(len(data)))
	}
	return nil
}
