package inflate

import "encoding/binary"

// The margins that let fast work without looking at the ends: what one round
// reads, and what it writes, of which 32 bytes may be too many.
const (
	marginIn  = 24
	marginOut = 3 + maxMatch + 32
)

// fast decodes while there are margins. Before each round the entry of the next
// code is looked up already, and at least 56 bits are there after its first line.
func (d *Decoder) fast(w *window) error {
	in, out, i, o := w.in, w.out, w.i, w.o
	bits, n := d.bits, d.n
	if i <= len(in)-marginIn {
		bits, i, n = bits|binary.LittleEndian.Uint64(in[i:])<<(n&63), i+int(63-n)>>3, n|56
	}
	e := d.lengths[bits&(1<<lengthBits-1)]
	for i <= len(in)-marginIn && o <= len(out)-marginOut {
		bits, i, n = bits|binary.LittleEndian.Uint64(in[i:])<<(n&63), i+int(63-n)>>3, n|56
		if e&isLiteral != 0 {
			out[o] = byte(e >> valueAt)
			bits, n, o = bits>>(e&bitsMask), n-uint(e&bitsMask), o+1
			if e = d.lengths[bits&(1<<lengthBits-1)]; e&isLiteral != 0 {
				out[o] = byte(e >> valueAt)
				bits, n, o = bits>>(e&bitsMask), n-uint(e&bitsMask), o+1
				if e = d.lengths[bits&(1<<lengthBits-1)]; e&isLiteral != 0 {
					out[o] = byte(e >> valueAt)
					bits, n, o = bits>>(e&bitsMask), n-uint(e&bitsMask), o+1
					e = d.lengths[bits&(1<<lengthBits-1)]
					continue
				}
			}
		}
		if e&(isTable|isEnd|isBad) != 0 {
			if e&isTable != 0 {
				e = d.lengths[(uint64(e.value())+bits>>lengthBits&(1<<(e&bitsMask)-1))&(lengthTable-1)]
			}
			if e&isLiteral != 0 {
				out[o] = byte(e >> valueAt)
				bits, n, o = bits>>(e&bitsMask), n-uint(e&bitsMask), o+1
				e = d.lengths[bits&(1<<lengthBits-1)]
				continue
			}
			if e&(isEnd|isBad) != 0 {
				w.i, w.o, d.bits, d.n = i, o, bits&(1<<n-1), n
				return d.stop(e)
			}
		}
		length := e.value() + int(bits&(1<<(e&bitsMask)-1)>>(e>>plainAt&plainMask))
		bits, n = bits>>(e&bitsMask), n-uint(e&bitsMask)
		e = d.distances[bits&(1<<distanceBits-1)]
		bits, i, n = bits|binary.LittleEndian.Uint64(in[i:])<<(n&63), i+int(63-n)>>3, n|56
		if e&isTable != 0 {
			e = d.distances[(uint64(e.value())+bits>>distanceBits&(1<<(e&bitsMask)-1))&(distanceTable-1)]
		}
		distance := 1 + e.value() + int(bits&(1<<(e&bitsMask)-1)>>(e>>plainAt&plainMask))
		if e&isBad != 0 || distance > o {
			return ErrCorrupt
		}
		bits, n = bits>>(e&bitsMask), n-uint(e&bitsMask)
		e = d.lengths[bits&(1<<lengthBits-1)]
		repeat(out, o, distance, length)
		o += length
	}
	w.i, w.o, d.bits, d.n = i, o, bits&(1<<n-1), n
	return nil
}

// repeat copies from distance before o, and may write 32 bytes more.
func repeat(out []byte, o, distance, length int) {
	if distance < 8 || length > 32 {
		for end, from := o+length, o-distance; o < end; {
			o += copy(out[o:end], out[from:o])
		}
		return
	}
	from := out[o-distance : o-distance+32]
	to := out[o : o+32]
	binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
	binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(from[8:]))
	if length > 16 {
		binary.LittleEndian.PutUint64(to[16:], binary.LittleEndian.Uint64(from[16:]))
		binary.LittleEndian.PutUint64(to[24:], binary.LittleEndian.Uint64(from[24:]))
	}
}
