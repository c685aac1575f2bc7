package inflate

import "errors"

// A window is where a stream comes from and goes to. What was written before is
// in out, up to 32 KiB of it, for copies reach back so far.
type window struct {
	in   []byte
	i    int
	last bool // nothing follows in
	out  []byte
	o    int
}

// errInput says that the input is used up within something.
var errInput = errors.New("inflate: more input is needed")

// run decompresses until the output is full, the stream ends, or the input is used
// up: errInput. It gives whole bytes that it has looked at back to the input.
func (d *Decoder) run(w *window) error {
	err := d.steps(w)
	w.i -= int(d.n >> 3)
	d.n &= 7
	d.bits &= 1<<d.n - 1
	return err
}

func (d *Decoder) steps(w *window) error {
	for d.state != atEnd {
		var err error
		switch d.state {
		case inHeader:
			err = d.header(w)
		case inStored:
			err = d.stored(w)
		case inCopy:
			d.copy(w)
		default:
			if err = d.fast(w); err == nil && d.state == inCodes {
				err = d.slow(w)
			}
		}
		if err != nil || w.o == len(w.out) && d.state != atEnd {
			return err
		}
	}
	return nil
}

// finish goes on when the output is full, to the end of the stream, which must be
// the next that comes.
func (d *Decoder) finish(w *window) error {
	for d.state != atEnd {
		if d.state == inHeader {
			if err := d.header(w); err != nil {
				return err
			}
			continue
		}
		if d.state == inStored && d.left == 0 {
			d.endBlock()
			continue
		}
		if d.state != inCodes {
			return ErrTooLarge
		}
		d.need(w, maxBits)
		e := d.next()
		if e&(isEnd|isBad) == 0 && uint(e&bitsMask) <= d.n {
			return ErrTooLarge
		}
		if err := d.stop(e); err != nil {
			return err
		}
	}
	w.i -= int(d.n >> 3)
	d.bits, d.n = 0, 0
	return nil
}

// next is the entry of the next bits in the first code.
func (d *Decoder) next() entry {
	e := d.lengths[d.bits&(1<<lengthBits-1)]
	if e&isTable != 0 {
		e = d.lengths[(uint64(e.value())+d.bits>>lengthBits&(1<<(e&bitsMask)-1))&(lengthTable-1)]
	}
	return e
}

// need makes sure that there are so many bits, 48 at most.
func (d *Decoder) need(w *window, n uint) bool {
	for d.n < n {
		if w.i == len(w.in) {
			return false
		}
		d.bits |= uint64(w.in[w.i]) << d.n
		w.i++
		d.n += 8
	}
	return true
}

// take takes bits, which are there.
func (d *Decoder) take(n uint) int {
	v := int(d.bits & (1<<n - 1))
	d.bits >>= n
	d.n -= n
	return v
}

// stored copies the bytes of a block that is not compressed.
func (d *Decoder) stored(w *window) error {
	for d.n > 0 && d.left > 0 && w.o < len(w.out) { // whole bytes, after the block's header
		w.out[w.o] = byte(d.take(8))
		w.o++
		d.left--
	}
	n := copy(w.out[w.o:], w.in[w.i:min(len(w.in), w.i+d.left)])
	w.i, w.o, d.left = w.i+n, w.o+n, d.left-n
	switch {
	case d.left == 0:
		d.endBlock()
	case w.o < len(w.out):
		return errInput
	}
	return nil
}

func (d *Decoder) endBlock() {
	d.state = inHeader
	if d.final {
		d.state = atEnd
	}
}

// copy goes on with a copy, as far as there is room.
func (d *Decoder) copy(w *window) {
	for d.left > 0 && w.o < len(w.out) {
		n := copy(w.out[w.o:min(len(w.out), w.o+d.left)], w.out[w.o-d.dist:w.o])
		w.o += n
		d.left -= n
	}
	if d.left == 0 {
		d.state = inCodes
	}
}

// slow decodes symbol by symbol, up to the ends of input and output.
func (d *Decoder) slow(w *window) error {
	const most = 48 // bits of a copy
	for w.o < len(w.out) && d.state == inCodes {
		if !d.need(w, most) && !w.last {
			return errInput
		}
		e := d.next()
		switch {
		case e&(isEnd|isBad) != 0:
			return d.stop(e)
		case e&isLiteral == 0:
			if err := d.match(w, e); err != nil {
				return err
			}
		case uint(e&bitsMask) > d.n:
			return errInput
		default:
			d.take(uint(e & bitsMask))
			w.out[w.o] = byte(e >> valueAt)
			w.o++
		}
	}
	return nil
}

// match decodes the rest of a copy.
func (d *Decoder) match(w *window, e entry) error {
	length, ok := d.value(e)
	if !ok {
		return errInput
	}
	e = d.distances[d.bits&(1<<distanceBits-1)]
	if e&isTable != 0 {
		e = d.distances[(uint64(e.value())+d.bits>>distanceBits&(1<<(e&bitsMask)-1))&(distanceTable-1)]
	}
	if e&isBad != 0 {
		return d.stop(e)
	}
	distance, ok := d.value(e)
	switch distance++; {
	case !ok:
		return errInput
	case distance > w.o:
		return ErrCorrupt
	}
	d.state, d.left, d.dist = inCopy, length, distance
	d.copy(w)
	return nil
}

// value takes a code and its extra bits; false when they are not there.
func (d *Decoder) value(e entry) (int, bool) {
	if uint(e&bitsMask) > d.n {
		return 0, false
	}
	plain := uint(e >> plainAt & plainMask)
	d.take(plain)
	return e.value() + d.take(uint(e&bitsMask)-plain), true
}

// stop ends a block, or says what is wrong with the code.
func (d *Decoder) stop(e entry) error {
	switch {
	case uint(e&bitsMask) > d.n:
		return errInput
	case e&isBad != 0:
		return ErrCorrupt
	}
	d.take(uint(e & bitsMask))
	d.endBlock()
	return nil
}
