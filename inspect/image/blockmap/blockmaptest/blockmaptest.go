// Package blockmaptest holds what the tests of all formats of disk images do:
// make an image by qemu-img(1), compare what a reader shows of it with the disk
// that it was made of, and change it in every way.
package blockmaptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// An Open opens an image that lies in memory.
type Open func(data []byte) (fsys.Device, error)

// Disk writes a disk of size bytes with text, noise, zeros and holes.
func Disk(t testing.TB, size int) (path string, data []byte) {
	t.Helper()
	data = make([]byte, size)
	x := uint32(1)
	for i := range data {
		switch at := i % (4 << 20); {
		case at < 400000:
			data[i] = fmt.Sprintf("%08d\n", i/9)[i%9]
		case at > 1<<20 && at < 1<<20+300000:
			x = x*1664525 + 1013904223
			data[i] = byte(x >> 24)
		case at > 3<<20 && at < 3<<20+513:
			data[i] = 7
		}
	}
	data[size-1] = 1
	path = filepath.Join(t.TempDir(), "raw")
	f, err := os.Create(path)
	kerneltest.Must(t, err)
	for at := 0; at < size; at += 4096 {
		if b := data[at:min(at+4096, size)]; len(bytes.Trim(b, "\x00")) > 0 {
			_, err := f.WriteAt(b, int64(at))
			kerneltest.Must(t, err)
		}
	}
	kerneltest.Must(t, f.Truncate(int64(size)), f.Close())
	return path, data
}

// Convert makes an image by qemu-img convert. Options are those of -o, flags others.
func Convert(t testing.TB, raw, format, options string, flags ...string) string {
	t.Helper()
	fixtures.RequireTool(t, "qemu-img")
	path := filepath.Join(t.TempDir(), "image."+format)
	args := []string{"convert", "-f", "raw", "-O", format}
	if options != "" {
		args = append(args, "-o", options)
	}
	kerneltest.Run(t, "qemu-img", append(append(args, flags...), raw, path)...)
	return path
}

// Bytes is Convert for images of one file.
func Bytes(t testing.TB, raw, format, options string, flags ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(Convert(t, raw, format, options, flags...))
	kerneltest.Must(t, err)
	return data
}

// Shows requires that a device holds want, and zeros up to its size, read in
// one go and in pieces.
func Shows(t testing.TB, dev fsys.Device, want []byte) {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(dev, 0, dev.Size()))
	if err != nil || int64(len(got)) != dev.Size() || len(got) < len(want) {
		t.Fatalf("%d bytes of %d, want %d: %v", len(got), dev.Size(), len(want), err)
	}
	if !bytes.Equal(got[:len(want)], want) || len(bytes.Trim(got[len(want):], "\x00")) > 0 {
		t.Fatal("it holds something else")
	}
	for _, off := range []int64{0, 1, 399990, 1<<20 - 3, 2<<20 - 1, 3 << 20, dev.Size() - 5} {
		if off < 0 || off >= dev.Size() {
			continue
		}
		buf := make([]byte, 70000)
		n, err := dev.ReadAt(buf, off)
		if rest := got[off:]; n != min(len(buf), len(rest)) || !bytes.Equal(buf[:n], rest[:n]) || (n < len(buf)) != (err == io.EOF) {
			t.Errorf("at %d: %d bytes, %v", off, n, err)
		}
	}
	Extents(t, dev, got)
}

// Extents requires that what is in no extent of a device is zero, and that they are
// in order.
func Extents(t testing.TB, dev fsys.Device, content []byte) {
	t.Helper()
	runs, err := dev.Extents()
	kerneltest.Must(t, err)
	at := int64(0)
	for _, r := range append(runs, fsys.Extent{Offset: dev.Size(), Length: 1}) {
		if r.Offset < at || r.Length <= 0 || len(bytes.Trim(content[at:r.Offset], "\x00")) > 0 {
			t.Fatalf("extent %+v after byte %d", r, at)
		}
		at = r.Offset + r.Length
	}
}

// Read reads all that an image shows, and tells what is wrong with it: by an error
// or by its problems.
func Read(data []byte, open Open) error {
	dev, err := open(data)
	if err != nil {
		return err
	}
	if _, err := dev.Extents(); err != nil {
		return err
	}
	if d, ok := dev.(interface{ Problems() []error }); ok && len(d.Problems()) > 0 {
		return d.Problems()[0]
	}
	_, err = io.Copy(io.Discard, io.NewSectionReader(dev, 0, min(dev.Size(), 64<<20)))
	return err
}

// Cuts requires an error of every image that is cut off, at steps of step bytes.
func Cuts(t testing.TB, data []byte, step int, open Open) {
	t.Helper()
	for n := 0; n < len(data); n += step {
		if err := Read(data[:n], open); err == nil {
			t.Errorf("%d of %d bytes read without an error", n, len(data))
		}
	}
}

// Flips changes every step-th of the bytes from start to end in three ways and
// reads; in the full tier each byte, else one in three of those. That must end,
// without a panic; what it shows is not asked.
func Flips(t testing.TB, data []byte, start, end, step int, open Open) {
	t.Helper()
	if os.Getenv("ASSAY_FULL") == "1" {
		step = 1
	} else {
		step *= 3
	}
	for at := start; at < min(end, len(data)); at += step {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			data[at] ^= mask
			if err := Read(data, open); err != nil && err.Error() == "" {
				t.Errorf("byte %d: an error without a word", at)
			}
			data[at] ^= mask
		}
	}
}

// Fuzz changes bytes of images: three bytes of a patch say where, one what. Every
// error has to name the format.
func Fuzz(f *testing.F, format string, images [][]byte, open Open) {
	for n := range images {
		f.Add(uint8(n), []byte{0, 0, 20, 16})
		f.Add(uint8(n), []byte{0, 2, 3, 0xff, 0, 0, 70, 1})
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		data := bytes.Clone(images[int(which)%len(images)])
		for ; len(patches) >= 4; patches = patches[4:] {
			at := int(patches[0])<<16 | int(patches[1])<<8 | int(patches[2])
			data[at%len(data)] = patches[3]
		}
		dev, err := open(data)
		if err != nil {
			named(t, format, err)
			return
		}
		_, err = dev.Extents()
		named(t, format, err)
		_, err = io.CopyN(io.Discard, io.NewSectionReader(dev, 0, dev.Size()), 4<<20)
		if err != io.EOF {
			named(t, format, err)
		}
	})
}

func named(t *testing.T, format string, err error) {
	if err != nil && !strings.Contains(err.Error(), format) {
		t.Errorf("an error that names no place: %v", err)
	}
}

// VirtualSize is what qemu-img(1) takes for the size of a disk.
func VirtualSize(t testing.TB, path, format string) int64 {
	t.Helper()
	fixtures.RequireTool(t, "qemu-img")
	out, err := exec.Command("qemu-img", "info", "-f", format, "--output=json", path).Output()
	kerneltest.Must(t, err)
	var info struct {
		Size int64 `json:"virtual-size"`
	}
	kerneltest.Must(t, json.Unmarshal(out, &info))
	return info.Size
}
