package canonical

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/assay-os/assay/report"
)

// A form is the digest of a canonical form while it is written. Its digest
// covers the rule's name and version, so that forms of two rules never meet.
type form struct {
	h     hash.Hash
	parts []report.Part
	count int
}

func newForm(r report.Rule) *form {
	f := &form{h: sha256.New()}
	f.fact("rule", r.Name)
	f.fact("version", r.Version)
	return f
}

// fact adds one named value. Strings are quoted, so that no value can be
// taken for two.
func (f *form) fact(name string, value any) {
	if s, ok := value.(string); ok {
		value = fmt.Sprintf("%q", s)
	}
	fmt.Fprintf(f.h, "%s %v\n", name, value)
}

// part adds one named piece by the digest of its own form.
func (f *form) part(name, digest string) {
	f.fact("part", name)
	f.fact("digest", digest)
	f.count++
	if f.count <= MaxParts {
		f.parts = append(f.parts, report.Part{Name: report.Raw(name), Digest: digest})
	}
}

// named is the list of parts for the report: none where they are too many.
func (f *form) named() []report.Part {
	if f.count > MaxParts {
		return nil
	}
	return f.parts
}

func (f *form) digest() string { return hex.EncodeToString(f.h.Sum(nil)) }

// record is the form as the report has it.
func (f *form) record(r report.Rule) *report.Canonical {
	return &report.Canonical{Rule: r.Name, Version: r.Version, Digest: f.digest(), Parts: f.named()}
}
