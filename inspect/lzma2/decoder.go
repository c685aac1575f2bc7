package lzma2

import (
	"encoding/binary"
	"math/bits"
)

// The numbers of the format.
const (
	states       = 12
	maxPosStates = 16
	literalSize  = 0x300
	maxLiterals  = 16 // sets of literals: lc + lp is 4 at most
	lengthStates = 4
	slots        = 64
	nearSlots    = 14 // from this one on some bits are coded with even odds
	alignBits    = 4
	minMatch     = 2

	probBits    = 11
	probInit    = 1 << probBits / 2
	moveBits    = 5
	topValue    = 1 << 24
	rangeHeader = 5
)

// A prob is how likely the next bit is 0, in 2048ths.
type prob = uint16

// lengths are the probabilities of a code of lengths.
type lengths struct {
	choice, choice2 prob
	low, mid        [maxPosStates][8]prob
	high            [256]prob
}

// A decoder is the state of LZMA from chunk to chunk.
type decoder struct {
	coder
	pos        int // bytes since the dictionary was new
	lc, lp, pb uint
	state      int
	reps       [4]uint32 // the last distances, less one

	match     [states][maxPosStates]prob
	rep       [states]prob
	rep0      [states]prob
	rep0Long  [states][maxPosStates]prob
	rep1      [states]prob
	rep2      [states]prob
	slot      [lengthStates][slots]prob
	special   [128]prob // of slots 4 to 13
	align     [1 << alignBits]prob
	lengths   lengths
	repLength lengths
	literals  [maxLiterals][literalSize]prob
}

// setProperties takes the byte that says how contexts are made.
func (d *decoder) setProperties(b byte) bool {
	if b >= 9*5*5 {
		return false
	}
	d.lc, d.lp, d.pb = uint(b%9), uint(b/9%5), uint(b/45)
	return d.lc+d.lp <= 4
}

func fill(p []prob) {
	for i := range p {
		p[i] = probInit
	}
}

func (l *lengths) reset() {
	l.choice, l.choice2 = probInit, probInit
	for i := range l.low {
		fill(l.low[i][:])
		fill(l.mid[i][:])
	}
	fill(l.high[:])
}

// reset makes the state new.
func (d *decoder) reset() {
	d.state, d.reps = 0, [4]uint32{}
	for i := range states {
		fill(d.match[i][:])
		fill(d.rep0Long[i][:])
	}
	for _, p := range [][]prob{d.rep[:], d.rep0[:], d.rep1[:], d.rep2[:], d.special[:], d.align[:]} {
		fill(p)
	}
	for i := range d.slot {
		fill(d.slot[i][:])
	}
	d.lengths.reset()
	d.repLength.reset()
	for i := range d.literals[:1<<(d.lc+d.lp)] {
		fill(d.literals[i][:])
	}
}

// slack is how much may be written behind the end of a chunk.
const slack = 32

// decode decompresses a chunk to out, from o to end; what is before it may be copied, as far
// as the dictionary reaches. Behind in is padding. It tells whether all was right.
func (d *decoder) decode(in, out []byte, o, end, dict int) bool {
	if !d.begin(in) {
		return false
	}
	limit := len(in) - padding
	for o < end {
		at := d.pos & (1<<d.pb - 1)
		if d.bit(&d.match[d.state][at]) == 0 {
			d.literal(out, o)
			o++
			d.pos++
		} else {
			length := d.copyLength(at)
			if length == 0 { // a byte again
				length = 1
			}
			distance := int(d.reps[0]) + 1
			if distance > d.pos || distance > dict || length > end-o {
				return false
			}
			repeat(out, o, distance, length)
			o += length
			d.pos += length
		}
		if d.i > limit {
			return false
		}
	}
	d.normalize()
	return d.i == limit && d.code == 0
}

// literal decodes one byte.
func (d *decoder) literal(out []byte, o int) {
	before := byte(0)
	if d.pos > 0 {
		before = out[o-1]
	}
	set := uint(d.pos)&(1<<d.lp-1)<<d.lc | uint(before)>>(8-d.lc)
	probs := &d.literals[set&(maxLiterals-1)]
	if d.state < 7 {
		out[o] = d.plainLiteral(probs)
	} else {
		out[o] = d.matchedLiteral(probs, d.last(out, o))
	}
	switch {
	case d.state < 4:
		d.state = 0
	case d.state < 10:
		d.state -= 3
	default:
		d.state -= 6
	}
}

// last is the byte that the last distance leads to.
func (d *decoder) last(out []byte, o int) byte {
	if at := o - int(d.reps[0]) - 1; at >= 0 {
		return out[at]
	}
	return 0
}

// copyLength decodes what is copied: it sets the distance, and gives the length, which is
// 0 for one byte without a new length.
func (d *decoder) copyLength(at int) int {
	s := d.state
	if d.bit(&d.rep[s]) == 0 {
		d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], d.reps[0]
		length := d.length(&d.lengths, at)
		d.distance(length)
		d.state = after(s, 7, 10)
		return length
	}
	if d.bit(&d.rep0[s]) == 0 {
		if d.bit(&d.rep0Long[s][at]) == 0 {
			d.state = after(s, 9, 11)
			return 0
		}
	} else {
		var distance uint32
		if d.bit(&d.rep1[s]) == 0 {
			distance = d.reps[1]
		} else {
			if d.bit(&d.rep2[s]) == 0 {
				distance = d.reps[2]
			} else {
				distance, d.reps[3] = d.reps[3], d.reps[2]
			}
			d.reps[2] = d.reps[1]
		}
		d.reps[1], d.reps[0] = d.reps[0], distance
	}
	d.state = after(s, 8, 11)
	return d.length(&d.repLength, at)
}

// after is the state that follows: one of two, by whether the last thing was a byte.
func after(s, literal, other int) int {
	if s < 7 {
		return literal
	}
	return other
}

func (d *decoder) length(l *lengths, at int) int {
	if d.bit(&l.choice) == 0 {
		return minMatch + int(d.tree(l.low[at&(maxPosStates-1)][:], 3))
	}
	if d.bit(&l.choice2) == 0 {
		return minMatch + 8 + int(d.tree(l.mid[at&(maxPosStates-1)][:], 3))
	}
	return minMatch + 16 + int(d.tree(l.high[:], 8))
}

// distance decodes a distance less one. That of the marker at the end of LZMA without
// chunks is too far for any dictionary.
func (d *decoder) distance(length int) {
	slot := d.tree(d.slot[min(length-minMatch, lengthStates-1)][:], 6)
	if slot < 4 {
		d.reps[0] = slot
		return
	}
	n := uint(slot>>1 - 1)
	base := (2 | slot&1) << n
	if slot < nearSlots {
		d.reps[0] = base + d.reverse(d.special[base-slot:], n)
		return
	}
	base += d.direct(n-alignBits) << alignBits
	d.reps[0] = base + d.reverse(d.align[:], alignBits)
}

// repeat copies, and may write up to the slack behind.
func repeat(out []byte, o, distance, length int) {
	if distance < 8 || length > slack {
		for end, from := o+length, o-distance; o < end; {
			o += copy(out[o:end], out[from:o])
		}
		return
	}
	from, to := out[o-distance:o-distance+slack], out[o:o+slack]
	for i := 0; i < length; i += 8 {
		binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
	}
}

// A coder is the range decoder.
type coder struct {
	in    []byte
	i     int
	width uint32
	code  uint32
}

// padding is how much may be read behind the end of a chunk before that is noticed.
const padding = 32

func (c *coder) begin(in []byte) bool {
	if len(in) < rangeHeader || in[0] != 0 {
		return false
	}
	c.in, c.i, c.width, c.code = in, rangeHeader, 1<<32-1, binary.BigEndian.Uint32(in[1:])
	return true
}

func (c *coder) normalize() {
	if c.width < topValue {
		c.width, c.code = c.width<<8, c.code<<8|uint32(c.in[c.i])
		c.i++
	}
}

// bit decodes one bit.
func (c *coder) bit(p *prob) uint32 {
	c.normalize()
	bound := c.width >> probBits * uint32(*p)
	if c.code < bound {
		c.width = bound
		*p += (1<<probBits - *p) >> moveBits
		return 0
	}
	c.width -= bound
	c.code -= bound
	*p -= *p >> moveBits
	return 1
}

// The loops below decode a bit without a branch, for nobody can guess what comes:
// zero is all ones for a 0. They keep everything in registers.

// moved is a probability after a bit.
func moved(p prob, zero uint32) prob {
	return p - prob(int32(uint32(p)+zero&(1<<32+1<<moveBits-1-1<<probBits))>>moveBits)
}

// tree decodes a number of n bits, the highest first.
func (c *coder) tree(probs []prob, n uint) uint32 {
	in, i, width, code := c.in, c.i, c.width, c.code
	symbol := uint32(1)
	for symbol < 1<<n {
		if width < topValue {
			width, code = width<<8, code<<8|uint32(in[i])
			i++
		}
		p := &probs[symbol]
		bound := width >> probBits * uint32(*p)
		rest, borrow := bits.Sub32(code, bound, 0)
		zero := -borrow
		*p = moved(*p, zero)
		width, code = width-bound+zero&(2*bound-width), rest+zero&bound
		symbol = symbol<<1 + 1 + zero
	}
	c.i, c.width, c.code = i, width, code
	return symbol - 1<<n
}

// reverse decodes a number of n bits, the lowest first.
func (c *coder) reverse(probs []prob, n uint) uint32 {
	symbol, v := uint32(1), uint32(0)
	for b := range n {
		bit := c.bit(&probs[symbol])
		symbol = symbol<<1 + bit
		v |= bit << b
	}
	return v
}

// direct decodes n bits with even odds.
func (c *coder) direct(n uint) uint32 {
	v := uint32(0)
	for range n {
		c.normalize()
		c.width >>= 1
		rest, borrow := bits.Sub32(c.code, c.width, 0)
		c.code = rest + c.width&-borrow
		v = v<<1 + 1 - borrow
	}
	return v
}

func (c *coder) plainLiteral(probs *[literalSize]prob) byte {
	in, i, width, code := c.in, c.i, c.width, c.code
	symbol := uint32(1)
	for symbol < 1<<8 {
		if width < topValue {
			width, code = width<<8, code<<8|uint32(in[i])
			i++
		}
		p := &probs[symbol]
		bound := width >> probBits * uint32(*p)
		rest, borrow := bits.Sub32(code, bound, 0)
		zero := -borrow
		*p = moved(*p, zero)
		width, code = width-bound+zero&(2*bound-width), rest+zero&bound
		symbol = symbol<<1 + 1 + zero
	}
	c.i, c.width, c.code = i, width, code
	return byte(symbol)
}

// matchedLiteral decodes a byte that follows a copy: it is probably not what would
// have been copied next.
func (c *coder) matchedLiteral(probs *[literalSize]prob, match byte) byte {
	in, i, width, code := c.in, c.i, c.width, c.code
	symbol, offset, other := uint32(1), uint32(0x100), uint32(match)<<1
	for symbol < 1<<8 {
		if width < topValue {
			width, code = width<<8, code<<8|uint32(in[i])
			i++
		}
		bit := other & offset
		other <<= 1
		p := &probs[offset+bit+symbol]
		bound := width >> probBits * uint32(*p)
		rest, borrow := bits.Sub32(code, bound, 0)
		zero := -borrow
		*p = moved(*p, zero)
		width, code = width-bound+zero&(2*bound-width), rest+zero&bound
		symbol = symbol<<1 + 1 + zero
		offset &= bit ^ zero // as long as the bits agree
	}
	c.i, c.width, c.code = i, width, code
	return byte(symbol)
}
