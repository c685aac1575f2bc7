package rpmdb

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"math"
)

// The parts of an ndb database (rpm, lib/backend/ndb/rpmpkg.c). All numbers are
// little-endian.
const (
	ndbMagic    = "RpmP"
	ndbSlot     = "Slot"
	ndbBlob     = "BlbS"
	ndbTail     = "BlbE"
	ndbBlock    = 16 // the unit of places and lengths; also the size of a slot
	ndbHeader   = 32
	ndbBlobHead = 16
	ndbBlobTail = 12
	ndbPage     = 4096
)

// ndbHeaders follows the slots, which begin behind the file's header.
func ndbHeaders(file Content, each func(uint32, []byte) error) error {
	if file.Size() < ndbPage {
		return malformed("%d bytes are less than a page of slots", file.Size())
	}
	head := make([]byte, ndbHeader)
	if err := readFull(file, head, 0); err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	if version := binary.LittleEndian.Uint32(head[4:]); version != 0 {
		return malformed("version %d of ndb is unknown", version)
	}
	pages := int64(binary.LittleEndian.Uint32(head[12:]))
	if pages == 0 || pages*ndbPage > file.Size() {
		return malformed("%d pages of slots in %d bytes", pages, file.Size())
	}
	db := &ndb{file: file, blocks: file.Size() / ndbBlock, seen: map[uint32]bool{}, first: pages * ndbPage / ndbBlock}
	page := make([]byte, ndbPage)
	for n := range pages {
		if err := readFull(file, page, n*ndbPage); err != nil {
			return fmt.Errorf("read page %d of slots: %w", n, err)
		}
		slots := page
		if n == 0 {
			slots = page[ndbHeader:]
		}
		for ; len(slots) > 0; slots = slots[ndbBlock:] {
			if err := db.slot(slots, each); err != nil {
				return err
			}
		}
	}
	return nil
}

// An ndb is one pass over a database.
type ndb struct {
	file Content
	// first is the first block behind the slots; blocks are how many there are,
	// and of which taken are in use.
	first, blocks, taken int64
	seen                 map[uint32]bool
}

// slot reads the header that a slot points to.
func (db *ndb) slot(slot []byte, each func(uint32, []byte) error) error {
	number, start, count := binary.LittleEndian.Uint32(slot[4:]), int64(binary.LittleEndian.Uint32(slot[8:])), int64(binary.LittleEndian.Uint32(slot[12:]))
	if string(slot[:4]) != ndbSlot {
		return malformed("a slot without its magic")
	}
	if number == 0 {
		return nil
	}
	if db.seen[number] {
		return malformed("two headers have the number %d", number)
	}
	db.seen[number] = true
	db.taken += count
	if start < db.first || start+count > db.blocks || db.taken > db.blocks || count*ndbBlock > MaxHeader+2*ndbBlobHead+ndbBlobTail {
		return malformed("header %d in blocks %d to %d of %d", number, start, start+count, db.blocks)
	}
	data := make([]byte, count*ndbBlock)
	if err := readFull(db.file, data, start*ndbBlock); err != nil {
		return fmt.Errorf("read header %d: %w", number, err)
	}
	blob, err := ndbContent(data, number)
	if err != nil {
		return fmt.Errorf("header %d: %w", number, err)
	}
	return each(number, blob)
}

// ndbContent takes the header out of its blocks: a head, the content, padding,
// a tail with the checksum over all before.
func ndbContent(data []byte, number uint32) ([]byte, error) {
	if len(data) < ndbBlobHead+ndbBlobTail || string(data[:4]) != ndbBlob || binary.LittleEndian.Uint32(data[4:]) != number {
		return nil, malformed("its blocks do not begin with its mark")
	}
	length := int64(binary.LittleEndian.Uint32(data[12:]))
	blocks := (ndbBlobHead + length + ndbBlobTail + ndbBlock - 1) / ndbBlock
	if length > math.MaxInt32 || blocks*ndbBlock != int64(len(data)) {
		return nil, malformed("%d bytes in %d", length, len(data))
	}
	tail := data[len(data)-ndbBlobTail:]
	if string(tail[8:]) != ndbTail || int64(binary.LittleEndian.Uint32(tail[4:])) != length {
		return nil, malformed("its blocks do not end with its mark")
	}
	if sum := adler32.Checksum(data[:len(data)-ndbBlobTail]); sum != binary.LittleEndian.Uint32(tail) {
		return nil, malformed("its checksum is %08x, not %08x", sum, binary.LittleEndian.Uint32(tail))
	}
	return data[ndbBlobHead : ndbBlobHead+length], nil
}
