// Package mapper makes devices of pieces of others, by the targets of Linux's
// device mapper that need no knowledge of what is on them: linear, striped,
// zero, error.
//
// It knows no format: packages lvm, luks, raid read the metadata and say what
// to map. Devices may be used concurrently and hold nothing that would have
// to be closed.
//
// What the targets do is told in the kernel's
// Documentation/admin-guide/device-mapper.
package mapper

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A Leg is a place on a device that a target maps to. Devices are compared with
// each other: each is a pointer.
type Leg struct {
	Device fsys.Device
	Offset int64
}

// A Target is one piece of a mapped device. Lengths and offsets are bytes.
type Target struct {
	Length int64
	// Legs are what is mapped: one of them is linear, several are striped by
	// turns of Chunk bytes. None reads as zeros.
	Legs  []Leg
	Chunk int64
	// Err, when set, is what every read gives.
	Err error
}

// A Device is a table of targets, one after the other.
type Device struct {
	targets []Target
	ends    []int64
}

// New makes a device of targets. It fails when one of them reaches beyond the
// device that it maps to.
func New(targets []Target) (*Device, error) {
	d := &Device{targets: targets}
	end := int64(0)
	for i, t := range targets {
		if t.Length <= 0 || end+t.Length < end {
			return nil, fmt.Errorf("piece %d of %d bytes is impossible", i+1, t.Length)
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("piece %d: %w", i+1, err)
		}
		end += t.Length
		d.ends = append(d.ends, end)
	}
	return d, nil
}

// Section is the part of a device from offset on. It must lie within the device.
func Section(d fsys.Device, offset, size int64) (*Device, error) {
	return New([]Target{{Length: size, Legs: []Leg{{d, offset}}}})
}

func (t *Target) check() error {
	n := int64(len(t.Legs))
	if n == 0 {
		return nil
	}
	if n > 1 && (t.Chunk <= 0 || t.Length%n != 0 || t.Length/n%t.Chunk != 0) {
		return fmt.Errorf("%d bytes are no whole number of %d stripes of %d bytes", t.Length, n, t.Chunk)
	}
	for _, l := range t.Legs {
		if size := l.Device.Size(); l.Offset < 0 || l.Offset > size || t.Length/n > size-l.Offset {
			return fmt.Errorf("it maps to %d bytes at byte %d of a device that ends at byte %d", t.Length/n, l.Offset, size)
		}
	}
	return nil
}

// Size implements fsys.Device.
func (d *Device) Size() int64 {
	if len(d.ends) == 0 {
		return 0
	}
	return d.ends[len(d.ends)-1]
}

// ReadAt implements io.ReaderAt.
func (d *Device) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read at a negative offset")
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		i := sort.Search(len(d.ends), func(i int) bool { return d.ends[i] > at })
		if i == len(d.ends) {
			return n, io.EOF
		}
		t := &d.targets[i]
		start := d.ends[i] - t.Length
		got, err := t.read(p[n:n+int(min(int64(len(p)-n), d.ends[i]-at))], at-start)
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// read fills p, which lies within the target.
func (t *Target) read(p []byte, off int64) (int, error) {
	switch {
	case t.Err != nil:
		return 0, t.Err
	case len(t.Legs) == 0:
		clear(p)
		return len(p), nil
	case len(t.Legs) == 1:
		return full(t.Legs[0].Device, p, t.Legs[0].Offset+off)
	}
	n := 0
	for n < len(p) {
		leg, at, left := t.stripe(off + int64(n))
		got, err := full(leg.Device, p[n:n+int(min(int64(len(p)-n), left))], leg.Offset+at)
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// stripe tells where a byte of a striped target lies, and how many bytes from
// it on lie there too.
func (t *Target) stripe(off int64) (leg Leg, at, left int64) {
	n := int64(len(t.Legs))
	chunk, within := off/t.Chunk, off%t.Chunk
	return t.Legs[chunk%n], chunk/n*t.Chunk + within, t.Chunk - within
}

// full reads p whole. The end of the device below is no end of this one.
func full(r io.ReaderAt, p []byte, off int64) (int, error) {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return n, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
