// Package lzo decompresses blocks of LZO1X, the format without a header that
// btrfs and squashfs store. It does not compress, and does not read lzop(1)
// files or the kernel's run-length variant (lzo-rle).
//
//	n, err := lzo.Decompress(dst, src)
//
// The format is that of the kernel's Documentation/staging/lzo.rst: a chain of
// instructions, each of which copies from what was written before, and then
// takes bytes as they are.
package lzo

import "errors"

// The errors of a block. None of them leaves dst undefined: what was written
// before stays.
var (
	ErrTruncated = errors.New("lzo: the block ends within an instruction")
	ErrOverrun   = errors.New("lzo: the block holds more than the room for it")
	ErrDistance  = errors.New("lzo: a copy starts before the first byte")
	ErrTrailing  = errors.New("lzo: bytes follow the end of the block")
)

// Decompress writes the content of one block to dst and returns how many bytes
// that are. It never writes beyond dst or reads beyond src, whatever they hold.
func Decompress(dst, src []byte) (int, error) {
	d := decoder{dst: dst, src: src}
	err := d.run()
	return d.at, err
}

// manyLiterals is the state after four and more bytes were taken as they are; smaller
// states are the number of such bytes.
const manyLiterals = 4

type decoder struct {
	dst, src []byte
	at       int // in dst
	state    int
}

func (d *decoder) run() error {
	if len(d.src) > 0 && d.src[0] > 17 { // only the first byte means this
		n := int(d.src[0]) - 17
		d.src = d.src[1:]
		if err := d.literals(n); err != nil {
			return err
		}
		d.state = min(n, manyLiterals)
	}
	for {
		end, err := d.step()
		if err != nil {
			return err
		}
		if end {
			if len(d.src) > 0 {
				return ErrTrailing
			}
			return nil
		}
	}
}

// step follows one instruction; true is the end of the block.
func (d *decoder) step() (bool, error) {
	b, err := d.next()
	if err != nil {
		return false, err
	}
	switch op := int(b); {
	case op >= 64:
		return false, d.near(op)
	case op >= 32:
		return false, d.middle(op)
	case op >= 16:
		return d.far(op)
	case d.state == 0:
		n, err := d.length(op, 15)
		if err != nil {
			return false, err
		}
		d.state = manyLiterals
		return false, d.literals(n + 3)
	default:
		return false, d.short(op)
	}
}

// near copies 3 to 8 bytes from within 2 KiB.
func (d *decoder) near(op int) error {
	high, err := d.next()
	if err != nil {
		return err
	}
	n := op>>5 + 1 // 5 to 8
	if op < 128 {
		n = 3 + op>>5&1
	}
	return d.match(int(high)<<3+op>>2&7+1, n, op&3)
}

// middle copies from within 16 KiB.
func (d *decoder) middle(op int) error {
	n, err := d.length(op&31, 31)
	if err != nil {
		return err
	}
	word, err := d.word()
	if err != nil {
		return err
	}
	return d.match(word>>2+1, n+2, word&3)
}

// far copies from 16 to 48 KiB before; its smallest distance is the end.
func (d *decoder) far(op int) (bool, error) {
	n, err := d.length(op&7, 7)
	if err != nil {
		return false, err
	}
	word, err := d.word()
	if err != nil {
		return false, err
	}
	distance := 16384 + op>>3&1<<14 + word>>2
	if distance == 16384 {
		return true, nil
	}
	return false, d.match(distance, n+2, word&3)
}

// short copies 2 bytes from within 1 KiB, or 3 from the kilobyte after the second.
func (d *decoder) short(op int) error {
	high, err := d.next()
	if err != nil {
		return err
	}
	distance := int(high)<<2 + op>>2 + 1
	if d.state == manyLiterals {
		return d.match(distance+2048, 3, op&3)
	}
	return d.match(distance, 2, op&3)
}

// match copies n bytes from distance before, then takes up to three as they are.
func (d *decoder) match(distance, n, literals int) error {
	from := d.at - distance
	if from < 0 {
		return ErrDistance
	}
	if n > len(d.dst)-d.at {
		return ErrOverrun
	}
	for end := d.at + n; d.at < end; { // what is written may be what is copied
		d.at += copy(d.dst[d.at:end], d.dst[from:d.at])
	}
	d.state = literals
	return d.literals(literals)
}

func (d *decoder) literals(n int) error {
	if n > len(d.src) {
		return ErrTruncated
	}
	if n > len(d.dst)-d.at {
		return ErrOverrun
	}
	d.at += copy(d.dst[d.at:], d.src[:n])
	d.src = d.src[n:]
	return nil
}

// length reads a length whose bits in the instruction are low: zero stands for base, 255
// for every zero byte that follows, and a byte that is not zero.
func (d *decoder) length(low, base int) (int, error) {
	if low != 0 {
		return low, nil
	}
	for n := base; ; n += 255 {
		b, err := d.next()
		if err != nil {
			return 0, err
		}
		if b != 0 {
			return n + int(b), nil
		}
		if n > len(d.dst) {
			return 0, ErrOverrun
		}
	}
}

func (d *decoder) next() (byte, error) {
	if len(d.src) == 0 {
		return 0, ErrTruncated
	}
	b := d.src[0]
	d.src = d.src[1:]
	return b, nil
}

func (d *decoder) word() (int, error) {
	if len(d.src) < 2 {
		return 0, ErrTruncated
	}
	w := int(d.src[0]) | int(d.src[1])<<8
	d.src = d.src[2:]
	return w, nil
}
