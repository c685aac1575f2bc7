package canonical

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"path"
	"strings"

	"github.com/assay-os/assay/report"
)

// pyc is the rule for Python's compiled modules.
func pyc() Rule {
	return Rule{
		Rule: report.Rule{Name: "pyc", Version: 1,
			Reason: "the interpreter takes the code if the header fits the source, whatever the time in it; how often the code refers to one object, and the order of a set, say nothing",
			Source: "PEP 552; CPython, Python/marshal.c and Lib/importlib/_bootstrap_external.py"},
		Match: func(e *report.Entry, head []byte) bool {
			return strings.HasSuffix(string(e.Path), ".pyc") && len(head) >= 16 && string(head[2:4]) == "\r\n"
		},
		canonicalise: canonicalPyc,
	}
}

const (
	pycHeader = 16
	maxPyc    = 64 << 20
)

func canonicalPyc(_ context.Context, in *Input, f *form) error {
	if in.Content.Size() > maxPyc {
		return ErrLimit
	}
	data, err := io.ReadAll(in.reader())
	if err != nil {
		return err
	}
	if len(data) < pycHeader {
		return malformed("%d bytes are less than a header", len(data))
	}
	magic := binary.LittleEndian.Uint16(data)
	flags := binary.LittleEndian.Uint32(data[4:])
	f.fact("magic", magic)
	f.fact("flags", flags)
	switch flags {
	case 0:
		f.fact("source", in.pycSource(data))
	case 1, 3:
		f.fact("source hash", hexSum(data[8:16]))
	default:
		return malformed("flags %#x", flags)
	}
	code, err := pycCode(magic, data[pycHeader:])
	if err != nil {
		return err
	}
	f.part("code", code)
	return nil
}

// pycCode is the digest of the code. Where the layout of code objects is not
// known, its bytes are its meaning.
func pycCode(magic uint16, data []byte) (string, error) {
	layout := codeLayout(magic)
	if layout == "" {
		return hexSum(data), nil
	}
	m := &marshal{r: bytes.NewReader(data), layout: layout}
	code, err := m.object(0)
	if err != nil {
		return "", err
	}
	if m.r.Len() > 0 {
		return "", malformed("%d bytes behind the code", m.r.Len())
	}
	return code, nil
}

// pycSource tells whether the interpreter would take the code: only if time
// and size in the header are the source's. It replaces the time by this.
func (in *Input) pycSource(data []byte) string {
	if in.Lookup == nil {
		// Nothing to compare with: the time itself stays.
		return "header " + hexSum(data[8:16])
	}
	mtime, size := binary.LittleEndian.Uint32(data[8:]), binary.LittleEndian.Uint32(data[12:])
	source := in.Lookup(pySource(string(in.Entry.Path)))
	switch {
	case source == nil:
		return "absent"
	case source.Type != report.File:
		return "header " + hexSum(data[8:16]) + " of a " + string(source.Type)
	case uint32(source.Mtime.Unix()) == mtime && uint32(source.Size) == size:
		return "valid"
	default:
		return "stale"
	}
}

// pySource is the source of a compiled module, relative to the module's
// directory: PEP 3147's __pycache__/NAME.TAG.pyc, or NAME.pyc beside it.
func pySource(compiled string) string {
	base := strings.TrimSuffix(path.Base(compiled), ".pyc")
	if path.Base(path.Dir(compiled)) != "__pycache__" {
		return base + ".py"
	}
	name, _, _ := strings.Cut(base, ".")
	return "../" + name + ".py"
}
