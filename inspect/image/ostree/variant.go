package ostree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Objects are values of GVariant's serialised form ("GVariant Specification", GNOME
// wiki; glib/gvariant-serialiser.c): no member has its own length, containers
// have offsets of their variable members at their end. Only what is needed for
// OSTree's objects is here. OSTree itself stores its numbers big-endian.

// A kind is a member's type: its alignment, and its size where that is fixed.
type kind struct{ align, size int }

var (
	text      = kind{1, 0} // s, ay, and arrays of these
	number32  = kind{4, 4} // u
	number64  = kind{8, 8} // t
	variants  = kind{8, 0} // a{sv}
	errNormal = errors.New("a value is not in GVariant's normal form")
)

// offsetSize is how many bytes an offset in a container of n bytes has.
func offsetSize(n int) int {
	switch {
	case n <= 0xff:
		return 1
	case n <= 0xffff:
		return 2
	}
	return 4
}

// offset reads the offset at the start of b.
func offset(b []byte, size int) int {
	var full [8]byte
	copy(full[:], b[:size])
	return int(binary.LittleEndian.Uint64(full[:]))
}

func aligned(at, align int) int { return (at + align - 1) / align * align }

// tuple takes a structure apart.
func tuple(data []byte, kinds ...kind) ([][]byte, error) {
	size := offsetSize(len(data))
	end := len(data) // of what is not offsets
	for _, k := range kinds[:len(kinds)-1] {
		if k.size == 0 {
			end -= size
		}
	}
	if end < 0 {
		return nil, errNormal
	}
	var out [][]byte
	at, next := 0, len(data)
	for i, k := range kinds {
		at = aligned(at, k.align)
		to := at + k.size
		switch {
		case k.size > 0:
		case i == len(kinds)-1:
			to = end
		default:
			next -= size
			to = offset(data[next:], size)
		}
		if at > to || to > end {
			return nil, errNormal
		}
		out = append(out, data[at:to])
		at = to
	}
	return out, nil
}

// array takes an array of values without a fixed size and with no alignment apart.
func array(data []byte) ([][]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	size := offsetSize(len(data))
	if len(data) < size {
		return nil, errNormal
	}
	end := offset(data[len(data)-size:], size)
	if end > len(data)-size || (len(data)-end)%size != 0 {
		return nil, errNormal
	}
	out := make([][]byte, 0, (len(data)-end)/size)
	at := 0
	for o := end; o < len(data); o += size {
		to := offset(data[o:], size)
		if to < at || to > end {
			return nil, errNormal
		}
		out = append(out, data[at:to])
		at = to
	}
	return out, nil
}

// str is a string, which ends with NUL.
func str(b []byte) (string, error) {
	if len(b) == 0 || bytes.IndexByte(b, 0) != len(b)-1 {
		return "", errNormal
	}
	return string(b[:len(b)-1]), nil
}

// checksum is the hexadecimal form of 32 bytes.
func checksum(b []byte) (string, error) {
	if len(b) != 32 {
		return "", fmt.Errorf("a checksum has %d bytes, not 32", len(b))
	}
	return fmt.Sprintf("%x", b), nil
}

// encodeTuple is the inverse of tuple, for members of any kind but 64-bit numbers and
// a{sv}: the header of a file, whose checksum covers it.
func encodeTuple(kinds []kind, members ...[]byte) []byte {
	var out []byte
	var ends []int
	for i, m := range members {
		for len(out)%kinds[i].align != 0 {
			out = append(out, 0)
		}
		out = append(out, m...)
		if kinds[i].size == 0 && i < len(members)-1 {
			ends = append(ends, len(out))
		}
	}
	for i, j := 0, len(ends)-1; i < j; i, j = i+1, j-1 {
		ends[i], ends[j] = ends[j], ends[i]
	}
	return appendOffsets(out, ends)
}

func encodeArray(elements [][]byte) []byte {
	var out []byte
	var ends []int
	for _, e := range elements {
		out = append(out, e...)
		ends = append(ends, len(out))
	}
	return appendOffsets(out, ends)
}

// appendOffsets adds offsets of the size that the whole needs with them.
func appendOffsets(out []byte, ends []int) []byte {
	size := 1
	for size < 8 && offsetSize(len(out)+size*len(ends)) > size {
		size *= 2
	}
	for _, e := range ends {
		var full [8]byte
		binary.LittleEndian.PutUint64(full[:], uint64(e))
		out = append(out, full[:size]...)
	}
	return out
}
