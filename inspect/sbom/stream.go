package sbom

import (
	"bytes"
	"fmt"
	"io"
	"iter"

	"github.com/assay-os/assay/report"
)

// A list is a long list of a document, which is written element by element:
// the document is never in memory as a whole.
type list struct {
	// mark is how the encoder writes the list without its elements.
	mark     string
	name     string
	elements iter.Seq[any]
}

// writeDocument writes doc, indented, with each list in the place of its mark, in
// the order of the document. A mark begins with a line's end, which no text in the
// document can hold.
func writeDocument(w io.Writer, doc any, lists ...list) error {
	var buf bytes.Buffer
	if err := report.NewEncoder(&buf, "  ").Encode(doc); err != nil {
		return err
	}
	rest := buf.Bytes()
	for _, l := range lists {
		before, after, ok := bytes.Cut(rest, []byte("\n  \""+l.name+"\": "+l.mark))
		if !ok {
			return fmt.Errorf("write document: it has no place for %s", l.name)
		}
		if _, err := w.Write(before); err != nil {
			return err
		}
		if err := l.write(w); err != nil {
			return err
		}
		rest = after
	}
	_, err := w.Write(rest)
	return err
}

func (l list) write(w io.Writer) error {
	if _, err := io.WriteString(w, "\n  \""+l.name+"\": ["); err != nil {
		return err
	}
	var buf bytes.Buffer
	e := report.NewEncoder(&buf, "")
	before, end := "\n    ", "]"
	for x := range l.elements {
		buf.Reset()
		buf.WriteString(before)
		if err := e.Encode(x); err != nil {
			return fmt.Errorf("write %s: %w", l.name, err)
		}
		if _, err := w.Write(bytes.TrimRight(buf.Bytes(), "\n")); err != nil {
			return err
		}
		before, end = ",\n    ", "\n  ]"
	}
	_, err := io.WriteString(w, end)
	return err
}
