package erofs

// The numbers of LZMA: lzma-specification.txt of the LZMA SDK.
const (
	lzmaStates   = 12
	lzmaPosition = 4 // the most bits of a position
	lzmaBitsTop  = 1 << 24
	lzmaModel    = 11
	lzmaMove     = 5
	lzmaHalf     = 1 << lzmaModel / 2
	lzmaLeast    = 2 // the length of the shortest match
	lzmaAligned  = 4
	lzmaEndModel = 14 // distances from this slot on have bits without a model
	lzmaSlots    = 64
)

// A lengthModel are the probabilities of a match's length.
type lengthModel struct {
	choice, second uint16
	low, mid       [1 << lzmaPosition][8]uint16
	high           [256]uint16
}

// An lzmaDecoder unpacks one stream into one slice, which is its own window.
type lzmaDecoder struct {
	in      []byte
	code    uint32
	limit   uint32 // the range
	out     []byte
	done    int
	starved bool // the input ended too early

	lc, lp, pb uint
	state      int
	reps       [4]uint32

	literal                       []uint16
	isMatch, isLong               [lzmaStates][1 << lzmaPosition]uint16
	isRep, isRep0, isRep1, isRep2 [lzmaStates]uint16
	slot                          [4][lzmaSlots]uint16
	special                       [128]uint16
	align                         [1 << lzmaAligned]uint16
	length, repLength             lengthModel
}

// unpackLZMA fills out from a stream of MicroLZMA: that of LZMA, whose first byte,
// always zero there, is the inverted properties. The stream has no mark of
// its end; a whole one ends where out is full.
func unpackLZMA(out, in []byte, whole bool) error {
	d, err := newLZMA(out, in)
	if err != nil {
		return err
	}
	for d.done < len(out) {
		if err := d.step(whole); err != nil {
			return err
		}
		if d.starved {
			return errShort
		}
	}
	d.normalize()
	if whole && (d.code != 0 || len(d.in) != 0) {
		return errLong
	}
	return nil
}

func newLZMA(out, in []byte) (*lzmaDecoder, error) {
	const head = 5 // with the first bytes of the code
	if len(in) < head {
		return nil, errShort
	}
	properties := uint(^in[0])
	if properties >= 9*5*5 {
		return nil, errData
	}
	d := &lzmaDecoder{in: in[head:], limit: 1<<32 - 1, out: out}
	d.code = uint32(in[1])<<24 | uint32(in[2])<<16 | uint32(in[3])<<8 | uint32(in[4])
	d.lc, d.lp, d.pb = properties%9, properties/9%5, properties/45
	if d.lc+d.lp > 4 { // the bound of liblzma
		return nil, errData
	}
	d.literal = make([]uint16, 0x300<<(d.lc+d.lp))
	d.reset()
	return d, nil
}

func even(models ...[]uint16) {
	for _, m := range models {
		for i := range m {
			m[i] = lzmaHalf
		}
	}
}

// reset makes every bit equally probable.
func (d *lzmaDecoder) reset() {
	even(d.literal, d.isRep[:], d.isRep0[:], d.isRep1[:], d.isRep2[:], d.special[:], d.align[:])
	for i := range d.isMatch {
		even(d.isMatch[i][:], d.isLong[i][:])
	}
	for i := range d.slot {
		even(d.slot[i][:])
	}
	for _, l := range []*lengthModel{&d.length, &d.repLength} {
		l.choice, l.second = lzmaHalf, lzmaHalf
		even(l.high[:])
		for i := range l.low {
			even(l.low[i][:], l.mid[i][:])
		}
	}
}

func (d *lzmaDecoder) normalize() {
	if d.limit >= lzmaBitsTop {
		return
	}
	d.limit <<= 8
	d.code <<= 8
	if len(d.in) == 0 {
		d.starved = true
		return
	}
	d.code |= uint32(d.in[0])
	d.in = d.in[1:]
}

// bit decodes one bit by its model.
func (d *lzmaDecoder) bit(model *uint16) uint32 {
	d.normalize()
	p := uint32(*model)
	bound := d.limit >> lzmaModel * p
	if d.code < bound {
		d.limit = bound
		*model = uint16(p + (1<<lzmaModel-p)>>lzmaMove)
		return 0
	}
	d.limit -= bound
	d.code -= bound
	*model = uint16(p - p>>lzmaMove)
	return 1
}

// direct decodes bits that have no model.
func (d *lzmaDecoder) direct(n uint32) uint32 {
	var v uint32
	for range n {
		d.normalize()
		d.limit >>= 1
		bit := uint32(0)
		if d.code >= d.limit {
			d.code -= d.limit
			bit = 1
		}
		v = v<<1 | bit
	}
	return v
}

// tree decodes n bits, the highest first.
func (d *lzmaDecoder) tree(models []uint16, n uint) uint32 {
	m := uint32(1)
	for range n {
		m = m<<1 | d.bit(&models[m])
	}
	return m - 1<<n
}

// reverse decodes n bits, the lowest first.
func (d *lzmaDecoder) reverse(models []uint16, n uint32) uint32 {
	m, v := uint32(1), uint32(0)
	for i := range n {
		b := d.bit(&models[m])
		m = m<<1 | b
		v |= b << i
	}
	return v
}

// step decodes one literal or match.
func (d *lzmaDecoder) step(whole bool) error {
	at := d.done & (1<<d.pb - 1)
	if d.bit(&d.isMatch[d.state][at]) == 0 {
		return d.byte()
	}
	var length int
	if d.bit(&d.isRep[d.state]) == 0 {
		d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], d.reps[0]
		length = d.matchLength(&d.length, at)
		d.state = after(d.state, 7, 10)
		d.reps[0] = d.distance(length)
	} else if length = d.repeat(at); length == 1 {
		d.state = after(d.state, 9, 11)
	} else {
		d.state = after(d.state, 8, 11)
	}
	return d.match(length, whole)
}

// after is the next state, by whether a literal came last.
func after(state, literal, match int) int {
	if state < 7 {
		return literal
	}
	return match
}

// match repeats bytes.
func (d *lzmaDecoder) match(length int, whole bool) error {
	if int64(d.reps[0]) >= int64(d.done) {
		return errData
	}
	if left := len(d.out) - d.done; length > left {
		if whole {
			return errLong
		}
		length = left
	}
	copyMatch(d.out, d.done, int(d.reps[0])+1, length)
	d.done += length
	return nil
}

// repeat decodes a match of one of the last four distances; its length is 1
// for the short form.
func (d *lzmaDecoder) repeat(at int) int {
	if d.bit(&d.isRep0[d.state]) == 0 {
		if d.bit(&d.isLong[d.state][at]) == 0 {
			return 1
		}
		return d.matchLength(&d.repLength, at)
	}
	n := 1
	if d.bit(&d.isRep1[d.state]) != 0 {
		n = 2 + int(d.bit(&d.isRep2[d.state]))
	}
	distance := d.reps[n]
	copy(d.reps[1:n+1], d.reps[:n])
	d.reps[0] = distance
	return d.matchLength(&d.repLength, at)
}

// byte decodes a literal.
func (d *lzmaDecoder) byte() error {
	var before byte
	if d.done > 0 {
		before = d.out[d.done-1]
	}
	context := (d.done&(1<<d.lp-1))<<d.lc + int(before>>(8-d.lc))
	models := d.literal[0x300*context:][:0x300]
	symbol := uint32(1)
	if d.state >= 7 {
		if int64(d.reps[0]) >= int64(d.done) {
			return errData
		}
		match := uint32(d.out[d.done-1-int(d.reps[0])])
		for symbol < 0x100 {
			expect := match >> 7 & 1
			match <<= 1
			got := d.bit(&models[(1+expect)<<8+symbol])
			symbol = symbol<<1 | got
			if got != expect {
				break
			}
		}
	}
	for symbol < 0x100 {
		symbol = symbol<<1 | d.bit(&models[symbol])
	}
	d.out[d.done] = byte(symbol)
	d.done++
	switch {
	case d.state < 4:
		d.state = 0
	case d.state < 10:
		d.state -= 3
	default:
		d.state -= 6
	}
	return nil
}

func (d *lzmaDecoder) matchLength(l *lengthModel, at int) int {
	switch {
	case d.bit(&l.choice) == 0:
		return lzmaLeast + int(d.tree(l.low[at][:], 3))
	case d.bit(&l.second) == 0:
		return lzmaLeast + 8 + int(d.tree(l.mid[at][:], 3))
	}
	return lzmaLeast + 16 + int(d.tree(l.high[:], 8))
}

// distance decodes how far a match is away, less one.
func (d *lzmaDecoder) distance(length int) uint32 {
	slot := d.tree(d.slot[min(length-lzmaLeast, 3)][:], 6)
	if slot < 4 {
		return slot
	}
	n := slot>>1 - 1
	base := (2 | slot&1) << n
	if slot < lzmaEndModel {
		return base + d.reverse(d.special[base-slot:], n)
	}
	base += d.direct(n-lzmaAligned) << lzmaAligned
	return base + d.reverse(d.align[:], lzmaAligned)
}
