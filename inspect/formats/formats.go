// Package formats is the one list of forms in which a report can be written:
// who adds a form adds a line to [All]. The forms themselves are made by the
// packages report, inspect/show and inspect/sbom; nothing here looks into a report.
package formats

import (
	"io"

	"github.com/assay-os/assay/inspect/imageinfo"
	"github.com/assay-os/assay/inspect/sbom"
	"github.com/assay-os/assay/inspect/show"
	"github.com/assay-os/assay/report"
)

// A Format writes a report in one form.
type Format struct {
	// Name is what --format takes.
	Name string
	// Summary is a clause for the help text.
	Summary string
	Write   func(w io.Writer, r *report.Report, o Options) error
}

// Options are what the forms can be told. Each looks at its own.
type Options struct {
	// Page is for those that people read, SBOM for bills of materials.
	Page show.Options
	SBOM sbom.Options
}

// JSON is the name of the canonical form: the one that all commands read.
const JSON = "json"

// All lists the forms, in the order of the help text.
func All() []Format {
	return []Format{
		{JSON, "the record, as one document", func(w io.Writer, r *report.Report, _ Options) error { return r.Encode(w) }},
		{"jsonl", "the record, a line for each entry and fact", func(w io.Writer, r *report.Report, _ Options) error { return r.EncodeLines(w) }},
		{"text", "a page for people", func(w io.Writer, r *report.Report, o Options) error { return show.Text(w, r, o.Page) }},
		{"html", "the page and all there is behind it, one file for a browser", func(w io.Writer, r *report.Report, _ Options) error { return show.HTML(w, r) }},
		{"mtree", "the files, as mtree(5) has them", func(w io.Writer, r *report.Report, _ Options) error { return show.MTree(w, r) }},
		{"image-info", "what osbuild-image-info writes", func(w io.Writer, r *report.Report, _ Options) error { return imageinfo.Encode(w, r) }},
		{"spdx", "a bill of materials, SPDX 2.3", func(w io.Writer, r *report.Report, o Options) error { return sbom.WriteSPDX(w, r, o.SBOM) }},
		{"spdx3", "SPDX 3.0.1", func(w io.Writer, r *report.Report, o Options) error { return sbom.WriteSPDX3(w, r, o.SBOM) }},
		{"cyclonedx", "CycloneDX 1.6", func(w io.Writer, r *report.Report, o Options) error { return sbom.WriteCycloneDX(w, r, o.SBOM) }},
	}
}

// Names are those of all forms.
func Names() []string {
	var out []string
	for _, f := range All() {
		out = append(out, f.Name)
	}
	return out
}

// Named finds a form; ok is false where there is none of the name.
func Named(name string) (f Format, ok bool) {
	for _, f := range All() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
