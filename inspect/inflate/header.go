package inflate

// The header of a block of codes: RFC 1951, section 3.2.7.
const (
	maxHeader    = 512 // bytes, at least as many as there can be
	headerCodes  = 19
	mostLengths  = 286
	mostDistance = 30
)

// header reads the header of a block.
func (d *Decoder) header(w *window) error {
	if !w.last && len(w.in)-w.i < maxHeader {
		return errInput
	}
	if !d.need(w, 3) {
		return errInput
	}
	d.final = d.take(1) == 1
	switch d.take(2) {
	case 0:
		return d.storedHeader(w)
	case 1:
		d.fixed()
	case 2:
		d.plain = false
		if err := d.codes(w); err != nil {
			return err
		}
	default:
		return ErrCorrupt
	}
	d.state = inCodes
	return nil
}

func (d *Decoder) storedHeader(w *window) error {
	d.take(d.n & 7)
	if !d.need(w, 32) {
		return errInput
	}
	d.left = d.take(16)
	if d.take(16) != d.left^0xffff {
		return ErrCorrupt
	}
	d.state = inStored
	return nil
}

// codes reads the codes of a block.
func (d *Decoder) codes(w *window) error {
	if !d.need(w, 14) {
		return errInput
	}
	lengths, distances, symbols := 257+d.take(5), 1+d.take(5), 4+d.take(4)
	if lengths > mostLengths || distances > mostDistance {
		return ErrCorrupt
	}
	sizes := d.work.sizes[:lengths+distances]
	if err := d.headerCode(w, symbols); err != nil {
		return err
	}
	if err := d.sizes(w, sizes); err != nil {
		return err
	}
	if sizes[endOfBlock] == 0 ||
		!makeTable(d.lengths[:], lengthBits, sizes[:lengths], &d.work.sorted, lengthEntry, true) ||
		!makeTable(d.distances[:], distanceBits, sizes[lengths:], &d.work.sorted, distanceEntry, true) {
		return ErrCorrupt
	}
	return nil
}

// headerCode reads the code that the sizes of the others are written in.
func (d *Decoder) headerCode(w *window, count int) error {
	order := [headerCodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	var sizes [headerCodes]uint8
	for _, s := range order[:count] {
		if !d.need(w, 3) {
			return errInput
		}
		sizes[s] = uint8(d.take(3))
	}
	if !makeTable(d.work.symbols[:], headerBits, sizes[:], &d.work.sorted, headerEntry, false) {
		return ErrCorrupt
	}
	return nil
}

// Symbols from 16 on stand for several sizes, how many say extra bits. With these
// added, values from repeats on repeat the last size 3 to 6 times, from zeros on
// they are 3 to 10 zeros, and from many on 11 to 138.
const (
	repeats = 16
	zeros   = repeats + 4
	many    = zeros + 8
)

func headerEntry(s int) entry {
	switch s {
	case 16:
		return repeats<<valueAt | 2
	case 17:
		return zeros<<valueAt | 3
	case 18:
		return many<<valueAt | 7
	}
	return entry(s) << valueAt
}

// sizes reads the sizes of all codes.
func (d *Decoder) sizes(w *window, sizes []uint8) error {
	for at := 0; at < len(sizes); {
		d.need(w, 14)
		e := d.work.symbols[d.bits&(1<<headerBits-1)]
		if e&isBad != 0 {
			return ErrCorrupt
		}
		v, ok := d.value(e)
		if !ok {
			return errInput
		}
		size, n := uint8(0), 1
		switch {
		case v < repeats:
			size = uint8(v)
		case v < zeros:
			if n = v - repeats + 3; at == 0 {
				return ErrCorrupt
			}
			size = sizes[at-1]
		case v < many:
			n = v - zeros + 3
		default:
			n = v - many + 11
		}
		if n > len(sizes)-at {
			return ErrCorrupt
		}
		for range n {
			sizes[at] = size
			at++
		}
	}
	return nil
}
