package show

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"strings"

	"github.com/assay-os/assay/report"
)

// The page without its data. It loads nothing, and its script shows the data
// as text, never as markup.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
	//go:embed page/files.js
	filesJS string
)

// HTML writes the page for a browser as one file: what [Text] says, and behind it
// all packages, files and records to search and unfold.
func HTML(w io.Writer, r *report.Report) error {
	out := bufio.NewWriterSize(w, 64<<10)
	rest := *r
	rest.Files = nil
	p := pageOf(r)
	p.Tiles = tiles(r)
	parts := map[string]func() error{
		"@STYLE@":  func() error { return verbatim(out, pageCSS) },
		"@SCRIPT@": func() error { return verbatim(out, pageJS+filesJS) },
		"@PAGE@":   func() error { return island(out, p) },
		"@REPORT@": func() error { return island(out, &rest) },
		"@FILES@":  func() error { return columnsHTML(out, r.Files) },
	}
	text := pageHTML
	for {
		before, after, ok := strings.Cut(text, "@")
		if err := verbatim(out, before); err != nil || !ok {
			return flush(out, err)
		}
		name, rest, _ := strings.Cut(after, "@")
		if err := parts["@"+name+"@"](); err != nil {
			return err
		}
		text = rest
	}
}

func flush(w *bufio.Writer, err error) error {
	if err != nil {
		return err
	}
	return w.Flush()
}

func verbatim(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

// island writes data for an element of the page. The encoder escapes <, > and &,
// so that no text can end the element.
func island(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(report.EscapeJSON(data))
	return err
}
