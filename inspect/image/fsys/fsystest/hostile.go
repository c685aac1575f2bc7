package fsystest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// An Opener opens the filesystem in the first size bytes of r.
type Opener[F fsys.Filesystem] func(ctx context.Context, r io.ReaderAt, size int64) (F, error)

// maxNames is more than any small image can hold.
const maxNames = 1000000

// ReadAll opens an image, walks it and reads what it shows, up to a bound for each
// file: a hostile size is the caller's to bound. The error is the last that was
// told.
func (open Opener[F]) ReadAll(ctx context.Context, data []byte) error {
	fs, err := open(ctx, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	fs.Describe()
	for _, r := range fs.Reserved() {
		if r.Offset < 0 || r.Length < 0 || r.Offset+r.Length > fs.Size() {
			return fmt.Errorf("reserved is %+v of %d bytes", r, fs.Size())
		}
	}
	var told error
	names := 0
	err = fs.Walk(ctx, func(n *fsys.Node) error {
		if names++; names > maxNames {
			return errors.New("a small image shows a million names")
		}
		if n.Err != nil {
			told = n.Err
		}
		if n.Type == report.File && n.Sys != nil {
			if err := readSome(fs, n); err != nil {
				told = err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return told
}

// readSome reads the first MiB of a file.
func readSome(fs fsys.Filesystem, n *fsys.Node) error {
	c, err := fs.Open(n)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Extents(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(io.NewSectionReader(c, 0, c.Size()), 1<<20))
	return err
}

// timed reads an image and fails when that takes long; it tells whether an error
// was told.
func (open Opener[F]) timed(t *testing.T, data []byte, what string) bool {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := open.ReadAll(ctx, data)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("%s: reading takes %v", what, took)
	}
	return err != nil
}

// Flip flips every step-th byte of data, from byte start to byte end, in three ways:
// each image must be read to an end, without a panic. Runs of zeros are passed over.
func (open Opener[F]) Flip(t *testing.T, data []byte, start, end, step int) {
	t.Helper()
	if err := open.ReadAll(context.Background(), data); err != nil {
		t.Fatal(err)
	}
	told, flips := 0, 0
	const run = 16
	for at := start; at < min(end, len(data)-run); at += step {
		if allZero(data[at/run*run : at/run*run+run]) {
			continue
		}
		for _, v := range []byte{0x01, 0x80, 0xff} {
			data[at] ^= v
			flips++
			if open.timed(t, data, fmt.Sprint("byte ", at)) {
				told++
			}
			if t.Failed() {
				return
			}
			data[at] ^= v
		}
	}
	t.Logf("%d of %d flips were told", told, flips)
}

// Cut reads the first 0, step, 2*step, ... bytes of an image, all of which must be
// told to be truncated.
func (open Opener[F]) Cut(t *testing.T, data []byte, step int) {
	t.Helper()
	for n := 0; n < len(data); n += step {
		if !open.timed(t, data[:n], fmt.Sprint("length ", n)) {
			t.Errorf("an image cut at %d of %d bytes reads without an error", n, len(data))
		}
	}
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// A Target is an image for a fuzzer, with the places where it is not all zero.
type Target struct {
	data   []byte
	blocks []int
}

// NewTarget makes a target of an image.
func NewTarget(data []byte) Target {
	const unit = 256
	out := Target{data: data}
	for at := 0; at+unit <= len(data); at += unit {
		if !allZero(data[at : at+unit]) {
			out.blocks = append(out.blocks, at)
		}
	}
	return out
}

// Patched is a copy with bytes changed: three bytes of a patch say where among
// what is not zero, one what.
func (g Target) Patched(patches []byte) []byte {
	data := bytes.Clone(g.data)
	for ; len(patches) >= 4; patches = patches[4:] {
		block, off := int(patches[0])<<8|int(patches[1]), int(patches[2])
		data[g.blocks[block%len(g.blocks)]+off] = patches[3]
	}
	return data
}

// Fuzz changes bytes of real images. Whole images as input would spend the time
// on their zeros.
func (open Opener[F]) Fuzz(f *testing.F, images [][]byte) {
	var targets []Target
	for i, data := range images {
		targets = append(targets, NewTarget(data))
		f.Add(uint8(i), []byte{0, 0, 0x10, 1, 0, 8, 0, 0xff})
		f.Add(uint8(i), []byte{0, 1, 0x8, 1, 0, 42, 5, 0x80, 0, 4, 8, 8})
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		data := targets[int(which)%len(targets)].Patched(patches)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := open.ReadAll(ctx, data); errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("reading does not end")
		}
	})
}
