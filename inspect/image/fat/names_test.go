package fat_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// short is an entry in 8.3 for an empty file.
func short(name string, attr, lcase byte) []byte {
	e := make([]byte, 32)
	copy(e, name)
	e[11], e[12] = attr, lcase
	return e
}

// long are the slots of a long name before the entry e, which they check.
func long(units []uint16, e []byte) []byte {
	var sum byte
	for _, c := range e[:11] {
		sum = (sum>>1 | sum<<7) + c
	}
	units = append(slices.Clone(units), 0)
	for len(units)%13 != 0 {
		units = append(units, 0xffff)
	}
	var out []byte
	for n := len(units) / 13; n > 0; n-- {
		slot := make([]byte, 32)
		slot[0], slot[11], slot[13] = byte(n), 0x0f, sum
		if n == len(units)/13 {
			slot[0] |= 0x40
		}
		for i, u := range units[(n-1)*13 : n*13] {
			at := []int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}[i]
			binary.LittleEndian.PutUint16(slot[at:], u)
		}
		out = append(out, slot...)
	}
	return append(out, e...)
}

// What Linux shows of directories that no tool writes: fs/fat/dir.c.
func TestHandmadeNames(t *testing.T) {
	alias := short("ALIAS~1 TXT", 0x20, 0)
	text := func(s string) []byte { return long(utf16.Encode([]rune(s)), alias) }
	broken := func(change func(b []byte)) []byte {
		b := text("a long name of three slots, more")
		change(b)
		return b
	}
	for name, c := range map[string]struct {
		dir  []byte
		want string
	}{
		"upper case":          {short("NAME    TXT", 0, 0), "NAME.TXT"},
		"lower base":          {short("NAME    TXT", 0, 8), "name.TXT"},
		"lower extension":     {short("NAME    TXT", 0, 16), "NAME.txt"},
		"no extension":        {short("NAME       ", 0, 24), "name"},
		"blank inside":        {short("A B     T T", 0, 0), "A B.T T"},
		"only an extension":   {short("        TXT", 0, 0), ".TXT"},
		"kanji":               {short("\x05BC     TXT", 0, 0), "σBC.TXT"},
		"code page 437":       {short("\x8e\x99\x9a\xe1\x9b   ", 0, 0), "ÄÖÜß¢"},
		"lower 437":           {short("\x8e\x99\x9a\xe4\xe2      ", 0, 8), "äöüσΓ"},
		"label":               {short("LABEL      ", 8, 0), ""},
		"deleted":             {short("\xe5AME    TXT", 0, 0), ""},
		"surrogates":          {text("smile 😀 all"), "smile 😀 all"},
		"half a pair":         {long([]uint16{'a', 0xd83d, 'b'}, alias), "a\xed\xa0\xbdb"},
		"the other half":      {long([]uint16{'a', 0xde00}, alias), "a\xed\xb8\x80"},
		"thirteen":            {text("exactly 13 ch"), "exactly 13 ch"},
		"255":                 {text(strings.Repeat("ü", 255)), strings.Repeat("ü", 255)},
		"wrong checksum":      {broken(func(b []byte) { b[96] = 'B' }), "BLIAS~1.TXT"},
		"checksums differ":    {broken(func(b []byte) { b[32+13]++ }), "ALIAS~1.TXT"},
		"slot missing":        {broken(func(b []byte) { b[32] = 7 }), "ALIAS~1.TXT"},
		"no first slot":       {text("a long name of three slots, more")[32:], "ALIAS~1.TXT"},
		"orphan before other": {append(text("orphan")[:32], short("OTHER   TXT", 0, 0)...), "OTHER.TXT"},
		"long of a label":     {long(utf16.Encode([]rune("x")), short("LABEL      ", 8, 0)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := smallVolume(t)
			clear(v.data[v.root:v.clusters])
			copy(v.data[v.root:], c.dir)
			got := v.list(t)
			if strings.Contains(got["/"], "!") {
				t.Error(got["/"])
			}
			delete(got, "/")
			if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || got["/"+c.want] == "") {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Times by the numbers on the disk, those that no calendar has as Linux reckons.
func TestTimes(t *testing.T) {
	date := func(y, m, d int) uint16 { return uint16((y-1980)<<9 | m<<5 | d) }
	for want, c := range map[string][2]uint16{
		"1980-01-01T00:00:00Z": {0, 0},
		"2000-02-29T23:59:58Z": {date(2000, 2, 29), 23<<11 | 59<<5 | 29},
		"2100-02-28T00:00:00Z": {date(2100, 2, 28), 0},
		"2100-03-01T00:00:00Z": {date(2100, 3, 1), 0},
		"2101-01-01T00:00:00Z": {date(2101, 1, 1), 0},
		"2107-12-31T12:00:02Z": {date(2107, 12, 31), 12<<11 | 1},
		"2001-03-03T00:00:00Z": {date(2001, 2, 31), 0},
		"2001-01-02T07:03:02Z": {date(2001, 1, 1), 31<<11 | 3<<5 | 1},
	} {
		v := smallVolume(t)
		e := v.entry("C")
		binary.LittleEndian.PutUint16(e[22:], c[1])
		binary.LittleEndian.PutUint16(e[24:], c[0])
		if got := v.list(t)["/c"]; !strings.Contains(got, " "+want+" ") {
			t.Errorf("%q, want %s", got, want)
		}
	}
}
