package erofs

// lz4Least is the length of the shortest match.
const lz4Least = 4

// unpackLZ4 fills out from a block of LZ4 (lz4_Block_format.md). Where the
// block is not whole, it may hold more than out takes.
func unpackLZ4(out, in []byte, whole bool) error {
	done := 0
	for {
		if len(in) == 0 {
			return errShort
		}
		token := in[0]
		literals, rest, ok := lz4Length(int(token>>4), in[1:])
		if !ok || literals > len(rest) {
			return errData
		}
		if literals > len(out)-done {
			if whole {
				return errLong
			}
			copy(out[done:], rest)
			return nil
		}
		done += copy(out[done:], rest[:literals])
		in = rest[literals:]
		if done == len(out) && (!whole || len(in) == 0) {
			return nil
		}
		if len(in) < 2 {
			return errData
		}
		distance := int(le.Uint16(in))
		length, rest, ok := lz4Length(int(token&15), in[2:])
		if !ok || distance == 0 || distance > done {
			return errData
		}
		in = rest
		if length += lz4Least; length > len(out)-done {
			if whole {
				return errLong
			}
			length = len(out) - done
		}
		copyMatch(out, done, distance, length)
		if done += length; done == len(out) && !whole {
			return nil
		}
	}
}

// lz4Length adds the bytes that follow a length of 15.
func lz4Length(n int, in []byte) (int, []byte, bool) {
	if n < 15 {
		return n, in, true
	}
	for i, b := range in {
		if n += int(b); b != 255 {
			return n, in[i+1:], true
		}
	}
	return 0, nil, false
}

// copyMatch repeats length bytes from distance before at; they may overlap.
func copyMatch(out []byte, at, distance, length int) {
	if distance >= length {
		copy(out[at:at+length], out[at-distance:])
		return
	}
	for end := at + length; at < end; {
		n := copy(out[at:end], out[at-distance:at])
		at += n
		distance += n
	}
}
