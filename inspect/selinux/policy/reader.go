package policy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
)

// The bounds of a policy's tables. Fedora's have 5,000 types, 400 booleans, and
// 700 KiB in all.
const (
	maxTables = 64 << 20
	maxName   = 4096
	maxBits   = 1 << 20
)

// A reader reads little-endian words, and after the first error nothing but zeros.
type reader struct {
	r   *bufio.Reader
	at  int64
	err error
}

func (d *reader) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// read fills b, or b with zeros.
func (d *reader) read(b []byte) {
	if d.err == nil && d.at+int64(len(b)) > maxTables {
		d.fail(fmt.Errorf("tables of more than %d bytes", maxTables))
	}
	if d.err != nil {
		clear(b)
		return
	}
	n, err := io.ReadFull(d.r, b)
	d.at += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated
	}
	if err != nil {
		clear(b)
		d.fail(err)
	}
}

func (d *reader) word() uint32 {
	var b [4]byte
	d.read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (d *reader) words(n int) {
	for range n {
		d.word()
	}
}

// text reads a string of at least one and at most limit bytes.
func (d *reader) text(length uint32, limit int) string {
	if length == 0 || int64(length) > int64(limit) {
		d.fail(fmt.Errorf("name of %d bytes", length))
		return ""
	}
	b := make([]byte, length)
	d.read(b)
	return string(b)
}

func (d *reader) name(length uint32) string {
	name := d.text(length, maxName)
	if strings.IndexByte(name, 0) >= 0 {
		d.fail(errors.New("name with a NUL byte"))
	}
	return name
}

// each calls fn n times, or until something is wrong. Whatever fn reads has at
// least a word, so a wrong count ends with the file.
func (d *reader) each(n uint32, fn func()) {
	for i := uint32(0); i < n && d.err == nil; i++ {
		fn()
	}
}

// table reads one table of symbols: how many values, how many names, the names.
func (d *reader) table(symbol func()) {
	d.word()
	d.each(d.word(), symbol)
}

// bitmap gives the numbers of the bits that are set: ebitmap_read. A number is
// counted from 0, except that permissive types are counted as their values.
func (d *reader) bitmap() []uint32 {
	size, high, nodes := d.word(), d.word(), d.word()
	if d.err == nil && (size != 64 || high > maxBits || high%64 != 0 || nodes > high/64) {
		d.fail(fmt.Errorf("bitmap of %d bits in %d nodes of %d", high, nodes, size))
	}
	var set []uint32
	var next uint32
	d.each(nodes, func() {
		start := d.word()
		var b [8]byte
		d.read(b[:])
		word := binary.LittleEndian.Uint64(b[:])
		if d.err == nil && (start%64 != 0 || start < next || start >= high || word == 0) {
			d.fail(fmt.Errorf("bitmap with a node at %d", start))
			return
		}
		next = start + 64
		for ; word != 0; word &= word - 1 {
			set = append(set, start+uint32(bits.TrailingZeros64(word)))
		}
	})
	return set
}

func compareBooleans(a, b Boolean) int { return strings.Compare(a.Name, b.Name) }
