package tarball

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const blockSize = 512

// The types of members: pax(1), and the GNU tar manual for the letters.
const (
	typeFile       = '0'
	typeOldFile    = 0
	typeHardLink   = '1'
	typeSymlink    = '2'
	typeChar       = '3'
	typeBlock      = '4'
	typeDirectory  = '5'
	typeFIFO       = '6'
	typeContiguous = '7'
	typePax        = 'x'
	typePaxSolaris = 'X'
	typePaxGlobal  = 'g'
	typeGNUName    = 'L'
	typeGNULink    = 'K'
	typeGNUSparse  = 'S'
	typeGNUDump    = 'D'
	typeGNULabel   = 'V'
)

// A header is one decoded block, with what extended headers say instead.
type header struct {
	raw          []byte
	kind         byte
	name, link   string
	mode         int64
	uid, gid     int64
	size         int64 // of the data in the archive
	mtime        time.Time
	major, minor int64
	gnu          bool
}

// IsHeader tells whether a block is a header: its checksum matches.
func IsHeader(b []byte) bool {
	if len(b) < blockSize || bytes.Count(b[:blockSize], []byte{0}) == blockSize {
		return false
	}
	want, err := number(b[148:156])
	if err != nil {
		return false
	}
	var unsigned, signed int64
	for i, c := range b[:blockSize] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}

// parseHeader decodes a block whose checksum matches.
func parseHeader(b []byte) (*header, error) {
	h := &header{raw: b, kind: b[156], name: text(b[:100]), link: text(b[157:257])}
	var seconds int64
	for _, f := range []struct {
		name  string
		value *int64
		bytes []byte
	}{
		{"mode", &h.mode, b[100:108]}, {"uid", &h.uid, b[108:116]}, {"gid", &h.gid, b[116:124]},
		{"size", &h.size, b[124:136]}, {"mtime", &seconds, b[136:148]},
	} {
		v, err := number(f.bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		*f.value = v
	}
	h.mtime = time.Unix(seconds, 0).UTC()
	switch magic := string(b[257:265]); {
	case magic == "ustar  \x00":
		h.gnu = true
	case strings.HasPrefix(magic, "ustar"):
		prefix := b[345:500]
		if string(b[508:512]) == "tar\x00" { // star keeps times at the end
			prefix = b[345:476]
		}
		if p := text(prefix); p != "" {
			h.name = p + "/" + h.name
		}
	}
	if h.kind == typeChar || h.kind == typeBlock {
		var err1, err2 error
		h.major, err1 = number(b[329:337])
		h.minor, err2 = number(b[337:345])
		return h, errors.Join(err1, err2)
	}
	return h, nil
}

// text is a field up to its first NUL.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// number decodes octal digits, or GNU's big-endian two's complement when the
// first bit is set.
func number(b []byte) (int64, error) {
	if b[0]&0x80 != 0 {
		return binaryNumber(b)
	}
	s := strings.Trim(string(b), " \x00")
	s, _, _ = strings.Cut(s, "\x00")
	if s = strings.TrimSpace(s); s == "" {
		return 0, nil
	}
	v, err := strconv.ParseInt(s, 8, 64)
	if err != nil || v < 0 {
		return 0, fmt.Errorf("%q are no octal digits", b)
	}
	return v, nil
}

func binaryNumber(b []byte) (int64, error) {
	fill := byte(0)
	if b[0]&0x40 != 0 {
		fill = 0xff
	}
	first := b[0] | 0x80
	if fill == 0 {
		first = b[0] &^ 0x80
	}
	digits := append([]byte{first}, b[1:]...)
	for len(digits) > 8 {
		if digits[0] != fill {
			return 0, fmt.Errorf("the number %x is too large", b)
		}
		digits = digits[1:]
	}
	v := int64(int8(fill))
	for _, d := range digits {
		v = v<<8 | int64(d)
	}
	if (v < 0) != (fill == 0xff) {
		return 0, fmt.Errorf("the number %x is too large", b)
	}
	return v, nil
}
