package qcow2_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/qcow2"
)

var be = binary.BigEndian

// rawDisk has text, noise, zeros and holes over three megabytes and a bit.
func rawDisk(t testing.TB) (path string, data []byte) {
	t.Helper()
	data = make([]byte, 3<<20+512)
	x := uint32(1)
	for i := range data {
		switch {
		case i < 400000:
			data[i] = "some text that is easy to compress "[i%35]
		case i > 1<<20 && i < 1<<20+300000:
			x = x*1664525 + 1013904223
			data[i] = byte(x >> 24)
		case i > 3<<20:
			data[i] = 7
		}
	}
	path = filepath.Join(t.TempDir(), "raw")
	kerneltest.Must(t, os.WriteFile(path, data, 0o644))
	return path, data
}

// convert makes an image by qemu-img.
func convert(t testing.TB, raw, options string, flags ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "qcow2")
	kerneltest.Run(t, "qemu-img", append(append([]string{"convert", "-f", "raw", "-O", "qcow2", "-o", options}, flags...), raw, path)...)
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	return data
}

func open(data []byte) (*qcow2.Image, error) {
	return qcow2.Open(bytes.NewReader(data), int64(len(data)), nil)
}

func TestReadsWhatQEMUWrites(t *testing.T) {
	raw, want := rawDisk(t)
	for _, options := range []string{
		"compat=0.10", "compat=1.1", "cluster_size=512", "cluster_size=2M", "extended_l2=on,cluster_size=64k",
		"compat=1.1,preallocation=metadata", "compat=1.1,lazy_refcounts=on",
		"compat=0.10 -c", "compat=1.1 -c", "cluster_size=4k -c", "cluster_size=2M -c", "compression_type=zstd -c", "compression_type=zstd,cluster_size=1M -c",
	} {
		t.Run(options, func(t *testing.T) {
			words := strings.Fields(options)
			img, err := open(convert(t, raw, words[0], words[1:]...))
			kerneltest.Must(t, err)
			got, err := io.ReadAll(io.NewSectionReader(img, 0, img.Size()))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, %v: not what was written", len(got), err)
			}
			for _, off := range []int64{0, 1, 399990, 1<<20 - 3, 3 << 20, int64(len(want)) - 5} {
				buf := make([]byte, 70000)
				n, err := img.ReadAt(buf, off)
				if rest := want[off:]; n != min(len(buf), len(rest)) || !bytes.Equal(buf[:n], rest[:n]) || (n < len(buf)) != (err == io.EOF) {
					t.Errorf("at %d: %d bytes, %v", off, n, err)
				}
			}
			checkExtents(t, img, want)
		})
	}
}

// checkExtents requires that what is not in an extent is zero, and that the order is right.
func checkExtents(t *testing.T, img *qcow2.Image, want []byte) {
	t.Helper()
	runs, err := img.Extents()
	kerneltest.Must(t, err)
	at := int64(0)
	for _, r := range runs {
		if r.Offset < at || r.Length <= 0 || len(bytes.Trim(want[at:r.Offset], "\x00")) > 0 {
			t.Errorf("extent %+v after byte %d", r, at)
		}
		at = r.Offset + r.Length
	}
	if at > img.Size() || len(bytes.Trim(want[at:], "\x00")) > 0 {
		t.Errorf("the extents end at %d of %d", at, img.Size())
	}
}

func TestConcurrentReads(t *testing.T) {
	raw, want := rawDisk(t)
	img, err := open(convert(t, raw, "compat=1.1", "-c"))
	kerneltest.Must(t, err)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 40 {
				off := int64((i*7919 + n*104729) % (len(want) - 5000))
				buf := make([]byte, 5000)
				if _, err := img.ReadAt(buf, off); err != nil || !bytes.Equal(buf, want[off:off+5000]) {
					t.Errorf("at %d: %v", off, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestHostileHeadersAreRefused(t *testing.T) {
	raw, _ := rawDisk(t)
	good := convert(t, raw, "compat=1.1")
	for name, c := range map[string]struct {
		at    int
		value any
		want  string
	}{
		"version":        {4, uint32(4), "version 4"},
		"cluster bits":   {20, uint32(40), "2^40"},
		"no clusters":    {20, uint32(0), "2^0"},
		"size":           {24, uint64(1 << 63), "size"},
		"huge size":      {24, uint64(1 << 59), "too few"},
		"AES":            {32, uint32(1), "encrypted by AES"},
		"LUKS":           {32, uint32(2), "encrypted by LUKS"},
		"version 1":      {4, uint32(1), "version 1"},
		"huge L1":        {36, uint32(1 << 31), "too large"},
		"no L1":          {36, uint32(0), "too few"},
		"L1 outside":     {40, uint64(1 << 40), "truncated"},
		"L1 not aligned": {40, uint64(0x30001), "not aligned"},
		"external data":  {72, uint64(4), "external"},
		"unknown":        {72, uint64(1 << 20), "not known"},
		"compression":    {104, uint8(9), "compression type"},
		"backing name":   {8, uint64(1 << 40), ""},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(good)
			if name == "backing name" {
				be.PutUint32(data[16:], 10)
			}
			_, err := binary.Encode(data[c.at:], be, c.value)
			kerneltest.Must(t, err)
			if _, err := open(data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestTablesThatLie(t *testing.T) {
	raw, _ := rawDisk(t)
	good := convert(t, raw, "cluster_size=4k")
	l1 := int(be.Uint64(good[40:]))
	l2 := int(be.Uint64(good[l1:]) & 0x00fffffffffffe00)
	for name, change := range map[string]func([]byte){
		"L2 outside":         func(b []byte) { be.PutUint64(b[l1:], 1<<62>>8) },
		"L2 not aligned":     func(b []byte) { be.PutUint64(b[l1:], uint64(l2)+512) },
		"L2 used twice":      func(b []byte) { copy(b[l1+8:l1+16], b[l1:]) },
		"cluster used twice": func(b []byte) { copy(b[l2+8:l2+16], b[l2:]) },
		"cluster outside":    func(b []byte) { be.PutUint64(b[l2:], 1<<50) },
		"cluster between":    func(b []byte) { be.PutUint64(b[l2:], be.Uint64(b[l2:])+512) },
		"packed outside":     func(b []byte) { be.PutUint64(b[l2:], 1<<62|1<<50) },
		"packed is no data":  func(b []byte) { be.PutUint64(b[l2:], 1<<62|4096) },
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(good)
			change(data)
			img, err := open(data)
			if err == nil {
				_, err = io.Copy(io.Discard, io.NewSectionReader(img, 0, img.Size()))
			}
			if err == nil {
				_, err = img.Extents()
			}
			if err == nil || !strings.Contains(err.Error(), "qcow2") {
				t.Errorf("read: %v", err)
			}
		})
	}
}

func TestTruncationIsTold(t *testing.T) {
	raw, _ := rawDisk(t)
	data := convert(t, raw, "cluster_size=4k")
	for n := 0; n < len(data); n += 4096 {
		img, err := open(data[:n])
		if err == nil {
			_, err = io.Copy(io.Discard, io.NewSectionReader(img, 0, img.Size()))
		}
		if err == nil {
			t.Errorf("%d of %d bytes read without an error", n, len(data))
		}
	}
}

// FuzzRead changes bytes of real images: three bytes of a patch say where, one what.
func FuzzRead(f *testing.F) {
	raw := filepath.Join(f.TempDir(), "raw")
	kerneltest.Must(f, os.WriteFile(raw, bytes.Repeat([]byte("content "), 6000), 0o644), os.Truncate(raw, 200000))
	var images [][]byte
	for _, options := range []string{"cluster_size=512", "cluster_size=4k -c", "extended_l2=on,cluster_size=16k", "compression_type=zstd,cluster_size=4k -c", "compat=0.10,cluster_size=1k"} {
		words := strings.Fields(options)
		images = append(images, convert(f, raw, words[0], words[1:]...))
		f.Add(uint8(len(images)-1), []byte{0, 0, 20, 16})
	}
	f.Fuzz(func(t *testing.T, which uint8, patches []byte) {
		data := bytes.Clone(images[int(which)%len(images)])
		for ; len(patches) >= 4; patches = patches[4:] {
			at := int(patches[0])<<16 | int(patches[1])<<8 | int(patches[2])
			data[at%len(data)] = patches[3]
		}
		img, err := open(data)
		if err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, io.NewSectionReader(img, 0, img.Size()), 4<<20); err != nil && err != io.EOF && !strings.Contains(fmt.Sprint(err), "qcow2") {
			t.Errorf("an error that names no place: %v", err)
		}
		if _, err := img.Extents(); err != nil && !strings.Contains(fmt.Sprint(err), "qcow2") {
			t.Errorf("an error that names no place: %v", err)
		}
	})
}
