package canonical

// lzma2Chunks follows the chunks of LZMA2 data while it is read. The library
// does not notice a chunk that says it is longer than it is; xz(1) does, and a
// content that xz refuses must not have the form of one that it takes.
type lzma2Chunks struct {
	r *counter
	// header collects a chunk's header, left is what remains of its data.
	header []byte
	left   int64
	ended  bool
}

func (c *lzma2Chunks) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.follow(b)
	}
	return b, err
}

func (c *lzma2Chunks) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if skip := min(c.left, int64(len(rest))); skip > 0 {
			c.left -= skip
			rest = rest[skip:]
			continue
		}
		c.follow(rest[0])
		rest = rest[1:]
	}
	return n, err
}

// follow takes the next byte: of the data, or of the next chunk's header. A
// header's first byte says what it is: 0 the end, 1 and 2 plain data of a
// size, from 0x80 compressed data with both sizes, from 0xc0 with properties.
func (c *lzma2Chunks) follow(b byte) {
	if c.left > 0 {
		c.left--
		return
	}
	if c.ended = b == 0 && len(c.header) == 0; c.ended {
		return
	}
	c.header = append(c.header, b)
	h := c.header
	switch {
	case h[0] < 0x80 && len(h) == 3:
		c.left = int64(h[1])<<8 + int64(h[2]) + 1
	case h[0] >= 0xc0 && len(h) == 6, h[0] >= 0x80 && h[0] < 0xc0 && len(h) == 5:
		c.left = int64(h[3])<<8 + int64(h[4]) + 1
	default:
		return
	}
	c.header = c.header[:0]
}
