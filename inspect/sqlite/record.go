package sqlite

import (
	"encoding/binary"
	"math"
)

// maxColumns is what sqlite can be built with at most.
const maxColumns = 32767

// record takes a row's bytes apart: a list of types, then the values.
func record(data []byte) ([]any, error) {
	size, n := varint(data)
	if n == 0 || size < uint64(n) || size > uint64(len(data)) {
		return nil, malformed("a row's header of %d bytes in %d", size, len(data))
	}
	types, body := data[n:size], data[size:]
	var values []any
	for len(types) > 0 {
		kind, n := varint(types)
		if n == 0 || len(values) == maxColumns {
			return nil, malformed("a row's header ends in a type")
		}
		types = types[n:]
		length := kindSize(kind)
		if length < 0 || length > int64(len(body)) {
			return nil, malformed("a value of type %d in %d bytes", kind, len(body))
		}
		values = append(values, value(kind, body[:length]))
		body = body[length:]
	}
	return values, nil
}

// kindSize is the length of a value, -1 for a type that does not exist.
func kindSize(kind uint64) int64 {
	switch {
	case kind <= 4:
		return int64(kind)
	case kind == 5:
		return 6
	case kind <= 7:
		return 8
	case kind <= 9:
		return 0
	case kind < 12 || kind > 2*maxPayload+13:
		return -1
	}
	return int64(kind-12) / 2
}

func value(kind uint64, data []byte) any {
	switch {
	case kind == 0:
		return nil
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(data))
	case kind <= 6:
		return integer(data)
	case kind <= 9:
		return int64(kind - 8)
	case kind%2 == 0:
		return data
	}
	return string(data)
}

// integer is a big-endian number of one to eight bytes with its sign.
func integer(data []byte) int64 {
	v := int64(int8(data[0]))
	for _, b := range data[1:] {
		v = v<<8 | int64(b)
	}
	return v
}

// varint reads a number of one to nine bytes; n is 0 when they are not there.
func varint(data []byte) (v uint64, n int) {
	for n < len(data) && n < 8 {
		b := data[n]
		n++
		v = v<<7 | uint64(b&0x7f)
		if b < 0x80 {
			return v, n
		}
	}
	if n == 8 && len(data) > 8 {
		return v<<8 | uint64(data[8]), 9
	}
	return 0, 0
}
