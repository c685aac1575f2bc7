package show

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// Options are what is known of the reader.
type Options struct {
	// Width is the terminal's number of columns; 0 stands for 80. Below 40 it is 40.
	Width int
	// Colour allows escape sequences.
	Colour bool
}

const (
	defaultWidth = 80
	minWidth     = 40
	roomy        = 140
	// What is more than a page should show of one list.
	maxRows  = 40
	maxNames = 120
	maxLines = 12 // of one cell
	maxBar   = 24
)

// Text writes the page for a terminal. No line is wider than the width, and
// every text of the report is made safe.
func Text(w io.Writer, r *report.Report, o Options) error {
	t := textPage{out: bufio.NewWriter(w), width: max(o.Width, minWidth), colour: o.Colour}
	if o.Width == 0 {
		t.width = defaultWidth
	}
	p := pageOf(r)
	t.lines("", p.Title, strong)
	t.lines("", strings.Join(p.Facts, ", "), "")
	for _, x := range p.Parts {
		t.part(x)
	}
	return t.out.Flush() // it returns the first error of any write
}

// strong is the tone of headings.
const strong tone = "strong"

type textPage struct {
	out    *bufio.Writer
	width  int
	colour bool
}

// write keeps an error for Flush.
func (t *textPage) write(s string) { fmt.Fprint(t.out, s) }

func (t *textPage) part(p part) {
	t.write("\n")
	t.lines("", p.Heading, strong)
	label := 0
	for _, b := range p.Blocks {
		for _, f := range b.Facts {
			label = max(label, columns(printable(f.Label)))
		}
	}
	label = min(label, t.width/3)
	for i, b := range p.Blocks {
		if i > 0 && (b.Table != nil || b.Bars != nil || p.Blocks[i-1].Table != nil) {
			t.write("\n")
		}
		switch {
		case b.Note != nil:
			t.lines("  ", b.Note.Text, b.Note.Tone)
		case b.Table != nil:
			t.table(b.Table)
		case b.Bars != nil:
			t.bars(b.Bars)
		default:
			for _, f := range b.Facts {
				t.fact(f, label)
			}
		}
	}
}

// lines writes a text, in as many lines as it needs, behind an indent.
func (t *textPage) lines(indent, s string, tone tone) {
	for _, line := range wrap(printable(s), t.width-len(indent)) {
		t.write(indent + t.paint(line, tone) + "\n")
	}
}

func (t *textPage) fact(f fact, label int) {
	head := "  " + t.paint(clip(printable(f.Label), label), soft) + strings.Repeat(" ", max(0, label-columns(printable(f.Label)))+2)
	lines := wrap(printable(f.Value.Text), t.width-label-4)
	if len(f.Names) > 0 {
		lines = listed(f.Names, t.width-label-4)
	}
	for _, line := range lines {
		t.write(head + t.paint(line, f.Value.Tone) + "\n")
		head = strings.Repeat(" ", label+4)
	}
}

// listed are names in lines of a width, and how many are left out. Names of
// words stand on lines of their own.
func listed(names []string, width int) []string {
	var lines []string
	line := ""
	for _, n := range names[:min(len(names), maxNames)] {
		n = printable(n)
		if strings.ContainsAny(n, " ") || columns(line)+1+columns(n) > width {
			lines, line = appendLine(lines, line), ""
		}
		if strings.ContainsAny(n, " ") {
			lines = append(lines, wrap(n, width)...)
			continue
		}
		line = strings.TrimSpace(line + " " + n)
	}
	lines = appendLine(lines, line)
	if left := len(names) - maxNames; left > 0 {
		lines = append(lines, "and "+many(left, "other", "others"))
	}
	var out []string
	for _, l := range lines {
		out = append(out, wrap(l, width)...)
	}
	return out
}

func appendLine(lines []string, line string) []string {
	if line == "" {
		return lines
	}
	return append(lines, line)
}

func (t *textPage) bars(bars []bar) {
	number, label := 0, 0
	for _, b := range bars {
		number, label = max(number, columns(b.Text)), max(label, columns(printable(b.Label)))
	}
	room := min(maxBar, t.width-number-label-6)
	for _, b := range bars {
		line := "  " + pad(b.Text, number, true) + "  "
		if room < 4 || bars[0].Bytes == 0 {
			t.write(line + clip(printable(b.Label), t.width-number-4) + "\n")
			continue
		}
		n := int(float64(b.Bytes) / float64(bars[0].Bytes) * float64(room))
		t.write(strings.TrimRight(line+pad(printable(b.Label), label, false)+"  "+t.paint(strings.Repeat("▪", n), soft), " ") + "\n")
	}
}

func (t *textPage) table(x *table) {
	titles := slices.Clone(x.Heads)
	if last := len(titles) - 1; strings.HasPrefix(titles[last], "+") && t.width < roomy {
		titles = titles[:last]
	}
	rows := [][]cell{heads(titles)}
	for _, r := range x.Rows[:min(len(x.Rows), maxRows)] {
		safe := make([]cell, len(titles))
		for i, c := range r[:len(titles)] {
			safe[i] = cell{printable(c.Text), c.Tone}
		}
		rows = append(rows, safe)
	}
	widths := fit(rows, titles, t.width-2)
	for _, r := range rows {
		t.row(r, titles, widths)
	}
	if left := len(x.Rows) - maxRows; left > 0 {
		t.lines("  ", "… and "+many(left, "other", "others"), soft)
	}
}

func heads(list []string) []cell {
	out := make([]cell, len(list))
	for i, h := range list {
		out[i] = cell{strings.TrimLeft(h, ">+"), soft}
	}
	return out
}

// row writes the lines of one row: each cell is wrapped in its column.
func (t *textPage) row(r []cell, heads []string, widths []int) {
	cells, height := make([][]string, len(r)), 0
	for i, c := range r {
		cells[i] = wrap(c.Text, widths[i])
		if len(cells[i]) > maxLines {
			cells[i] = append(cells[i][:maxLines], "…")
		}
		height = max(height, len(cells[i]))
	}
	for n := range height {
		var line, gap strings.Builder
		gap.WriteString("  ")
		for i, lines := range cells {
			s := ""
			if n < len(lines) {
				s = lines[n]
			}
			s = pad(s, widths[i], strings.HasPrefix(heads[i], ">"))
			if strings.TrimSpace(s) != "" {
				bare := strings.TrimRight(s, " ")
				line.WriteString(gap.String() + t.paint(bare, r[i].Tone))
				gap.Reset()
				s = s[len(bare):]
			}
			gap.WriteString(s + "  ")
		}
		t.write(line.String() + "\n")
	}
}

func (t *textPage) paint(s string, tone tone) string {
	codes := map[string]string{string(strong): "1", string(bad): "1;31", string(warn): "33", string(good): "32", string(soft): "2"}
	code := codes[string(tone)]
	if !t.colour || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
