package canonical

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/sqlite"
	"github.com/assay-os/assay/report"
)

// The bounds of reading a database by its rows; the meaning of a larger one is
// its bytes.
const (
	maxSQLite = 512 << 20
	maxRows   = 4_000_000
)

// sqliteDatabase is the rule for databases of SQLite but rpm's.
func sqliteDatabase() Rule {
	return Rule{
		Rule: report.Rule{Name: "sqlite", Version: 1,
			Reason: "programs ask for rows by their values; in which pages these lie, what was deleted, and the numbers of rows in tables that declare no INTEGER PRIMARY KEY, say nothing",
			Source: "https://www.sqlite.org/fileformat2.html; https://www.sqlite.org/lang_createtable.html#rowid"},
		Match: func(_ *report.Entry, head []byte) bool {
			return len(head) >= 100 && bytes.HasPrefix(head, []byte(sqlite.Magic))
		},
		canonicalise: canonicalSQLite,
	}
}

// canonicalSQLite gives the database's tables with what its log changes.
func canonicalSQLite(ctx context.Context, in *Input, f *form) error {
	log, err := in.openSQLiteLog()
	if err != nil {
		return err
	}
	if log == nil {
		return tables(ctx, in.Content, nil, f)
	}
	defer log.Close()
	return tables(ctx, in.Content, log, f)
}

// tables writes what of the header programs can ask for, the schema, and each
// table's rows.
func tables(ctx context.Context, file, log Content, f *form) error {
	if file.Size() > maxSQLite || log != nil && log.Size() > maxSQLite {
		return malformed("more than %d bytes", maxSQLite)
	}
	err := eachTable(ctx, file, log, f)
	if errors.Is(err, sqlite.ErrMalformed) {
		return malformed("%v", err)
	}
	return err
}

func eachTable(ctx context.Context, file, log Content, f *form) error {
	db, err := sqlite.Open(file, log)
	if err != nil {
		return err
	}
	head := db.Header()
	// Page size, versions (WAL or not) and reserved bytes; format, cache size and
	// vacuum; encoding, user version, incremental vacuum, application id.
	f.fact("settings", fmt.Sprintf("%x %x %x", head[16:21], head[44:52], head[56:72]))
	f.fact("vacuum", !bytes.Equal(head[52:56], make([]byte, 4)))
	objects, err := db.Schema(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(objects, func(a, b sqlite.Object) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	rows := maxRows
	for _, o := range objects {
		f.fact(o.Kind, o.Name)
		f.fact("of", o.Table)
		f.fact("sql", o.SQL)
		if o.Kind != "table" || o.Root == 0 {
			continue
		}
		digest, err := table(ctx, db, o, &rows)
		if err != nil {
			return fmt.Errorf("table %.60q: %w", o.Name, err)
		}
		f.part(o.Name, digest)
	}
	return nil
}

// table is the digest of a table's rows: in the order of their numbers where
// those may be declared, else as a set that may hold a row more than once.
func table(ctx context.Context, db *sqlite.DB, o sqlite.Object, left *int) (string, error) {
	numbered := declaresRowID(o.SQL)
	var list [][sha256.Size]byte
	err := db.Rows(ctx, o.Root, func(r sqlite.Row) error {
		if *left--; *left < 0 {
			return malformed("more than %d rows", maxRows)
		}
		h := sha256.New()
		if numbered {
			fmt.Fprintf(h, "row %d\n", r.ID)
		}
		for _, v := range r.Values {
			writeValue(h, v)
		}
		list = append(list, [sha256.Size]byte(h.Sum(nil)))
		return nil
	})
	if err != nil {
		return "", err
	}
	if !numbered {
		slices.SortFunc(list, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	}
	h := sha256.New()
	for _, sum := range list {
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// writeValue writes a value so that no two can be taken for one.
func writeValue(h hash.Hash, v any) {
	switch v := v.(type) {
	case string:
		fmt.Fprintf(h, "text %d ", len(v))
		h.Write([]byte(v))
	case []byte:
		fmt.Fprintf(h, "blob %d ", len(v))
		h.Write(v)
	case float64:
		fmt.Fprintf(h, "real %x ", math.Float64bits(v))
	default:
		fmt.Fprintf(h, "%T %v ", v, v)
	}
}

// declaresRowID tells whether a column may stand for the row's number: only one
// that is INTEGER and PRIMARY KEY does. A table that merely has both words is
// taken for one, which can only make more differ.
func declaresRowID(sql string) bool {
	sql = strings.ToLower(sql)
	return strings.Contains(sql, "integer") && strings.Contains(sql, "primary")
}
