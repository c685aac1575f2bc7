package stages

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// The files of accounts: passwd(5), group(5), shadow(5), gshadow(5), subuid(5), subgid(5).
const (
	passwdFile  = "/etc/passwd"
	groupFile   = "/etc/group"
	shadowFile  = "/etc/shadow"
	gshadowFile = "/etc/gshadow"
	subUIDFile  = "/etc/subuid"
	subGIDFile  = "/etc/subgid"
)

// A table is one file of colon-separated lines. What is not changed is
// written back as it was, whatever it holds.
type table struct {
	name    string
	rows    [][]string
	exists  bool
	changed bool
}

// readTable reads a file; one that does not exist is an empty table that is
// never written.
func readTable(root *tree.Root, name string) (*table, error) {
	t := &table{name: name}
	text, err := root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	t.exists = true
	if len(text) == 0 {
		return t, nil
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		t.rows = append(t.rows, strings.Split(line, ":"))
	}
	return t, nil
}

func (t *table) write(root *tree.Root, mode report.Mode) error {
	if !t.changed || !t.exists {
		return nil
	}
	var b strings.Builder
	for _, row := range t.rows {
		b.WriteString(strings.Join(row, ":") + "\n")
	}
	return root.WriteFile(t.name, []byte(b.String()), mode)
}

// find is the row whose first field is name, nil when there is none.
func (t *table) find(name string) []string {
	for _, row := range t.rows {
		if len(row) > 1 && row[0] == name {
			return row
		}
	}
	return nil
}

// findID is the row whose third field is id.
func (t *table) findID(id uint32) []string {
	for _, row := range t.rows {
		if field(row, 2) == strconv.FormatUint(uint64(id), 10) {
			return row
		}
	}
	return nil
}

func (t *table) add(row ...string) {
	t.rows = append(t.rows, row)
	t.changed = true
}

// set changes a field of a row, which is as long as it must be afterwards.
func (t *table) set(name string, column int, value string) {
	for i, row := range t.rows {
		if len(row) < 2 || row[0] != name {
			continue
		}
		for len(row) <= column {
			row = append(row, "")
		}
		row[column] = value
		t.rows[i], t.changed = row, true
		return
	}
}

// field is a column of a row; short rows have empty ones.
func field(row []string, column int) string {
	if column >= len(row) {
		return ""
	}
	return row[column]
}

// lookUp is the row of name in a file of accounts, nil when there is none.
func lookUp(root *tree.Root, file, name string) ([]string, error) {
	t, err := readTable(root, file)
	if err != nil {
		return nil, err
	}
	return t.find(name), nil
}

// freeID is what useradd and groupadd take when they are not told: one more
// than the highest id in use from low to high, or else the lowest that is free.
func (t *table) freeID(low, high uint32) (uint32, error) {
	used := map[uint32]bool{}
	next := low
	for _, row := range t.rows {
		id, err := strconv.ParseUint(field(row, 2), 10, 32)
		if err != nil || uint32(id) < low || uint32(id) > high {
			continue
		}
		used[uint32(id)] = true
		next = max(next, uint32(id)+1)
	}
	if next <= high {
		return next, nil
	}
	for id := low; id <= high; id++ {
		if !used[id] {
			return id, nil
		}
	}
	return 0, fmt.Errorf("every id from %d to %d is in use in %s", low, high, t.name)
}

// members reads and changes a comma-separated list.
func members(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// join puts user into the list of a column, or takes it out.
func (t *table) join(group string, column int, user string, in bool) {
	row := t.find(group)
	if row == nil {
		return
	}
	list := members(field(row, column))
	switch at := slices.Index(list, user); {
	case in && at < 0:
		list = append(list, user)
	case !in && at >= 0:
		list = slices.Delete(list, at, at+1)
	default:
		return
	}
	t.set(group, column, strings.Join(list, ","))
}
