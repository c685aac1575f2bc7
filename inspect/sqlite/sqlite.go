// Package sqlite reads the tables of an SQLite 3 database, with the changes
// that its write-ahead log holds, from any io.ReaderAt: nothing is copied out,
// locked, created or written.
//
// It knows no SQL, no indexes and no virtual tables: it gives a table's rows
// in the order of their row ids, each as its stored values. A table that is
// declared WITHOUT ROWID, a database in UTF-16, and one with a rollback
// journal to replay (which the caller has to look for) are not read.
//
// Everything is hostile. Each page is read at most once in a walk, so that
// time and memory are bounded by the size of what is there; whatever does not
// fit together is [ErrMalformed], never a missing row.
//
//	db, err := sqlite.Open(file, wal)
//	…
//	objects, err := db.Schema(ctx)
//	…
//	err = db.Rows(ctx, objects[0].Root, func(r sqlite.Row) error { … })
//
// The form is that of https://www.sqlite.org/fileformat2.html and
// https://www.sqlite.org/walformat.html.
package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// ErrMalformed says that the bytes are no database, or a broken one. Other
// errors come from reading.
var ErrMalformed = errors.New("malformed sqlite database")

// Magic is what a database begins with.
const Magic = "SQLite format 3\x00"

const (
	headerSize  = 100
	minPageSize = 512
	maxPageSize = 65536
)

// Content is a file's bytes.
type Content interface {
	io.ReaderAt
	Size() int64
}

// A DB is an opened database. It may not be used concurrently.
type DB struct {
	file     Content
	pageSize int
	// usable is what of a page holds content; the rest belongs to extensions.
	usable int
	pages  uint32
	log    *wal
	head   [headerSize]byte
}

// Header are the first 100 bytes of the database, those in the log if it has them.
func (db *DB) Header() [100]byte { return db.head }

// Open reads the header, and the log's frames where there is one: log may be nil.
func Open(file, log Content) (*DB, error) {
	head := make([]byte, headerSize)
	if file.Size() < headerSize {
		return nil, malformed("%d bytes are less than its header", file.Size())
	}
	if err := readFull(file, head, 0); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	db := &DB{file: file}
	if err := db.readSizes(head); err != nil {
		return nil, err
	}
	if log != nil {
		if err := db.openLog(log); err != nil {
			return nil, err
		}
	}
	return db, db.checkHeader(head)
}

// readSizes takes from the file's header what finding a page needs.
func (db *DB) readSizes(head []byte) error {
	if !bytes.HasPrefix(head, []byte(Magic)) {
		return malformed("its first bytes are not an SQLite database's")
	}
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = maxPageSize
	}
	if size < minPageSize || bits.OnesCount(uint(size)) != 1 {
		return malformed("a page size of %d", size)
	}
	db.pageSize = size
	pages := db.file.Size() / int64(size)
	if db.file.Size()%int64(size) != 0 {
		return malformed("it ends within a page")
	}
	if pages > 1<<32-2 {
		return malformed("%d pages", pages)
	}
	db.pages = uint32(pages)
	return nil
}

// openLog takes the log's pages in the place of the file's.
func (db *DB) openLog(log Content) error {
	w, err := readWAL(log, db.pageSize)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if w != nil {
		db.log, db.pages = w, w.pages
	}
	return nil
}

// checkHeader holds the header that is in force, which the log may have.
func (db *DB) checkHeader(head []byte) error {
	if db.log != nil {
		page, err := db.page(1)
		if err != nil {
			return err
		}
		head = page[:headerSize]
	}
	db.head = [headerSize]byte(head)
	// The size in the header holds if the last who wrote it kept it (fileformat2, section 1.3.8).
	if size := binary.BigEndian.Uint32(head[28:]); size > db.pages && bytes.Equal(head[24:28], head[92:96]) {
		return malformed("%d pages where there should be %d", db.pages, size)
	}
	reserved := int(head[20])
	db.usable = db.pageSize - reserved
	switch {
	case !bytes.HasPrefix(head, []byte(Magic)):
		return malformed("the first page in the log is none")
	case head[19] > 2:
		return malformed("version %d of the form is unknown", head[19])
	case db.usable < 480:
		return malformed("%d bytes of each page are reserved", reserved)
	case binary.BigEndian.Uint32(head[56:]) > 1:
		return malformed("its texts are in UTF-16")
	}
	return nil
}

// page gives one page, counted from 1. The bytes are the caller's.
func (db *DB) page(n uint32) ([]byte, error) {
	if n == 0 || n > db.pages {
		return nil, malformed("page %d of %d", n, db.pages)
	}
	page := make([]byte, db.pageSize)
	if db.log != nil {
		if at, ok := db.log.frames[n]; ok {
			return page, readPage(db.log.content, page, at, n)
		}
	}
	at := int64(n-1) * int64(db.pageSize)
	if at+int64(db.pageSize) > db.file.Size() {
		return nil, malformed("page %d is beyond the end of the file", n)
	}
	return page, readPage(db.file, page, at, n)
}

func readPage(r io.ReaderAt, page []byte, at int64, n uint32) error {
	if err := readFull(r, page, at); err != nil {
		return fmt.Errorf("read page %d: %w", n, err)
	}
	return nil
}

// readFull fills p.
func readFull(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// malformed makes an error that is [ErrMalformed].
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
