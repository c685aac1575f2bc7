// Package rpmdb reads the headers of the packages in an rpm database, in all
// three forms of its file: sqlite (rpmdb.sqlite with its write-ahead log),
// ndb (Packages.db) and Berkeley DB's hash (Packages). Every tag of a header
// is given as it is stored, those that rpm itself does not know too.
//
// It runs no rpm, reads no index beside the headers, checks no signature and
// decides nothing about what it reads.
//
// Everything is hostile: counts, offsets and sizes are held against what is
// there before anything is taken for them, each byte of the database serves one
// header at most, and what does not fit together is [ErrMalformed], never a
// missing package.
//
//	err := rpmdb.Headers(ctx, file, log, func(h *rpmdb.Header) error {
//		fmt.Println(h.Name(), h.EVR())
//		return nil
//	})
package rpmdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/sqlite"
)

// ErrMalformed says that the bytes are no rpm database, or a broken one. Other
// errors come from reading.
var ErrMalformed = errors.New("malformed rpm database")

// Content is a file's bytes.
type Content interface {
	io.ReaderAt
	Size() int64
}

// The names of the database's file in its three forms.
const (
	SQLiteName = "rpmdb.sqlite"
	NDBName    = "Packages.db"
	BDBName    = "Packages"
)

// HeadSize is how much of a file [FormOf] looks at.
const HeadSize = 16

// FormOf tells by a file's first bytes which form of database it has: sqlite,
// ndb, bdb, or "" for what is none.
func FormOf(head []byte) string {
	switch {
	case len(head) < HeadSize:
	case bytes.HasPrefix(head, []byte(sqlite.Magic)):
		return "sqlite"
	case bytes.HasPrefix(head, []byte(ndbMagic)):
		return "ndb"
	case binary.LittleEndian.Uint32(head[12:]) == bdbMagic, binary.BigEndian.Uint32(head[12:]) == bdbMagic:
		return "bdb"
	}
	return ""
}

// Headers calls fn for each package's header, in the database's order. log is
// an sqlite database's write-ahead log, else nil. It ends with fn's first error.
// A header holds as long as fn runs.
func Headers(ctx context.Context, file, log Content, fn func(*Header) error) error {
	head := make([]byte, min(HeadSize, file.Size()))
	if err := readFull(file, head, 0); err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	each := func(instance uint32, blob []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := Parse(blob)
		if err != nil {
			return fmt.Errorf("header %d: %w", instance, err)
		}
		return fn(h)
	}
	switch FormOf(head) {
	case "sqlite":
		return sqliteHeaders(ctx, file, log, each)
	case "ndb":
		return ndbHeaders(file, each)
	case "bdb":
		return bdbHeaders(ctx, file, each)
	}
	return malformed("its first bytes are of no form that rpm writes")
}

// sqliteHeaders reads the table Packages.
func sqliteHeaders(ctx context.Context, file, log Content, each func(uint32, []byte) error) error {
	err := eachSQLite(ctx, file, log, each)
	if errors.Is(err, sqlite.ErrMalformed) {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return err
}

func eachSQLite(ctx context.Context, file, log Content, each func(uint32, []byte) error) error {
	db, err := sqlite.Open(file, log)
	if err != nil {
		return err
	}
	objects, err := db.Schema(ctx)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.Kind != "table" || o.Name != "Packages" {
			continue
		}
		return db.Rows(ctx, o.Root, func(r sqlite.Row) error {
			if len(r.Values) != 2 || r.Values[0] != nil {
				return malformed("row %d is not of a number and a header", r.ID)
			}
			blob, ok := r.Values[1].([]byte)
			if !ok {
				return malformed("row %d holds no header", r.ID)
			}
			return each(uint32(r.ID), blob)
		})
	}
	return malformed("it has no table Packages")
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
