package inflate

import "math/bits"

// The sizes of the alphabets and tables: RFC 1951, section 3.2.
const (
	maxLengths   = 288 // of literals and lengths
	maxDistances = 32
	maxBits      = 15
	maxDistance  = 32 << 10
	maxMatch     = 258
	endOfBlock   = 256
	// A table is looked up by so many bits; longer codes go on in a table of
	// their own behind it. The sizes are powers of two above what zlib's enough.c
	// finds as the most.
	lengthBits, lengthTable     = 11, 4096
	distanceBits, distanceTable = 8, 1024
	headerBits, headerTable     = 7, 128
)

// An entry says what a code stands for: in the low 8 bits how many bits it takes
// with the extra ones, in the next 4 how many without them, in 15 more the value,
// and above what kind of thing it is.
type entry uint32

const (
	isLiteral entry = 1 << 31
	isEnd     entry = 1 << 30
	isTable   entry = 1 << 29 // the value is where it begins, the low byte how many bits choose there
	isBad     entry = 1 << 28 // no code
	// The fields.
	valueAt, valueMask = 12, 1<<15 - 1
	plainAt, plainMask = 8, 1<<4 - 1
	bitsMask           = 1<<6 - 1
)

func (e entry) value() int { return int(e >> valueAt & valueMask) }

// huffman are the two codes of a block.
type huffman struct {
	lengths   [lengthTable]entry
	distances [distanceTable]entry
	// plain says that the codes are the fixed ones already.
	plain bool
	// work is for the making of tables.
	work struct {
		sizes   [maxLengths + maxDistances]uint8
		sorted  [maxLengths]uint16
		symbols [headerTable]entry
	}
}

// makeTable fills a table for codes of the given sizes in bits: RFC 1951, section
// 3.2.2. Symbol gives the entry of each. It refuses what is no whole code, but for
// none, and where single says so for one of a single bit.
func makeTable(table []entry, first uint, sizes []uint8, sorted *[maxLengths]uint16, symbol func(int) entry, single bool) bool {
	var count, next [maxBits + 2]int
	for _, s := range sizes {
		count[s]++
	}
	most, space, used := 0, 1, 0
	count[0] = 0
	for n := 1; n <= maxBits; n++ {
		space = space<<1 - count[n]
		if space < 0 {
			return false
		}
		next[n+1] = next[n] + count[n]
		if count[n] > 0 {
			most, used = n, used+count[n]
		}
	}
	if space > 0 && most > 0 && (used > 1 || most > 1 || !single) {
		return false
	}
	for s, n := range sizes {
		if n > 0 {
			sorted[next[n]] = uint16(s)
			next[n]++
		}
	}
	for i := range table[:1<<first] {
		table[i] = isBad
	}
	t := filler{table: table, first: first, free: 1 << first, prefix: -1}
	code, at := 0, 0
	for n := 1; n <= most; n++ {
		for range count[n] {
			reversed := int(bits.Reverse16(uint16(code)) >> (16 - n))
			t.set(reversed, uint(n), symbol(int(sorted[at])), count[:], most)
			at++
			code++
			count[n]--
		}
		code <<= 1
	}
	return true
}

// A filler writes the entries of a table.
type filler struct {
	table  []entry
	first  uint
	free   int // where the next table begins
	prefix int // of the table that is filled
	start  int
	bits   uint
}

// set writes the entry of a code of n bits wherever these are the lowest ones.
// Count are the codes of each size that are still to come, with this one.
func (t *filler) set(code int, n uint, e entry, count []int, most int) {
	e += entry(n)<<plainAt + entry(n)
	if n <= t.first {
		for i := code; i < 1<<t.first; i += 1 << n {
			t.table[i] = e
		}
		return
	}
	if prefix := code & (1<<t.first - 1); prefix != t.prefix {
		t.begin(prefix, n, count, most)
	}
	for i := code >> t.first; i < 1<<t.bits; i += 1 << (n - t.first) {
		t.table[t.start+i] = e
	}
}

// begin makes room for a table: as many bits as the codes to come can fill.
func (t *filler) begin(prefix int, n uint, count []int, most int) {
	t.bits = n - t.first
	for left := 1 << t.bits; int(t.bits+t.first) < most; {
		if left -= count[t.bits+t.first]; left <= 0 {
			break
		}
		t.bits++
		left <<= 1
	}
	t.prefix, t.start = prefix, t.free
	t.free += 1 << t.bits
	t.table[prefix] = isTable | entry(t.start)<<valueAt | entry(t.bits)
}

// lengthEntry is that of a symbol of the first alphabet: RFC 1951, section 3.2.5.
func lengthEntry(s int) entry {
	switch {
	case s < endOfBlock:
		return isLiteral | entry(s)<<valueAt
	case s == endOfBlock:
		return isEnd
	case s < 265:
		return entry(s-257+3) << valueAt
	case s == 285:
		return maxMatch << valueAt
	case s > 285:
		return isBad
	}
	extra := entry(s-261) >> 2
	return (3+(4+entry(s-261)&3)<<extra)<<valueAt | extra
}

// distanceEntry is that of a symbol of the second. Its value lacks one, so that
// it fits.
func distanceEntry(s int) entry {
	switch {
	case s < 4:
		return entry(s) << valueAt
	case s > 29:
		return isBad
	}
	extra := entry(s-2) >> 1
	return (2+entry(s)&1)<<extra<<valueAt | extra
}

// fixed sets the codes of RFC 1951, section 3.2.6.
func (h *huffman) fixed() {
	if h.plain {
		return
	}
	sizes := h.work.sizes[:maxLengths]
	for s := range sizes {
		switch {
		case s >= 144 && s < 256:
			sizes[s] = 9
		case s >= 256 && s < 280:
			sizes[s] = 7
		default:
			sizes[s] = 8
		}
	}
	makeTable(h.lengths[:], lengthBits, sizes, &h.work.sorted, lengthEntry, true)
	sizes = h.work.sizes[:maxDistances]
	for s := range sizes {
		sizes[s] = 5
	}
	makeTable(h.distances[:], distanceBits, sizes, &h.work.sorted, distanceEntry, true)
	h.plain = true
}
