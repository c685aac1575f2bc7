package fat

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// page437 are the characters of the bytes 0x80 to 0xff in code page 437.
const page437 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
	"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0"

// decode437 gives the characters of bytes in code page 437.
func decode437(b []byte) []rune {
	high := []rune(page437)
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
		if c >= 0x80 {
			out[i] = high[c-0x80]
		}
	}
	return out
}

// lower437 is lower case where the code page has the letter.
func lower437(text []rune) []rune {
	for i, r := range text {
		if l := unicode.ToLower(r); l < 0x80 || strings.ContainsRune(page437, l) {
			text[i] = l
		}
	}
	return text
}

// shortName is the name of an entry in 8.3, in the case that its flags say.
// The byte 0x05 stands for 0xe5, which would mean that the entry is free.
func shortName(e []byte) string {
	var work [11]byte
	copy(work[:], e)
	if work[0] == 0x05 {
		work[0] = 0xe5
	}
	const lowerBase, lowerExtension = 0x08, 0x10
	base := shortPart(work[:8], e[12]&lowerBase != 0)
	extension := shortPart(work[8:], e[12]&lowerExtension != 0)
	if extension != "" {
		return base + "." + extension
	}
	return base
}

// shortPart ends at a NUL, and without the blanks that fill it up.
func shortPart(b []byte, lower bool) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	text := decode437(b)
	if lower {
		text = lower437(text)
	}
	return strings.TrimRight(string(text), " ")
}

// checksum ties long names to the short one that they stand for.
func checksum(name []byte) byte {
	var sum byte
	for _, c := range name[:11] {
		sum = sum>>1 | sum<<7
		sum += c
	}
	return sum
}

// decode16 makes UTF-8 of UTF-16 up to a NUL. A surrogate without its partner
// is encoded as a character of its own, which is no UTF-8.
func decode16(units []uint16) string {
	var out []byte
	for i := 0; i < len(units) && units[i] != 0; i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			pair := unicode.ReplacementChar
			if i+1 < len(units) {
				pair = utf16.DecodeRune(r, rune(units[i+1]))
			}
			if pair == unicode.ReplacementChar {
				out = append(out, 0xe0|byte(r>>12), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
				continue
			}
			r = pair
			i++
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
