package show

import "github.com/assay-os/assay/report"

// A page is what people want to know of a report. It holds text as the report
// does; who writes it makes it safe for where it is shown.
type page struct {
	// Title is what the subject is, Facts what kind of thing holds it.
	Title string   `json:"title"`
	Facts []string `json:"facts"`
	Parts []part   `json:"parts"`
	// Tiles are numbers for a page that has room for them.
	Tiles []fact `json:"tiles"`
}

// A part answers one question.
type part struct {
	Heading string  `json:"heading"`
	Blocks  []block `json:"blocks"`
	// Strip: the partitions can be drawn to scale above the blocks.
	Strip bool `json:"strip,omitempty"`
}

// A block is one of these: the others are nil.
type block struct {
	// Note is a sentence.
	Note *cell `json:"note,omitempty"`
	// Facts are values by their labels.
	Facts []fact `json:"facts,omitempty"`
	Table *table `json:"table,omitempty"`
	// Bars are sizes to compare, the largest first.
	Bars []bar `json:"bars,omitempty"`
}

// A fact is one value, or a list of names of which none is more than another.
type fact struct {
	Label string   `json:"label"`
	Value cell     `json:"value"`
	Names []string `json:"names,omitempty"`
}

type table struct {
	// Heads are the columns' titles. One that begins with ">" is of numbers, one
	// with "+" is left out where there is little room.
	Heads []string `json:"heads"`
	Rows  [][]cell `json:"rows"`
}

type bar struct {
	Label string `json:"label"`
	Bytes int64  `json:"bytes"`
	Text  string `json:"text"`
}

// A cell is a text with what it means for the reader.
type cell struct {
	Text string `json:"text"`
	Tone tone   `json:"tone,omitempty"`
}

// A tone is a judgement: empty is none.
type tone string

const (
	bad  tone = "bad"
	warn tone = "warn"
	good tone = "good"
	soft tone = "soft"
)

func text(s string) cell { return cell{Text: s} }

// row is a table's row of plain texts.
func row(texts ...string) []cell {
	out := make([]cell, len(texts))
	for i, s := range texts {
		out[i].Text = s
	}
	return out
}

// pageOf makes the page. A part without blocks is left out.
func pageOf(r *report.Report) *page {
	p := &page{}
	identity(p, r)
	for _, f := range []func(*report.Report) part{
		disk, container, boots, logins, running, network, setup, contents, intact, odd, notRead,
	} {
		if x := f(r); len(x.Blocks) > 0 {
			p.Parts = append(p.Parts, x)
		}
	}
	return p
}

func (p *part) note(t tone, s string) { p.Blocks = append(p.Blocks, block{Note: &cell{s, t}}) }

// facts adds those that say something.
func (p *part) facts(list ...fact) {
	var b block
	for _, f := range list {
		if f.Value.Text != "" || len(f.Names) > 0 {
			b.Facts = append(b.Facts, f)
		}
	}
	if len(b.Facts) > 0 {
		p.Blocks = append(p.Blocks, b)
	}
}

// table adds one, if it has rows.
func (p *part) table(t table) {
	if len(t.Rows) > 0 {
		p.Blocks = append(p.Blocks, block{Table: &t})
	}
}

// state adds why there is nothing to show for a section, and tells whether
// that is all there is to say.
func (p *part) state(r *report.Report, section, absent string) bool {
	switch s := r.Sections[section]; s.Status {
	case report.Absent:
		p.note(soft, absent)
		return true
	case report.Unread:
		p.note(warn, "not read: "+s.Reason)
		return s.Reason != ""
	}
	return false
}
