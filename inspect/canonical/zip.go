package canonical

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/assay-os/assay/report"
)

// zipRule is the rule for zip archives: jar, whl, egg, odt.
func zipRule() Rule {
	return Rule{
		Rule: report.Rule{Name: "zip", Version: 1,
			Reason: "programs find members by name; the order (but for a member that must come first), the times and how members were compressed do not change what they read",
			Source: "APPNOTE.TXT 6.3.10, sections 4.3 and 4.4"},
		Match: func(_ *report.Entry, head []byte) bool {
			return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
		},
		canonicalise: canonicalZip,
	}
}

func canonicalZip(ctx context.Context, in *Input, f *form) error {
	content := &directoryReader{ReaderAt: in.Content, left: maxDirectory}
	r, err := zip.NewReader(content, in.Content.Size())
	if err != nil {
		return corrupt(err)
	}
	content.done = true
	walk, err := walkZip(in.Content, in.Content.Size(), r.File)
	if err != nil {
		return err
	}
	files := slices.Clone(r.File)
	slices.SortStableFunc(files, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	f.fact("comment", r.Comment)
	f.fact("first", walk.leads())
	for _, z := range files {
		m, err := zipMember(ctx, in, z)
		if err != nil {
			return corrupt(err)
		}
		// The upper half holds what Unix calls the mode; the host says whether it counts.
		f.fact("attributes", fmt.Sprintf("%d %#x encrypted %t", z.CreatorVersion>>8, z.ExternalAttrs, z.Flags&1 != 0))
		f.fact("utf-8", z.Flags&zipUTF8 != 0)
		f.fact("extra", zipExtra(z.Extra)+"; "+walk.extra[z])
		f.fact("comment", z.Comment)
		f.part(z.Name, m.digest)
	}
	return nil
}

// maxDirectory bounds what is read to learn the members' names: the library
// holds all of them in memory.
const maxDirectory = 16 << 20

// A directoryReader bounds the reading until the directory is read.
type directoryReader struct {
	io.ReaderAt
	left int64
	done bool
}

func (d *directoryReader) ReadAt(p []byte, off int64) (int, error) {
	if d.left -= int64(len(p)); d.left < 0 && !d.done {
		return 0, fmt.Errorf("%w: a directory of more than %d bytes", ErrLimit, maxDirectory)
	}
	return d.ReaderAt.ReadAt(p, off)
}

func zipMember(ctx context.Context, in *Input, z *zip.File) (meaning, error) {
	if z.Flags&1 != 0 {
		return meaning{}, malformed("%s: it is encrypted", report.Raw(z.Name))
	}
	body, err := z.Open()
	if err != nil {
		return meaning{}, err
	}
	defer body.Close()
	m, err := in.member(ctx, z.Name, body)
	if err != nil {
		return meaning{}, err
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return meaning{}, err
	}
	return m, nil
}
