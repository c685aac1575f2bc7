package deb

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
)

const (
	blockSize = 256 << 10
	// ahead is how many blocks of one package are unpacked before they are
	// wanted: 16 MiB.
	ahead = 64
)

// unpackInOrder calls do with the files of each package in the order given,
// while the packages that follow are decompressed on the other processors:
// decompressing is nearly all of the work.
func unpackInOrder(ctx context.Context, packages []*Package, do func(*Package, io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	streams := make([]*stream, len(packages))
	for i := range streams {
		streams[i] = &stream{ctx: ctx, blocks: make(chan []byte, ahead)}
	}
	workers.Go(func() { startInOrder(ctx, &workers, packages, streams) })
	for i, p := range packages {
		if err := do(p, streams[i]); err != nil {
			return err
		}
		if err := streams[i].drain(); err != nil {
			return fmt.Errorf("unpack %s %s: %w", p.Name, p.Version, err)
		}
	}
	return ctx.Err()
}

// startInOrder keeps as many packages in work as there are processors. The
// earliest unfinished package is always one of them, so nobody waits forever.
func startInOrder(ctx context.Context, workers *sync.WaitGroup, packages []*Package, streams []*stream) {
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, p := range packages {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		workers.Go(func() {
			streams[i].fill(p)
			<-slots
		})
	}
}

// A stream is a package's unpacked files on their way from one goroutine to
// another. Its error is set before blocks is closed.
type stream struct {
	ctx    context.Context
	blocks chan []byte
	rest   []byte
	err    error
}

func (s *stream) fill(p *Package) {
	defer close(s.blocks)
	files, err := p.Files()
	if err != nil {
		s.err = err
		return
	}
	s.err = firstError(s.copyBlocks(files), files.Close())
}

func (s *stream) copyBlocks(files io.Reader) error {
	for {
		block := make([]byte, blockSize)
		n, err := fillBlock(files, block)
		if n > 0 {
			select {
			case s.blocks <- block[:n]:
			case <-s.ctx.Done():
				return s.ctx.Err()
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fillBlock is io.ReadFull, which would turn the end in the middle of a block
// into the very error that a cut-off archive gives.
func fillBlock(r io.Reader, block []byte) (n int, err error) {
	for n < len(block) && err == nil {
		var more int
		more, err = r.Read(block[n:])
		n += more
	}
	return n, err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		select {
		case block, ok := <-s.blocks:
			if !ok {
				return 0, firstError(s.err, io.EOF)
			}
			s.rest = block
		case <-s.ctx.Done(): // nobody may have begun to fill it
			return 0, s.ctx.Err()
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// drain reads what follows the archive's end: the compressor's checksum comes last.
func (s *stream) drain() error {
	_, err := io.Copy(io.Discard, s)
	return err
}
