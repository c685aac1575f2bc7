package diff

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"

	"github.com/assay-os/assay/report"
)

// hunkInput is the largest content that is shown as lines: the algorithm's
// time grows with the product of the number of changed lines.
const hunkInput = 64 << 10

// hunkContext is how many equal lines surround a change, as in diff -u.
const hunkContext = 3

// hunks is the unified diff of a changed file's two contents; it is empty
// where a side is not at hand, too large, or no text.
func (get Contents) hunks(c Change) string {
	if get == nil || c.Section != "files" || !slices.Contains(c.Fields, "sha256") || c.Kind != Modified {
		return ""
	}
	a, b := get("a", c.Path), get("b", c.Path)
	if !isText(a) || !isText(b) {
		return ""
	}
	return Unified(c.Path.String(), a, b)
}

// isText refuses what a terminal would not just show, so that hunks need no
// escapes and patch(1) applies them. Joiners and byte order marks belong to
// ordinary text: they move nothing.
func isText(data []byte) bool {
	control := func(c rune) bool {
		return report.Hidden(c) && !strings.ContainsRune("\n\t\u00ad\u200b\u200c\u200d\ufeff", c)
	}
	return len(data) <= hunkInput && utf8.Valid(data) && !bytes.ContainsFunc(data, control)
}

// Unified renders the difference between two texts in the format of diff -u,
// which patch(1) applies. It is empty for equal texts.
func Unified(name string, a, b []byte) string {
	if bytes.Equal(a, b) {
		return ""
	}
	lines := lineDiff(string(a), string(b))
	var out strings.Builder
	name = report.Printable(name)
	fmt.Fprintf(&out, "--- a%s\n+++ b%s\n", name, name)
	for _, h := range cut(lines) {
		h.render(&out, lines)
	}
	return out.String()
}

// A line of the merged text: op is ' ', '-' or '+'.
type line struct {
	op   byte
	text string
}

func lineDiff(a, b string) []line {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the default of one second makes output depend on speed
	ra, rb, table := dmp.DiffLinesToRunes(a, b)
	ops := map[diffmatchpatch.Operation]byte{
		diffmatchpatch.DiffEqual: ' ', diffmatchpatch.DiffDelete: '-', diffmatchpatch.DiffInsert: '+',
	}
	var out []line
	for _, d := range dmp.DiffCharsToLines(dmp.DiffMainRunes(ra, rb, false), table) {
		for text := range strings.Lines(d.Text) {
			out = append(out, line{ops[d.Type], text})
		}
	}
	return out
}

// A hunk is a run of the merged text: from up to, not including, to.
type hunk struct{ from, to int }

// cut finds the hunks: each change with its context, those that touch joined.
func cut(lines []line) []hunk {
	var out []hunk
	for i, l := range lines {
		if l.op == ' ' {
			continue
		}
		h := hunk{max(0, i-hunkContext), min(len(lines), i+1+hunkContext)}
		if n := len(out); n > 0 && h.from <= out[n-1].to {
			out[n-1].to = h.to
		} else {
			out = append(out, h)
		}
	}
	return out
}

// count is how many of lines stand in the first and in the second text.
func count(lines []line) (a, b int) {
	for _, l := range lines {
		if l.op != '+' {
			a++
		}
		if l.op != '-' {
			b++
		}
	}
	return a, b
}

func (h hunk) render(out *strings.Builder, lines []line) {
	beforeA, beforeB := count(lines[:h.from])
	countA, countB := count(lines[h.from:h.to])
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(beforeA, countA), span(beforeB, countB))
	for _, l := range lines[h.from:h.to] {
		text, ended := strings.CutSuffix(l.text, "\n")
		fmt.Fprintf(out, "%c%s\n", l.op, text)
		if !ended {
			out.WriteString("\\ No newline at end of file\n")
		}
	}
}

// span is a range of lines as diff -u writes it: an empty one stands behind
// the line before it.
func span(before, count int) string {
	if count == 0 {
		return fmt.Sprintf("%d,0", before)
	}
	return fmt.Sprintf("%d,%d", before+1, count)
}
