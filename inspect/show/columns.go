package show

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/assay-os/assay/report"
)

// printable is a text of the report as a terminal may have it: one line of
// UTF-8 without control and format characters. Some terminals read the byte
// 0x9b as the start of a control sequence.
func printable(s string) string { return report.Printable(strings.ToValidUTF8(s, "\ufffd")) }

// columns is how many a terminal needs for a printable text.
func columns(s string) int {
	n := 0
	for _, c := range s {
		n += columnsOf(c)
	}
	return n
}

func columnsOf(c rune) int {
	switch {
	case c < 0x300:
		return 1
	case unicode.In(c, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// pad fills a text up to a width.
func pad(s string, width int, right bool) string {
	spaces := strings.Repeat(" ", max(0, width-columns(s)))
	if right {
		return spaces + s
	}
	return s + spaces
}

// clip shortens a text to a width.
func clip(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	return s[:prefix(s, width-1)] + "…"
}

// prefix is how many bytes of s fit into a width, one character at least.
func prefix(s string, width int) int {
	used := 0
	for i, c := range s {
		if used += columnsOf(c); used > width && i > 0 {
			return i
		}
	}
	return len(s)
}

// wrap cuts a text into lines of a width: between words, and a word that is
// longer than a line behind a separator, where there is one in its second half.
func wrap(s string, width int) []string {
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(s) {
		n := columns(word)
		if used > 0 && used+1+n <= width {
			line, used = line+" "+word, used+1+n
			continue
		}
		if used > 0 {
			lines = append(lines, line)
		}
		for n > width {
			at := prefix(word, width)
			if i := strings.LastIndexAny(word[:at], "/,:=-_"); i > at/2 {
				at = i + 1
			}
			lines, word = append(lines, word[:at]), word[at:]
			n = columns(word)
		}
		line, used = word, n
	}
	if used > 0 || lines == nil {
		lines = append(lines, line)
	}
	return lines
}

// fit gives columns their widths: as wide as their widest cell, and where
// that is too much, the widest of them less. Numbers are never cut.
func fit(rows [][]cell, heads []string, width int) []int {
	const least = 3
	widths := make([]int, len(heads))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], min(columns(c.Text), width))
		}
	}
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for total > width {
		widest := -1
		for i, w := range widths {
			if !strings.HasPrefix(heads[i], ">") && w > least && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}
