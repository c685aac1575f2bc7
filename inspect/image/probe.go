package image

import (
	"bytes"
	"fmt"
	"io"

	"github.com/assay-os/assay/report"
)

// A signature tells a kind of content by bytes at a fixed place, as
// libblkid's superblocks do. What has one is named even where no reader for
// it exists, so that a report says what was not read.
type signature struct {
	kind   string
	offset int64
	magic  string
	// uuid and label are where these lie; 0 is nowhere. A UUID is binary.
	uuid  int64
	label int64
	// labelSize bounds the label.
	labelSize int
}

// signatures are in the order in which they are looked for.
func signatures() []signature {
	return []signature{
		{kind: "ntfs", offset: 3, magic: "NTFS    "},
		{kind: "exfat", offset: 3, magic: "EXFAT   "},
	}
}

// probe names the filesystem in r, or the layer; its second result is false for none.
func probe(r io.ReaderAt) (report.Filesystem, bool) {
	for _, l := range layers() {
		if f, ok := l.probe(r); ok {
			return f, true
		}
	}
	for _, reader := range readers() {
		if f, ok := reader.probe(r); ok {
			return f, true
		}
	}
	for _, s := range signatures() {
		if bytes.Equal(bytesAt(r, s.offset, len(s.magic)), []byte(s.magic)) {
			return s.describe(r), true
		}
	}
	return report.Filesystem{}, false
}

func (s signature) describe(r io.ReaderAt) report.Filesystem {
	f := report.Filesystem{Type: s.kind}
	if s.label != 0 {
		label, _, _ := bytes.Cut(bytesAt(r, s.label, s.labelSize), []byte{0})
		f.Label = string(bytes.TrimRight(label, " "))
	}
	if s.uuid != 0 {
		b := bytesAt(r, s.uuid, 16)
		f.UUID = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	}
	return f
}

// bytesAt reads n bytes; those that are not there are zero.
func bytesAt(r io.ReaderAt, off int64, n int) []byte {
	b := make([]byte, n)
	if got, err := r.ReadAt(b, off); err != nil {
		clear(b[got:])
	}
	return b
}
