package rpmdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// The parts of a Berkeley DB hash (libdb 5.3, src/dbinc/db_page.h).
const (
	bdbMagic      = 0x061561
	bdbPageHeader = 26
	// Kinds of pages.
	bdbHashUnsorted = 2
	bdbOverflow     = 7
	bdbHashMeta     = 8
	bdbHash         = 13
	// Kinds of items on a page of the hash.
	bdbKeyData = 1
	bdbOffPage = 3
	bdbOffSize = 12
	bdbSpares  = 32
)

// A bdb is one pass over a database.
type bdb struct {
	ctx      context.Context
	file     Content
	order    binary.ByteOrder
	pageSize int
	// buckets is the number of the last one; spares tell where each doubling of
	// the table begins.
	buckets, pages uint32
	spares         [bdbSpares]uint32
	seen           map[uint32]bool
}

// bdbHeaders follows the buckets as rpm does (lib/backend/bdb_ro.c): pages that
// no bucket leads to are not in use.
func bdbHeaders(ctx context.Context, file Content, each func(uint32, []byte) error) error {
	db, err := openBDB(ctx, file)
	if err != nil {
		return err
	}
	for bucket := range db.buckets + 1 {
		page, err := db.first(bucket)
		if err != nil {
			return err
		}
		// A bucket has its first page from the start; a page of zeros is one that was never written to.
		for next := page; next != 0; {
			if next, err = db.bucketPage(next, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func openBDB(ctx context.Context, file Content) (*bdb, error) {
	meta := make([]byte, 512)
	if file.Size() < int64(len(meta)) {
		return nil, malformed("%d bytes are less than a page", file.Size())
	}
	if err := readFull(file, meta, 0); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	db := &bdb{ctx: ctx, file: file, order: binary.LittleEndian, seen: map[uint32]bool{0: true}}
	if binary.BigEndian.Uint32(meta[12:]) == bdbMagic {
		db.order = binary.BigEndian
	}
	size := db.order.Uint32(meta[20:])
	version := db.order.Uint32(meta[16:])
	switch {
	case meta[25] != bdbHashMeta || meta[24] != 0:
		return nil, malformed("it is not a plain hash")
	case version < 7 || version > 10:
		return nil, malformed("version %d of the hash is unknown", version)
	case size < 512 || size > 65536 || bits.OnesCount32(size) != 1:
		return nil, malformed("a page size of %d", size)
	}
	db.pageSize = int(size)
	pages := min(file.Size()/int64(size), 1<<32-1)
	db.pages, db.buckets = uint32(pages), db.order.Uint32(meta[72:])
	if db.buckets >= db.pages {
		return nil, malformed("%d buckets in %d pages", db.buckets, db.pages)
	}
	for i := range db.spares {
		db.spares[i] = db.order.Uint32(meta[96+4*i:])
	}
	return db, nil
}

// first is the number of a bucket's first page (db_page.h, BUCKET_TO_PAGE).
func (db *bdb) first(bucket uint32) (uint32, error) {
	page := uint64(bucket) + uint64(db.spares[bits.Len32(bucket)])
	if page == 0 || page >= uint64(db.pages) {
		return 0, malformed("bucket %d at page %d of %d", bucket, page, db.pages)
	}
	return uint32(page), nil
}

// page reads a page that the pass has not met before.
func (db *bdb) page(n uint32) ([]byte, error) {
	if err := db.ctx.Err(); err != nil {
		return nil, err
	}
	if n >= db.pages || db.seen[n] {
		return nil, malformed("page %d of %d is not there or used twice", n, db.pages)
	}
	db.seen[n] = true
	page := make([]byte, db.pageSize)
	if err := readFull(db.file, page, int64(n)*int64(db.pageSize)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", n, err)
	}
	return page, nil
}

// bucketPage gives the headers of one page of a bucket, and the next one's number.
func (db *bdb) bucketPage(n uint32, each func(uint32, []byte) error) (uint32, error) {
	page, err := db.page(n)
	if err != nil {
		return 0, err
	}
	if kind := page[25]; kind == 0 && db.order.Uint32(page[16:]) == 0 {
		return 0, nil
	} else if kind != bdbHash && kind != bdbHashUnsorted {
		return 0, malformed("page %d is of kind %d, not of a hash", n, kind)
	}
	items, err := db.items(page, n)
	if err != nil {
		return 0, err
	}
	for pair := range slices.Chunk(items, 2) {
		if err := db.pair(pair[0], pair[1], each); err != nil {
			return 0, fmt.Errorf("page %d: %w", n, err)
		}
	}
	return db.order.Uint32(page[16:]), nil
}

// items takes a page apart. Items lie one before the other from the page's end
// on, a key and its value by turns.
func (db *bdb) items(page []byte, n uint32) ([][]byte, error) {
	count := int(db.order.Uint16(page[20:]))
	if count%2 != 0 || bdbPageHeader+2*count > len(page) {
		return nil, malformed("page %d has %d items", n, count)
	}
	items, end := make([][]byte, count), len(page)
	for i := range items {
		start := int(db.order.Uint16(page[bdbPageHeader+2*i:]))
		if start >= end || start < bdbPageHeader+2*count {
			return nil, malformed("page %d: item %d at %d", n, i, start)
		}
		items[i], end = page[start:end], start
	}
	return items, nil
}

// pair gives one header. The key is the header's number; that of number 0 is a
// counter of rpm's.
func (db *bdb) pair(key, item []byte, each func(uint32, []byte) error) error {
	if len(key) != 5 || key[0] != bdbKeyData {
		return malformed("a key that is not a number")
	}
	number := db.order.Uint32(key[1:])
	if number == 0 {
		return nil
	}
	switch {
	case item[0] == bdbKeyData:
		return each(number, item[1:])
	case item[0] == bdbOffPage && len(item) == bdbOffSize:
		blob, err := db.chain(db.order.Uint32(item[4:]), int64(db.order.Uint32(item[8:])))
		if err != nil {
			return fmt.Errorf("header %d: %w", number, err)
		}
		return each(number, blob)
	}
	return malformed("header %d: an item of kind %d", number, item[0])
}

// chain puts a header together from its pages.
func (db *bdb) chain(next uint32, length int64) ([]byte, error) {
	if length > MaxHeader {
		return nil, malformed("%d bytes", length)
	}
	var blob []byte
	for next != 0 {
		page, err := db.page(next)
		if err != nil {
			return nil, err
		}
		used := int(db.order.Uint16(page[22:]))
		if page[25] != bdbOverflow || bdbPageHeader+used > len(page) || int64(len(blob)+used) > length {
			return nil, malformed("page %d: %d bytes that go on a header of %d", next, used, length)
		}
		blob = append(blob, page[bdbPageHeader:bdbPageHeader+used]...)
		next = db.order.Uint32(page[16:])
	}
	if int64(len(blob)) != length {
		return nil, malformed("%d bytes of %d", len(blob), length)
	}
	return blob, nil
}
