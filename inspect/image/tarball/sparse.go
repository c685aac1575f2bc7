package tarball

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// sparse finds the map of a sparse file, its logical size, and where its data
// starts; ok is false for ordinary files.
func (x *indexer) sparse(h *header, recs records, data int64) (m sparseMap, ok bool, err error) {
	major, hasMajor := recs.last("GNU.sparse.major")
	_, holes := recs.last("SUN.holesdata")
	switch {
	case holes, h.kind == typeGNUSparse && !h.gnu:
		return m, true, errors.New("a sparse file in the form of star or Solaris is not read")
	case h.kind == typeGNUSparse:
		m, err = x.oldSparse(h, data)
	case hasMajor && major != "0":
		if minor, _ := recs.last("GNU.sparse.minor"); major != "1" || minor != "0" {
			return m, true, fmt.Errorf("sparse format %s.%s is not known", major, minor)
		}
		m, err = x.newSparse(h, data)
		m.size, err = sizeOf(recs, err, "GNU.sparse.realsize")
	default:
		numbers := mapRecords(recs)
		if numbers == nil {
			return m, false, nil
		}
		m.data = data
		if m.runs, err = pairs(numbers); err == nil {
			m.size, err = sizeOf(recs, nil, "GNU.sparse.size", "GNU.sparse.realsize")
		}
	}
	return m, true, err
}

// A sparseMap says which parts of a file are data; at is counted from zero
// within the data.
type sparseMap struct {
	runs []segment
	size int64
	data int64
}

// segments places the runs in the archive, and checks that they fill the data
// and stay in order and within the size.
func (m sparseMap) segments(stored int64) ([]segment, error) {
	var out []segment
	end, used := int64(0), int64(0)
	for _, r := range m.runs {
		if r.offset < end || r.length < 0 || r.offset > m.size || r.length > m.size-r.offset || r.length > stored-used {
			return nil, errors.New("the map of the sparse file contradicts its size")
		}
		if r.length > 0 {
			out = append(out, segment{offset: r.offset, length: r.length, at: m.data + used})
		}
		end, used = r.offset+r.length, used+r.length
	}
	if used != stored {
		return nil, fmt.Errorf("the map of the sparse file has %d bytes, the archive %d", used, stored)
	}
	return out, nil
}

func sizeOf(recs records, err error, keys ...string) (int64, error) {
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if v, ok := recs.last(key); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n < 0 {
				return 0, fmt.Errorf("%s: %q is no size", key, v)
			}
			return n, nil
		}
	}
	return 0, errors.New("the sparse file has no size")
}

// mapRecords is the map of the forms 0.0 (pairs of records) and 0.1 (one
// record), or nil.
func mapRecords(recs records) []string {
	if v, ok := recs.last("GNU.sparse.map"); ok {
		return strings.Split(v, ",")
	}
	var numbers []string
	for _, r := range recs {
		if r.key == "GNU.sparse.offset" || r.key == "GNU.sparse.numbytes" {
			numbers = append(numbers, r.value)
		}
	}
	return numbers
}

// pairs reads offsets and lengths by turns.
func pairs(numbers []string) ([]segment, error) {
	if len(numbers)%2 != 0 {
		return nil, errors.New("the map of the sparse file is malformed")
	}
	var out []segment
	for i := 0; i < len(numbers); i += 2 {
		offset, err1 := strconv.ParseInt(numbers[i], 10, 64)
		length, err2 := strconv.ParseInt(numbers[i+1], 10, 64)
		if err1 != nil || err2 != nil || offset < 0 {
			return nil, errors.New("the map of the sparse file is malformed")
		}
		out = append(out, segment{offset: offset, length: length})
	}
	return out, nil
}

// oldSparse reads GNU's own form: four entries in the header, 21 in each block
// that follows it while a flag says so.
func (x *indexer) oldSparse(h *header, data int64) (sparseMap, error) {
	m := sparseMap{data: data}
	var err error
	if m.size, err = number(h.raw[483:495]); err != nil || m.size < 0 {
		return m, errors.New("the sparse file has no size")
	}
	area, more := h.raw[386:482], h.raw[482] != 0
	for {
		for ; len(area) >= 24 && area[0] != 0; area = area[24:] {
			offset, err1 := number(area[:12])
			length, err2 := number(area[12:24])
			if err1 != nil || err2 != nil || offset < 0 {
				return m, errors.New("the map of the sparse file is malformed")
			}
			m.runs = append(m.runs, segment{offset: offset, length: length})
		}
		if !more {
			return m, nil
		}
		b := make([]byte, blockSize)
		if err := x.read(b, m.data); err != nil {
			return m, err
		}
		area, more = b[:504], b[504] != 0
		m.data += blockSize
	}
}

// newSparse reads the form 1.0: the map is text before the data, padded to a
// block. It counts as data in the header's size, which is made smaller by it.
func (x *indexer) newSparse(h *header, data int64) (sparseMap, error) {
	lines := &lineReader{x: x, at: data, end: data + h.size}
	count, err := lines.number()
	if err != nil {
		return sparseMap{}, err
	}
	if count > maxRuns {
		return sparseMap{}, fmt.Errorf("the map of the sparse file has %d runs, more than %d", count, maxRuns)
	}
	m := sparseMap{}
	for range count {
		offset, err1 := lines.number()
		length, err2 := lines.number()
		if err := errors.Join(err1, err2); err != nil {
			return m, err
		}
		m.runs = append(m.runs, segment{offset: offset, length: length})
	}
	m.data = lines.at
	h.size -= lines.at - data
	return m, nil
}

// maxRuns bounds a map whose runs may take less room in the archive than in memory.
const maxRuns = 4 << 20

// A lineReader reads decimal lines from blocks of the archive.
type lineReader struct {
	x       *indexer
	at, end int64
	buf     []byte
}

func (l *lineReader) number() (int64, error) {
	const longest = 20
	for {
		if line, rest, ok := bytes.Cut(l.buf, []byte{'\n'}); ok {
			l.buf = rest
			n, err := strconv.ParseInt(string(line), 10, 64)
			if err != nil || n < 0 {
				return 0, errors.New("the map of the sparse file is malformed")
			}
			return n, nil
		}
		if len(l.buf) > longest || l.at+blockSize > l.end {
			return 0, fmt.Errorf("the map of the sparse file has no end: %w", io.ErrUnexpectedEOF)
		}
		b := make([]byte, blockSize)
		if err := l.x.read(b, l.at); err != nil {
			return 0, err
		}
		l.buf = append(l.buf, b...)
		l.at += blockSize
	}
}
