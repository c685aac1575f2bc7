package inflate

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// A Gzip reads gzip files: RFC 1952. It must not be used concurrently.
type Gzip struct {
	d   Decoder
	r   *bufio.Reader
	out []byte // what copies may reach back to, and what comes next
	o   int    // how much of out is there
	at  int    // how much of it was handed out
	sum uint32
	n   uint32 // bytes of this member, modulo 2^32
	one bool
	err error
}

// gzipRoom is how much is decompressed at once.
const gzipRoom = 64 << 10

// NewGzip reads the header of a file. All its members are read as one content.
func NewGzip(r *bufio.Reader) (*Gzip, error) {
	g := new(Gzip)
	return g, g.Reset(r)
}

// One has the content end with the first member, and leaves the reader behind it,
// if that has a buffer of 512 bytes.
func (g *Gzip) One() { g.one = true }

// Reset begins anew with another file.
func (g *Gzip) Reset(r *bufio.Reader) error {
	if g.out == nil {
		g.out = make([]byte, maxDistance+gzipRoom)
	}
	g.r, g.one, g.err = r, false, nil
	if r.Size() < maxHeader {
		g.r = bufio.NewReader(r) // it would never have a whole header of a block
	}
	return g.begin()
}

// begin reads a member's header: RFC 1952, section 2.3.
func (g *Gzip) begin() error {
	const deflate, hasSum, hasExtra, hasName, hasComment, reserved = 8, 2, 4, 8, 16, 0xe0
	h := header{r: g.r}
	b := h.take(10)
	if h.err == nil && (b[0] != 0x1f || b[1] != 0x8b || b[2] != deflate || b[3]&reserved != 0) {
		return ErrHeader
	}
	if flags := b[3]; h.err == nil {
		if flags&hasExtra != 0 {
			h.skip(int(binary.LittleEndian.Uint16(h.take(2))))
		}
		if flags&hasName != 0 {
			h.text()
		}
		if flags&hasComment != 0 {
			h.text()
		}
		want := uint16(h.sum)
		if flags&hasSum != 0 && binary.LittleEndian.Uint16(h.take(2)) != want && h.err == nil {
			return ErrHeader
		}
	}
	g.d.reset()
	g.o, g.at, g.sum, g.n = 0, 0, 0, 0
	return h.err
}

// A header reads and sums the bytes of a header; after an error it gives zeros.
type header struct {
	r   *bufio.Reader
	sum uint32
	err error
}

func (h *header) take(n int) []byte {
	b := make([]byte, n)
	if h.err == nil {
		if _, h.err = io.ReadFull(h.r, b); h.err != nil {
			clear(b)
		}
	}
	h.sum = crc32.Update(h.sum, crc32.IEEETable, b)
	return b
}

func (h *header) skip(n int) {
	for ; n > 0 && h.err == nil; n -= 512 {
		h.take(min(n, 512))
	}
}

func (h *header) text() {
	for h.err == nil && h.take(1)[0] != 0 {
	}
}

// Read implements io.Reader.
func (g *Gzip) Read(p []byte) (int, error) {
	for g.at == g.o {
		if g.err == nil {
			g.err = g.more()
		}
		if g.err != nil && g.at == g.o {
			return 0, g.err
		}
	}
	n := copy(p, g.out[g.at:g.o])
	g.at += n
	return n, nil
}

// more decompresses what comes next, or goes to the next member.
func (g *Gzip) more() error {
	if g.d.state == atEnd {
		return g.end()
	}
	if g.o == len(g.out) {
		copy(g.out, g.out[g.o-maxDistance:])
		g.o, g.at = maxDistance, maxDistance
	}
	if _, err := g.r.Peek(maxHeader); err != nil && err != io.EOF {
		return err
	}
	in, _ := g.r.Peek(g.r.Buffered()) // as much as there is
	w := window{in: in, last: len(in) < maxHeader, out: g.out, o: g.o}
	err := g.d.run(&w)
	g.sum = crc32.Update(g.sum, crc32.IEEETable, g.out[g.o:w.o])
	g.n += uint32(w.o - g.o)
	g.o = w.o
	if _, lost := g.r.Discard(w.i); lost != nil {
		return lost
	}
	if err == errInput && !w.last {
		err = nil
	}
	return noInput(err)
}

// end compares the sum and the size behind a member, and goes to the next one.
func (g *Gzip) end() error {
	var b [8]byte
	if _, err := io.ReadFull(g.r, b[:]); err != nil {
		return noEOF(err)
	}
	if binary.LittleEndian.Uint32(b[:]) != g.sum || binary.LittleEndian.Uint32(b[4:]) != g.n {
		return ErrChecksum
	}
	if g.one {
		return io.EOF
	}
	return g.begin()
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
