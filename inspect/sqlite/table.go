package sqlite

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
)

// The kinds of a table's pages, and the bounds of a walk.
const (
	interiorPage = 0x05
	leafPage     = 0x0d
	maxLevels    = 20
	// maxPayload is the largest row that sqlite writes.
	maxPayload = math.MaxInt32
)

// A Row is one row of a table.
type Row struct {
	ID int64
	// Values are nil, int64, float64, string or []byte. The column that is
	// declared INTEGER PRIMARY KEY is nil: its value is ID.
	Values []any
}

// An Object is one line of the schema.
type Object struct {
	// Kind is table, index, view or trigger.
	Kind, Name, Table string
	// Root is the first page of a table or index, 0 for others.
	Root uint32
	SQL  string
}

// Schema lists the database's objects in the order of their making.
func (db *DB) Schema(ctx context.Context) ([]Object, error) {
	var list []Object
	err := db.Rows(ctx, 1, func(r Row) error {
		if len(r.Values) != 5 {
			return malformed("a row of the schema has %d columns", len(r.Values))
		}
		text := func(i int) string { s, _ := r.Values[i].(string); return s }
		root, _ := r.Values[3].(int64)
		if root < 0 || root > math.MaxUint32 {
			return malformed("%.40q begins at page %d", text(1), root)
		}
		list = append(list, Object{Kind: text(0), Name: text(1), Table: text(2), Root: uint32(root), SQL: text(4)})
		return nil
	})
	return list, err
}

// Rows calls fn for each row of the table that begins at page root, in the
// order of row ids. It ends with fn's first error.
func (db *DB) Rows(ctx context.Context, root uint32, fn func(Row) error) error {
	w := &walk{db: db, ctx: ctx, fn: fn, seen: map[uint32]bool{}, last: math.MinInt64}
	return w.tree(root, 0)
}

// A walk is one pass over a table.
type walk struct {
	db   *DB
	ctx  context.Context
	fn   func(Row) error
	seen map[uint32]bool
	last int64
	any  bool
}

// page reads a page that the walk has not met before.
func (w *walk) page(n uint32) ([]byte, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	if w.seen[n] {
		return nil, malformed("page %d is used twice", n)
	}
	w.seen[n] = true
	return w.db.page(n)
}

// tree walks a page and what is below it.
func (w *walk) tree(n uint32, level int) error {
	if level > maxLevels {
		return malformed("more than %d levels of pages", maxLevels)
	}
	page, err := w.page(n)
	if err != nil {
		return err
	}
	head := 0
	if n == 1 {
		head = headerSize
	}
	switch page[head] {
	case leafPage:
		return w.cells(page, n, head, 8, w.row)
	case interiorPage:
		err := w.cells(page, n, head, 12, func(cell []byte) error {
			if len(cell) < 5 {
				return malformed("page %d: a cell of %d bytes", n, len(cell))
			}
			return w.tree(binary.BigEndian.Uint32(cell), level+1)
		})
		if err != nil {
			return err
		}
		return w.tree(binary.BigEndian.Uint32(page[head+8:]), level+1)
	}
	return malformed("page %d is of kind %#x, not of a table with row ids", n, page[head])
}

// cells calls fn with what follows from the start of each cell.
func (w *walk) cells(page []byte, n uint32, head, size int, fn func([]byte) error) error {
	count := int(binary.BigEndian.Uint16(page[head+3:]))
	at := head + size
	if at+2*count > w.db.usable {
		return malformed("page %d: %d cells have no place", n, count)
	}
	for ; count > 0; count-- {
		start := int(binary.BigEndian.Uint16(page[at:]))
		at += 2
		if start < head+size || start >= w.db.usable {
			return malformed("page %d: a cell at %d", n, start)
		}
		if err := fn(page[start:w.db.usable]); err != nil {
			return err
		}
	}
	return nil
}

// row gives one leaf's cell to fn.
func (w *walk) row(cell []byte) error {
	length, n := varint(cell)
	id, m := varint(cell[n:])
	cell = cell[n+m:]
	if n == 0 || m == 0 || length > maxPayload {
		return malformed("a row of %d bytes", length)
	}
	row := Row{ID: int64(id)}
	if w.any && row.ID <= w.last {
		return malformed("row %d follows row %d", row.ID, w.last)
	}
	w.last, w.any = row.ID, true
	payload, err := w.payload(cell, int(length))
	if err != nil {
		return err
	}
	if row.Values, err = record(payload); err != nil {
		return err
	}
	return w.fn(row)
}

// payload puts a row's bytes together: what does not fit into its page is in
// a chain of others.
func (w *walk) payload(cell []byte, length int) ([]byte, error) {
	local := w.local(length)
	if local > len(cell) || local < length && local+4 > len(cell) {
		return nil, malformed("a row of %d bytes leaves its page", length)
	}
	if local == length {
		return cell[:length], nil
	}
	data := slices.Clone(cell[:local])
	next := binary.BigEndian.Uint32(cell[local:])
	for len(data) < length {
		page, err := w.page(next)
		if err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(page)
		data = append(data, page[4:min(w.db.usable, 4+length-len(data))]...)
	}
	if next != 0 {
		return nil, malformed("a row of %d bytes goes on at page %d", length, next)
	}
	return data, nil
}

// local is how many bytes of a row lie in its leaf (fileformat2, section 1.6).
func (w *walk) local(length int) int {
	u := w.db.usable
	if length <= u-35 {
		return length
	}
	least := (u-12)*32/255 - 23
	if k := least + (length-least)%(u-4); k <= u-35 {
		return k
	}
	return least
}
