// Package qcow2 reads QEMU's copy-on-write images, versions 2 and 3: clusters
// of 512 bytes to 2 MiB, zlib and zstd compression, subclusters (extended L2),
// and a backing file when the caller hands one over.
//
// It reads the active state only, not the snapshots, and neither encryption
// nor external data files: such an image is refused. An image that was not
// closed in order (the dirty and corrupt bits) reads as QEMU itself reads it;
// reference counts are not looked at.
//
// The format is that of QEMU's docs/interop/qcow2.txt.
package qcow2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/assay-os/assay/inspect/image/blockmap"
	"github.com/assay-os/assay/inspect/image/fsys"
)

// Magic starts every image.
const Magic = "QFI\xfb"

var be = binary.BigEndian

// The bounds of what a header may claim, as QEMU has them.
const (
	minClusterBits = 9
	maxClusterBits = 21
	maxL1Size      = 32 << 20 // bytes
	maxBackingName = 1023
)

// The incompatible features of version 3.
const (
	featureDirty       = 1 << 0
	featureCorrupt     = 1 << 1
	featureDataFile    = 1 << 2
	featureCompression = 1 << 3
	featureExtendedL2  = 1 << 4
	featuresRead       = featureDirty | featureCorrupt | featureCompression | featureExtendedL2
)

// A Header is what the first cluster says.
type Header struct {
	Version     uint32
	ClusterBits uint32
	// Size is the guest-visible size in bytes.
	Size int64
	// Backing is the name of the file below, as it stands in the image; empty for none.
	// BackingFormat is its format, "raw" or "qcow2"; empty when it is not said.
	Backing       string
	BackingFormat string

	l1Entries  uint32
	l1Offset   uint64
	features   uint64
	zstd       bool
	encryption uint32
}

// ReadHeader decodes and checks the header.
func ReadHeader(r io.ReaderAt) (*Header, error) {
	b := make([]byte, 112)
	n, err := r.ReadAt(b, 0)
	if n < 72 {
		return nil, fmt.Errorf("qcow2 header: %w", blockmap.Short(err))
	}
	if string(b[:4]) != Magic {
		return nil, errors.New("qcow2 header: the magic is missing")
	}
	h := &Header{
		Version:     be.Uint32(b[4:]),
		ClusterBits: be.Uint32(b[20:]),
		Size:        int64(be.Uint64(b[24:])),
		encryption:  be.Uint32(b[32:]),
		l1Entries:   be.Uint32(b[36:]),
		l1Offset:    be.Uint64(b[40:]),
	}
	length := uint32(72)
	if h.Version == 3 && n >= 104 {
		h.features = be.Uint64(b[72:])
		length = be.Uint32(b[100:])
		h.zstd = length > 104 && b[104] == 1
		if length > 104 && b[104] > 1 {
			return nil, fmt.Errorf("qcow2 header: compression type %d is not known", b[104])
		}
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("qcow2 header: %w", err)
	}
	return h, h.readBacking(r, be.Uint64(b[8:]), be.Uint32(b[16:]), length)
}

func (h *Header) check() error {
	switch {
	case h.Version != 2 && h.Version != 3:
		return fmt.Errorf("version %d is not known (2 and 3 are)", h.Version)
	case h.ClusterBits < minClusterBits || h.ClusterBits > maxClusterBits:
		return fmt.Errorf("clusters of 2^%d bytes are impossible", h.ClusterBits)
	case h.Size < 0 || h.Size > 1<<60:
		return fmt.Errorf("size %d is impossible", uint64(h.Size))
	case h.encryption != 0:
		return fmt.Errorf("the image is encrypted by %s: not read", cipher(h.encryption))
	case h.features&featureDataFile != 0:
		return errors.New("the data lies in an external file: not read")
	case h.features&^featuresRead != 0:
		return fmt.Errorf("incompatible features %#x are not known", h.features&^uint64(featuresRead))
	case uint64(h.l1Entries)*8 > maxL1Size:
		return fmt.Errorf("an L1 table of %d entries is too large", h.l1Entries)
	case h.l1Offset%(1<<h.ClusterBits) != 0:
		return fmt.Errorf("the L1 table at byte %d is not aligned", h.l1Offset)
	case h.features&featureExtendedL2 != 0 && h.ClusterBits < 14:
		return fmt.Errorf("subclusters need clusters of 16 KiB, not 2^%d bytes", h.ClusterBits)
	}
	return nil
}

// cipher names a method of encryption.
func cipher(method uint32) string {
	switch method {
	case 1:
		return "AES"
	case 2:
		return "LUKS"
	}
	return fmt.Sprintf("the unknown method %d", method)
}

// readBacking reads the name of the backing file, and its format from the
// header's extensions.
func (h *Header) readBacking(r io.ReaderAt, offset uint64, size, at uint32) error {
	if offset == 0 || size == 0 {
		return nil
	}
	if size > maxBackingName || offset > 1<<h.ClusterBits {
		return fmt.Errorf("qcow2 header: a backing file's name of %d bytes at byte %d is impossible", size, offset)
	}
	name := make([]byte, size)
	if n, err := r.ReadAt(name, int64(offset)); n < len(name) {
		return fmt.Errorf("qcow2 header: backing file's name: %w", blockmap.Short(err))
	}
	h.Backing = string(name)
	const kindBackingFormat, maxExtensions = 0xe2792aca, 64
	for range maxExtensions {
		e := make([]byte, 8)
		if n, _ := r.ReadAt(e, int64(at)); n < 8 || be.Uint32(e) == 0 || uint64(at) >= offset {
			return nil
		}
		length := be.Uint32(e[4:])
		if length > 4096 {
			return nil
		}
		if be.Uint32(e) == kindBackingFormat {
			format := make([]byte, length)
			if n, err := r.ReadAt(format, int64(at)+8); n < len(format) {
				return fmt.Errorf("qcow2 header: backing file's format: %w", blockmap.Short(err))
			}
			h.BackingFormat = strings.TrimRight(string(format), "\x00")
			return nil
		}
		at += 8 + (length+7)&^7
	}
	return nil
}

// An Image is the guest-visible content. It implements fsys.Device, and may be
// used concurrently.
type Image struct {
	*blockmap.Device
	Header
}

// Size is the guest-visible size in bytes.
func (i *Image) Size() int64 { return i.Header.Size }

// clusters is the map of an image. It implements blockmap.Map.
type clusters struct {
	Header
	r         io.ReaderAt
	length    int64 // of the file
	backing   int64 // size of the backing file, 0 for none
	l1        []uint64
	tables    blockmap.Pages
	unpackers sync.Pool // of *unpacker
}

// Open reads an image in the first length bytes of r. Backing is the content
// below it; nil reads as zeros, and is for images without a backing file.
func Open(r io.ReaderAt, length int64, backing fsys.Device) (*Image, error) {
	h, err := ReadHeader(r)
	if err != nil {
		return nil, err
	}
	m := &clusters{Header: *h, r: r, length: length}
	media := []blockmap.Medium{own: {R: r, Size: length}}
	if backing != nil {
		m.backing = backing.Size()
		media = append(media, blockmap.Medium{R: backing, Size: m.backing})
	}
	if err := m.readL1(); err != nil {
		return nil, fmt.Errorf("qcow2 L1 table: %w", err)
	}
	if err := m.checkTables(); err != nil {
		return nil, err
	}
	return &Image{blockmap.New("qcow2", h.Size, m, media...), *h}, nil
}

// readL1 reads the whole L1 table. Only as much of it counts as the size needs.
func (m *clusters) readL1() error {
	span := m.l2Entries() << m.ClusterBits
	need := (m.Size + span - 1) / span
	if int64(m.l1Entries) < need {
		return fmt.Errorf("%d entries are too few for %d bytes", m.l1Entries, m.Size)
	}
	size := need * 8
	if m.l1Offset > uint64(m.length) || size > m.length-int64(m.l1Offset) {
		return fmt.Errorf("it lies at byte %d, the file ends at byte %d: it is truncated", m.l1Offset, m.length)
	}
	b := make([]byte, size)
	if n, err := m.r.ReadAt(b, int64(m.l1Offset)); n < len(b) {
		return blockmap.Short(err)
	}
	m.l1 = make([]uint64, need)
	for n := range m.l1 {
		m.l1[n] = be.Uint64(b[8*n:])
	}
	return nil
}

func (m *clusters) clusterSize() int64 { return 1 << m.ClusterBits }

func (m *clusters) extended() bool { return m.features&featureExtendedL2 != 0 }

// entrySize is 8 bytes, and 16 with the bitmap of subclusters.
func (m *clusters) entrySize() int64 {
	if m.extended() {
		return 16
	}
	return 8
}

func (m *clusters) l2Entries() int64 { return m.clusterSize() / m.entrySize() }
