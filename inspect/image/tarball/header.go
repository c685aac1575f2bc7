package tarball

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
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

// foreign are types that are told by their names; any other is unknown.
func foreign(kind byte) string {
	switch kind {
	case 'M':
		return "the rest of a file whose beginning is on another volume"
	case 'N':
		return "a list of long names in the old form of GNU tar"
	case 'A', 'E':
		return "access lists or attributes in the form of Solaris"
	case 'I':
		return "an inode without content in the form of star"
	}
	return fmt.Sprintf("of the unknown type %q", kind)
}

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
	attributes   uint32 // flags of chattr(1)
	// bad are the fields that are no numbers, by their names in extended headers.
	bad map[string]error
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
	var err error
	if h.size, err = number(b[124:136]); err != nil {
		return nil, fmt.Errorf("size: %w", err)
	}
	h.fields(field{"mode", b[100:108], &h.mode}, field{"uid", b[108:116], &h.uid}, field{"gid", b[116:124], &h.gid}, field{"mtime", b[136:148], &seconds})
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
		h.fields(field{devMajor, b[329:337], &h.major}, field{devMinor, b[337:345], &h.minor})
	}
	return h, nil
}

// A field is a number of a header.
type field struct {
	name  string
	bytes []byte
	value *int64
}

// fields reads numbers that do not decide where the next header is; one that is none
// is an error of the member.
func (h *header) fields(list ...field) {
	for _, f := range list {
		v, err := number(f.bytes)
		if err != nil {
			if h.bad == nil {
				h.bad = map[string]error{}
			}
			h.bad[f.name] = err
		}
		*f.value = v
	}
}

// err is what is wrong with the fields that no extended header has replaced.
func (h *header) err() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(h.bad)) {
		errs = append(errs, fmt.Errorf("%s: %w", name, h.bad[name]))
	}
	return fsys.Reasons(errs...)
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
