package canonical

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/report"
)

// A File is a content that its user closes.
type File interface {
	Content
	io.Closer
}

// open opens another file of the content's directory: nil where there is none,
// or where the content stands alone.
func (in *Input) open(name string) (File, error) {
	if in.Open == nil {
		return nil, nil
	}
	return in.Open(name)
}

// openSQLiteLog opens the log beside a database. A journal that a transaction
// has left makes the database's bytes alone mean nothing.
func (in *Input) openSQLiteLog() (File, error) {
	base := path.Base(string(in.Entry.Path))
	journal, err := in.open(base + "-journal")
	if err != nil {
		return nil, err
	}
	if journal != nil {
		defer journal.Close()
		if journal.Size() > 0 {
			return nil, malformed("a transaction is to be rolled back")
		}
	}
	return in.open(base + "-wal")
}

// sqliteLog is the rule for the log of a database.
func sqliteLog() Rule {
	return Rule{
		Rule: report.Rule{Name: "sqlite-log", Version: 1,
			Reason: "sqlite reads the log's committed pages in the place of the database's, so it means what both mean together; its salts and checksums are made anew each time",
			Source: "https://www.sqlite.org/walformat.html, sections 1 and 4"},
		Match: func(e *report.Entry, head []byte) bool {
			return strings.HasSuffix(string(e.Path), "-wal") && (len(head) == 0 || len(head) >= 4 && binary.BigEndian.Uint32(head)&^1 == 0x377f0682)
		},
		canonicalise: canonicalSQLiteLog,
	}
}

// canonicalSQLiteLog gives the log the form of the database with it.
func canonicalSQLiteLog(ctx context.Context, in *Input, f *form) error {
	name := strings.TrimSuffix(path.Base(string(in.Entry.Path)), "-wal")
	file, err := in.open(name)
	if err != nil {
		return err
	}
	if file == nil {
		return malformed("it has no database")
	}
	defer file.Close()
	if name == rpmdb.SQLiteName {
		return headerSet(ctx, file, in.Content, f)
	}
	return tables(ctx, file, in.Content, f)
}

// sqliteIndex is the rule for the index of a log that sqlite shares between processes.
func sqliteIndex() Rule {
	return Rule{
		Rule: report.Rule{Name: "sqlite-shm", Version: 1,
			Reason: "the first program that opens a database makes its shared memory anew from the log",
			Source: "https://www.sqlite.org/walformat.html, section 1.3"},
		Match: func(e *report.Entry, head []byte) bool {
			return strings.HasSuffix(string(e.Path), "-shm") && e.Size%(32<<10) == 0 &&
				(isIndex(head, binary.LittleEndian) || isIndex(head, binary.BigEndian))
		},
		canonicalise: func(_ context.Context, _ *Input, f *form) error {
			f.fact("content", "transient")
			return nil
		},
	}
}

// isIndex tells whether both copies of an index's first number are its
// version; the checksum is of no use, since nobody checks it in a file at rest.
func isIndex(head []byte, order binary.ByteOrder) bool {
	const version = 3007000
	return len(head) >= 52 && order.Uint32(head) == version && order.Uint32(head[48:]) == version
}

// headerSet writes the headers of a database as a set.
func headerSet(ctx context.Context, file, log Content, f *form) error {
	list, err := headerParts(ctx, file, log)
	if err != nil {
		return fmt.Errorf("read headers: %w", err)
	}
	for _, p := range list {
		f.part(string(p.Name), p.Digest)
	}
	return nil
}
