package canonical_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/glebarez/go-sqlite" // makes the databases

	"github.com/assay-os/assay/inspect/canonical"
)

// sqliteFile is a database after the statements.
func sqliteFile(t *testing.T, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.sqlite")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSQLite(t *testing.T) {
	const path = "/var/lib/dnf/history.sqlite"
	base := []string{
		"CREATE TABLE keyed (id INTEGER PRIMARY KEY, v)", "CREATE TABLE free (v)", "CREATE INDEX i ON free (v)",
		"INSERT INTO keyed VALUES (1, 'one'), (2, x'00')", "INSERT INTO free VALUES (1.5), (2), (NULL), (2)",
	}
	with := func(more ...string) []byte { return sqliteFile(t, slices.Concat(base, more)...) }
	plain := with()
	same(t, "deleted and vacuumed", path, plain, with("INSERT INTO keyed VALUES (3, zeroblob(9000))", "DELETE FROM keyed WHERE id = 3"))
	same(t, "order in a table without a key", path, plain, with("DELETE FROM free WHERE v = 1.5", "INSERT INTO free VALUES (1.5)"))
	for what, more := range map[string]string{
		"a value":             "UPDATE keyed SET v = 'onf' WHERE id = 1",
		"a value's type":      "UPDATE free SET v = '2' WHERE v = 2",
		"a key":               "UPDATE keyed SET id = 7 WHERE id = 2",
		"how often a row is":  "DELETE FROM free WHERE rowid = 2",
		"an index":            "DROP INDEX i",
		"an empty table more": "CREATE TABLE more (v)",
		"a column":            "ALTER TABLE free ADD COLUMN w",
		"user version":        "PRAGMA user_version = 3",
		"journal mode":        "PRAGMA journal_mode = WAL",
	} {
		differ(t, what, path, plain, with(more))
	}
	if c, err := try(path, plain[:len(plain)-1], nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
		t.Errorf("cut: %+v, %v", c, err)
	}
	keyed := sqliteFile(t, "CREATE TABLE k (a PRIMARY KEY) WITHOUT ROWID")
	if c, err := try(path, keyed, nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
		t.Errorf("without row ids: %+v, %v", c, err)
	}
}
