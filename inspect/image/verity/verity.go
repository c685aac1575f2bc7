// Package verity reads the hash trees of dm-verity and verifies devices
// against them.
//
// It reads the superblock that veritysetup(8) writes; a tree without one
// cannot be told from noise. It finds nothing by itself: which device holds
// the data is for the caller to say. It does not check signatures.
//
// The layout is that of the kernel's
// Documentation/admin-guide/device-mapper/verity.rst and of cryptsetup's
// lib/verity.
package verity

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // old trees have it
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/bits"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

var le = binary.LittleEndian

const (
	// Kind is blkid's name of a device that holds a tree.
	Kind = "DM_verity_hash"

	magic          = "verity\x00\x00"
	superblockSize = 512
	maxSalt        = 256
	maxBlock       = 512 << 10
	minBlock       = 512
)

// A Tree is a hash tree on a device.
type Tree struct {
	UUID      string
	Algorithm string
	Salt      []byte
	// HashType is 1, or 0 for the first form, of Chrome OS.
	HashType       uint32
	DataBlock      int64 // size in bytes
	HashBlock      int64
	DataBlocks     int64
	dev            fsys.Device
	newHash        func() hash.Hash
	digest, stride int64 // size of a digest, and of its place
	perBlock       int64 // digests in a block
	levels         []level
	root           []byte
}

// A level is a run of blocks of hashes; the lowest is the first.
type level struct{ offset, blocks int64 }

// Probe tells whether r begins with a superblock.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	b := make([]byte, superblockSize)
	if n, _ := r.ReadAt(b, 0); n < len(b) || string(b[:8]) != magic {
		return report.Filesystem{}, false
	}
	return report.Filesystem{Type: Kind, UUID: uuid(b[16:32])}, true
}

func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// Open reads the superblock at the start of a device, and the root of the tree.
func Open(dev fsys.Device) (*Tree, error) {
	b := make([]byte, superblockSize)
	if n, err := dev.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("read superblock: %w", err)
	}
	if string(b[:8]) != magic {
		return nil, errors.New("there is no superblock")
	}
	t := &Tree{
		UUID: uuid(b[16:32]), dev: dev,
		HashType: le.Uint32(b[12:]), DataBlock: int64(le.Uint32(b[64:])), HashBlock: int64(le.Uint32(b[68:])),
	}
	name, _, _ := bytes.Cut(b[32:64], []byte{0})
	t.Algorithm = string(name)
	salt := le.Uint16(b[80:])
	switch {
	case le.Uint32(b[8:]) != 1:
		return nil, fmt.Errorf("version %d of the superblock is not read", le.Uint32(b[8:]))
	case t.HashType > 1:
		return nil, fmt.Errorf("type %d of the hash is not read", t.HashType)
	case !blockSize(t.DataBlock), !blockSize(t.HashBlock):
		return nil, fmt.Errorf("blocks of %d and %d bytes are impossible", t.DataBlock, t.HashBlock)
	case salt > maxSalt:
		return nil, fmt.Errorf("a salt of %d bytes is impossible", salt)
	}
	t.Salt = b[88 : 88+salt]
	if t.newHash = hashes()[t.Algorithm]; t.newHash == nil {
		return nil, fmt.Errorf("the hash %q is not read", t.Algorithm)
	}
	if err := t.layout(le.Uint64(b[72:])); err != nil {
		return nil, err
	}
	return t, t.readRoot()
}

func blockSize(n int64) bool { return n >= minBlock && n <= maxBlock && n&(n-1) == 0 }

func hashes() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
		"sha3-224": func() hash.Hash { return sha3.New224() }, "sha3-256": func() hash.Hash { return sha3.New256() },
		"sha3-384": func() hash.Hash { return sha3.New384() }, "sha3-512": func() hash.Hash { return sha3.New512() },
	}
}

// layout finds the levels, which lie on the device with the highest first.
func (t *Tree) layout(blocks uint64) error {
	const limit = 1 << 62
	if blocks == 0 || blocks > uint64(limit/t.DataBlock) {
		return fmt.Errorf("%d blocks of data are impossible", blocks)
	}
	t.DataBlocks = int64(blocks)
	t.digest = int64(t.newHash().Size())
	t.stride = t.digest
	if t.HashType == 1 {
		t.stride = 1 << bits.Len64(uint64(t.digest-1))
	}
	t.perBlock = 1 << (bits.Len64(uint64(t.HashBlock/t.digest)) - 1)
	for n := t.DataBlocks; n > 1; {
		n = (n + t.perBlock - 1) / t.perBlock
		t.levels = append(t.levels, level{blocks: n})
	}
	at := (superblockSize + t.HashBlock - 1) / t.HashBlock * t.HashBlock
	for i := len(t.levels) - 1; i >= 0; i-- {
		t.levels[i].offset = at
		if t.levels[i].blocks > (limit-at)/t.HashBlock {
			return errors.New("the tree is larger than any device")
		}
		at += t.levels[i].blocks * t.HashBlock
	}
	if size := t.dev.Size(); at > size {
		return fmt.Errorf("the tree goes to byte %d, but the device ends at byte %d: it is truncated", at, size)
	}
	return nil
}

// readRoot computes the root from the highest block as it is stored. A tree over
// one block has none: its root is the block's digest, and known when that is read.
func (t *Tree) readRoot() error {
	if len(t.levels) == 0 {
		return nil
	}
	b := make([]byte, t.HashBlock)
	if err := t.read(b, t.levels[len(t.levels)-1].offset); err != nil {
		return err
	}
	t.root = t.sum(t.newHash(), b, nil)
	return nil
}

func (t *Tree) read(b []byte, off int64) error {
	if n, err := t.dev.ReadAt(b, off); n < len(b) {
		return fmt.Errorf("read hash tree at byte %d: %w", off, err)
	}
	return nil
}

// sum is the digest of a block, appended to out.
func (t *Tree) sum(h hash.Hash, block, out []byte) []byte {
	h.Reset()
	if t.HashType == 1 {
		h.Write(t.Salt)
		h.Write(block)
	} else {
		h.Write(block)
		h.Write(t.Salt)
	}
	return h.Sum(out)
}

// Root is the root hash in hex. It stands for the tree as it is stored, and for
// the data when that was verified.
func (t *Tree) Root() string { return hex.EncodeToString(t.root) }

// DataSize is how many bytes the tree is over.
func (t *Tree) DataSize() int64 { return t.DataBlocks * t.DataBlock }

// End is where the tree ends on its device.
func (t *Tree) End() int64 {
	if len(t.levels) == 0 {
		return (superblockSize + t.HashBlock - 1) / t.HashBlock * t.HashBlock
	}
	return t.levels[0].offset + t.levels[0].blocks*t.HashBlock
}

// Settings are what the superblock says of how the device is read.
func (t *Tree) Settings() map[string]string {
	return map[string]string{
		"root_hash": t.Root(), "salt": hex.EncodeToString(t.Salt), "algorithm": t.Algorithm, "hash_type": fmt.Sprint(t.HashType),
		"data_block_size": fmt.Sprint(t.DataBlock), "hash_block_size": fmt.Sprint(t.HashBlock),
	}
}
