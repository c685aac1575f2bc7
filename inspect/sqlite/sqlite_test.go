package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	_ "github.com/glebarez/go-sqlite" // sqlite itself, the oracle

	"github.com/assay-os/assay/inspect/sqlite"
)

// A maker writes databases with sqlite.
type maker struct {
	t    *testing.T
	db   *sql.DB
	path string
}

func newMaker(t *testing.T, pragmas ...string) *maker {
	t.Helper()
	m := &maker{t: t, path: filepath.Join(t.TempDir(), "x.db")}
	var err error
	if m.db, err = sql.Open("sqlite", m.path); err != nil {
		t.Fatal(err)
	}
	m.db.SetMaxOpenConns(1)
	t.Cleanup(func() { m.db.Close() })
	for _, p := range pragmas {
		m.do("PRAGMA " + p)
	}
	return m
}

func (m *maker) do(query string, args ...any) {
	m.t.Helper()
	if _, err := m.db.Exec(query, args...); err != nil {
		m.t.Fatalf("%s: %v", query, err)
	}
}

// files are the database and its log, as they lie there now.
func (m *maker) files() (file, log []byte) {
	m.t.Helper()
	file, err := os.ReadFile(m.path)
	if err != nil {
		m.t.Fatal(err)
	}
	log, err = os.ReadFile(m.path + "-wal")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return file, log
}

// rows are the rows of the table t as sqlite gives them.
func (m *maker) rows() []string {
	m.t.Helper()
	rows, err := m.db.Query("SELECT rowid, * FROM t ORDER BY rowid")
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		m.t.Fatal(err)
	}
	var list []string
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			m.t.Fatal(err)
		}
		list = append(list, line(values))
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	return list
}

// line is a row with its types; of bytes their length and checksum.
func line(values []any) string {
	var b strings.Builder
	for _, v := range values {
		if data, ok := v.([]byte); ok {
			v = fmt.Sprintf("%d %x", len(data), crc32.ChecksumIEEE(data))
		}
		fmt.Fprintf(&b, "%T %v|", v, v)
	}
	return b.String()
}

// read gives the rows of the table t by this package.
func read(file, log []byte) ([]string, error) {
	var wal sqlite.Content
	if log != nil {
		wal = bytes.NewReader(log)
	}
	db, err := sqlite.Open(bytes.NewReader(file), wal)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	objects, err := db.Schema(ctx)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, o := range objects {
		if o.Kind != "table" || o.Name != "t" {
			continue
		}
		err = db.Rows(ctx, o.Root, func(r sqlite.Row) error {
			list = append(list, line(append([]any{r.ID}, r.Values...)))
			return nil
		})
	}
	return list, err
}

func (m *maker) compare(what string, file, log []byte) {
	m.t.Helper()
	got, err := read(file, log)
	if want := m.rows(); err != nil || !reflect.DeepEqual(got, want) || len(want) == 0 {
		m.t.Errorf("%s: %d rows, %v; sqlite gives %d", what, len(got), err, len(want))
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				m.t.Fatalf("got  %.200s\nwant %.200s", got[i], want[i])
			}
		}
	}
}

// fill writes rows of every kind and of sizes around each bound of the form.
func (m *maker) fill() {
	m.do("CREATE TABLE other (a)")
	m.do("CREATE TABLE t (a, b, c, d)")
	m.do("BEGIN")
	for i := range 300 {
		m.do("INSERT INTO t VALUES (?, ?, ?, ?)", int64(1)<<(i%63)-int64(i%3), float64(i)/3, strings.Repeat("é", i%9), bytes.Repeat([]byte{byte(i)}, i*i%3000))
	}
	m.do("INSERT INTO t VALUES (NULL, 0, 1, ?)", make([]byte, 300_000))
	m.do("COMMIT")
}

func TestRows(t *testing.T) {
	for _, size := range []string{"512", "1024", "4096", "65536"} {
		t.Run(size, func(t *testing.T) {
			m := newMaker(t, "page_size="+size)
			m.fill()
			file, _ := m.files()
			m.compare("filled", file, nil)
			m.do("DELETE FROM t WHERE rowid % 3 = 0")
			file, _ = m.files()
			m.compare("deleted", file, nil)
		})
	}
}

// TestLog reads a database whose changes are in its log, whole and cut anywhere:
// what is read is what some commit left.
func TestLog(t *testing.T) {
	m := newMaker(t, "page_size=1024", "journal_mode=WAL", "wal_autocheckpoint=0")
	m.fill()
	file, log := m.files()
	if len(log) == 0 {
		t.Fatal("there is no log")
	}
	m.compare("all in the log", file, log)
	filled := m.rows()
	m.do("PRAGMA wal_checkpoint(PASSIVE)")
	m.do("UPDATE t SET a = 'new' WHERE rowid = 5")
	updated := m.rows()
	m.do("DELETE FROM t WHERE rowid > 200")
	deleted := m.rows()
	file, log = m.files()
	m.compare("over the file", file, log)
	states, at := [][]string{filled, updated, deleted}, 0
	for n := 0; n <= len(log) && at < 2; n += 524 {
		got, err := read(file, log[:n])
		for at < 2 && !reflect.DeepEqual(got, states[at]) {
			at++
		}
		if err != nil || !reflect.DeepEqual(got, states[at]) {
			t.Fatalf("%d bytes of the log: %d rows, %v", n, len(got), err)
		}
		if broken := bytes.Clone(log); at == 2 {
			// A byte of the last commit: it does not count, as sqlite has it.
			broken[n-524] ^= 1
			if got, err := read(file, broken); err != nil || !reflect.DeepEqual(got, updated) {
				t.Errorf("a broken frame: %d rows, %v", len(got), err)
			}
		}
	}
	if at != 2 {
		t.Errorf("the last state that was read is %d", at)
	}
}

func TestMalformed(t *testing.T) {
	m := newMaker(t, "page_size=512")
	m.fill()
	file, _ := m.files()
	for n := 0; n < len(file); n += len(file) / 200 {
		if _, err := read(file[:n], nil); !errors.Is(err, sqlite.ErrMalformed) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		flipped := bytes.Clone(file)
		flipped[n] ^= 0xff
		_, _ = read(flipped, nil)
	}
	utf16 := newMaker(t, "encoding='UTF-16'")
	utf16.fill()
	file, _ = utf16.files()
	if _, err := read(file, nil); !errors.Is(err, sqlite.ErrMalformed) || !strings.Contains(err.Error(), "UTF-16") {
		t.Error(err)
	}
	keyed := newMaker(t)
	keyed.do("CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID")
	file, _ = keyed.files()
	if _, err := read(file, nil); !errors.Is(err, sqlite.ErrMalformed) {
		t.Error(err)
	}
}

func FuzzDatabase(f *testing.F) {
	dir := f.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "x.db"))
	if err != nil {
		f.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, q := range []string{"PRAGMA page_size=512", "PRAGMA journal_mode=WAL", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (1, zeroblob(2000)), ('x', 2.5)",
		"PRAGMA wal_checkpoint(TRUNCATE)", "INSERT INTO t VALUES (3, 4)"} {
		if _, err := db.Exec(q); err != nil {
			f.Fatal(err)
		}
	}
	file, err := os.ReadFile(filepath.Join(dir, "x.db"))
	if err != nil {
		f.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "x.db-wal"))
	if err != nil {
		f.Fatal(err)
	}
	db.Close()
	f.Add(file, log)
	f.Add(file, []byte(nil))
	f.Fuzz(func(_ *testing.T, file, log []byte) {
		_, _ = read(file, log)
		_, _ = read(file, nil)
	})
}
