package btrfs

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/crypto/blake2b"
)

// sumField is the room for a checksum in superblocks and nodes.
const sumField = 32

// A checksum is one of the kinds that a filesystem may have: enum btrfs_csum_type.
type checksum struct {
	name string
	size int
	of   func([]byte) [sumField]byte
}

func checksumOf(kind uint16) (checksum, error) {
	kinds := []checksum{
		{"crc32c", 4, crc32cSum},
		{"xxhash64", 8, xxhashSum},
		{"sha256", 32, sha256.Sum256},
		{"blake2b", 32, blake2b.Sum256},
	}
	if int(kind) >= len(kinds) {
		return checksum{}, fmt.Errorf("checksums of kind %d are not known", kind)
	}
	return kinds[kind], nil
}

// matches tells whether sum starts with the checksum of data.
func (c *checksum) matches(data, sum []byte) bool {
	got := c.of(data)
	return bytes.Equal(got[:c.size], sum[:c.size])
}

// castagnoli is a table, not state: hash/crc32 makes it once.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crc32cSum(data []byte) (sum [sumField]byte) {
	le.PutUint32(sum[:], crc32.Checksum(data, castagnoli))
	return sum
}

func xxhashSum(data []byte) (sum [sumField]byte) {
	le.PutUint64(sum[:], xxhash.Sum64(data))
	return sum
}

// nameHash is the offset of the key of a name: crc32c from ~1, without the inversions
// at both ends that hash/crc32 adds.
func nameHash(name []byte) uint64 {
	return uint64(^crc32.Update(1, castagnoli, name))
}
