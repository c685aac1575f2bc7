package canonical

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A marshal reads the serialised objects of CPython's Python/marshal.c, version
// 4, and gives each a digest of what it is. Two writings of one object differ in
// which objects are referred to (FLAG_REF is set by reference counts at the time
// of writing) and in the order of sets (by string hashes, which are random).
type marshal struct {
	r      *bytes.Reader
	layout string
	// refs are the digests of the objects that may be referred to; "" while
	// the object is being read.
	refs  []string
	count int
}

// The bounds of one module. CPython's own depth limit is 2000.
const (
	maxMarshalDepth   = 1000
	maxMarshalObjects = 5_000_000
)

// codeLayout is the order of a code object's fields by the magic number of
// the interpreter's version ("i" a 32-bit number, "o" an object): 3.8 to 3.10,
// and 3.11 to 3.13. It is empty where it is not known.
func codeLayout(magic uint16) string {
	switch {
	case magic >= 3400 && magic < 3440:
		return "iiiiiiooooooooio"
	case magic >= 3495 && magic < 3600:
		return "iiiiiooooooooioo"
	default:
		return ""
	}
}

// object reads one object.
func (m *marshal) object(depth int) (string, error) {
	if m.count++; m.count > maxMarshalObjects || depth > maxMarshalDepth {
		return "", fmt.Errorf("%w: more than %d objects, or %d inside of each other", ErrLimit, maxMarshalObjects, maxMarshalDepth)
	}
	kind, err := m.r.ReadByte()
	if err != nil {
		return "", malformed("an object is missing")
	}
	index := -1
	if kind&0x80 != 0 {
		kind &= 0x7f
		index = len(m.refs)
		m.refs = append(m.refs, "")
	}
	digest, err := m.value(kind, depth)
	if err == nil && index >= 0 {
		m.refs[index] = digest
	}
	return digest, err
}

// value reads what follows an object's type.
func (m *marshal) value(kind byte, depth int) (string, error) {
	switch kind {
	case 'N', 'F', 'T', 'S', '.':
		return m.leaf(kind, 0)
	case 'i':
		return m.leaf(kind, 4)
	case 'g':
		return m.leaf(kind, 8)
	case 'y':
		return m.leaf(kind, 16)
	case 's', 'u', 'a', 'A':
		return m.text(kind, 4)
	case 't':
		return m.text('u', 4)
	case 'z', 'Z':
		return m.text(kind-'z'+'a', 1)
	case 'l':
		return m.long()
	case '(', '[', '<', '>':
		n, err := m.length(4)
		if err != nil {
			return "", err
		}
		return m.sequence(kind, n, depth)
	case ')':
		n, err := m.length(1)
		if err != nil {
			return "", err
		}
		return m.sequence('(', n, depth)
	case 'c':
		return m.code(depth)
	case 'r':
		return m.reference()
	default:
		return "", malformed("an object of type %q", kind)
	}
}

// leaf is an object of fixed size.
func (m *marshal) leaf(kind byte, n int64) (string, error) {
	data, err := m.bytes(n)
	if err != nil {
		return "", err
	}
	return objectDigest(kind, data), nil
}

// text is a string with its length in front. An ASCII string means the same
// as the Unicode string, interned or not: one type stands for all.
func (m *marshal) text(kind byte, width int) (string, error) {
	n, err := m.length(width)
	if err != nil {
		return "", err
	}
	data, err := m.bytes(n)
	if err != nil {
		return "", err
	}
	if kind == 'a' || kind == 'A' {
		// CPython takes such bytes for Latin-1, not for UTF-8.
		if slices.ContainsFunc(data, func(c byte) bool { return c >= 0x80 }) {
			return "", malformed("an ASCII string that is none: %.40q", data)
		}
	}
	if kind != 's' {
		kind = 'u'
	}
	return objectDigest(kind, data), nil
}

// long is a number of any length, in digits of 15 bits.
func (m *marshal) long() (string, error) {
	head, err := m.bytes(4)
	if err != nil {
		return "", err
	}
	n := int64(int32(binary.LittleEndian.Uint32(head)))
	digits, err := m.bytes(2 * max(n, -n))
	if err != nil {
		return "", err
	}
	return objectDigest('l', head, digits), nil
}

// sequence is a tuple, a list or a set, whose order says nothing.
func (m *marshal) sequence(kind byte, n int64, depth int) (string, error) {
	var items []string
	for range n {
		d, err := m.object(depth + 1)
		if err != nil {
			return "", err
		}
		items = append(items, d)
	}
	if kind == '<' || kind == '>' {
		slices.Sort(items)
	}
	return objectDigest(kind, []byte(strings.Join(items, ""))), nil
}

func (m *marshal) code(depth int) (string, error) {
	var fields []string
	for _, field := range m.layout {
		if field == 'o' {
			d, err := m.object(depth + 1)
			if err != nil {
				return "", err
			}
			fields = append(fields, d)
			continue
		}
		n, err := m.bytes(4)
		if err != nil {
			return "", err
		}
		fields = append(fields, hex.EncodeToString(n))
	}
	return objectDigest('c', []byte(strings.Join(fields, " "))), nil
}

// reference is an object that came before.
func (m *marshal) reference() (string, error) {
	i, err := m.length(4)
	if err != nil {
		return "", err
	}
	if i >= int64(len(m.refs)) || m.refs[i] == "" {
		return "", malformed("a reference to object %d of %d", i, len(m.refs))
	}
	return m.refs[i], nil
}

// length reads a count of one or four bytes.
func (m *marshal) length(width int) (int64, error) {
	data, err := m.bytes(int64(width))
	if err != nil {
		return 0, err
	}
	if width == 1 {
		return int64(data[0]), nil
	}
	return int64(binary.LittleEndian.Uint32(data)), nil
}

func (m *marshal) bytes(n int64) ([]byte, error) {
	if n > int64(m.r.Len()) {
		return nil, malformed("%d bytes are missing", n-int64(m.r.Len()))
	}
	data := make([]byte, n)
	_, err := io.ReadFull(m.r, data)
	return data, err
}

// objectDigest is the digest of an object's type and parts. A collection's
// digest covers its items by theirs, so a shared object costs nothing.
func objectDigest(kind byte, parts ...[]byte) string {
	data := []byte{kind}
	for _, p := range parts {
		data = binary.BigEndian.AppendUint64(data, uint64(len(p)))
		data = append(data, p...)
	}
	return hexSum(data)
}
