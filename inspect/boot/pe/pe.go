// Package pe reads PE files as far as booting needs it: what machine they are for, their sections,
// the digest that signatures are made over, and the signatures. It trusts nothing: every
// size is compared with the file's before it is used.
//
// It judges no signature: see [File.Signatures].
//
// The form is that of Microsoft's "PE Format", and of "Windows Authenticode Portable Executable
// Signature Format".
package pe

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrNotPE says that a content is no PE file.
var ErrNotPE = errors.New("no PE file")

// The bounds.
const (
	maxSections = 256
	maxHeaders  = 1 << 20
	// MaxSignatures is how much of a table of signatures is read.
	MaxSignatures = 4 << 20
)

// A File is one PE file.
type File struct {
	// Machine and Subsystem are the numbers in the header.
	Machine, Subsystem uint16
	Sections           []Section

	r    io.ReaderAt
	size int64
	// headers is the size of all headers, checksum and directory the places of the two
	// fields that no signature covers.
	headers, checksum, directory int64
	// certs is the table of signatures; it has no length where there is none.
	certs span
}

type span struct{ at, length int64 }

// A Section is one section; its content ends with the file's.
type Section struct {
	Name string
	// Size is that of the content without the padding to the file's alignment.
	Size int64
	raw  span
}

// Open reads the headers.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size}
	dos, err := f.bytes(0, 64)
	if err != nil || string(dos[:2]) != "MZ" {
		return nil, ErrNotPE
	}
	at := int64(binary.LittleEndian.Uint32(dos[60:]))
	coff, err := f.bytes(at, 24)
	if err != nil || string(coff[:4]) != "PE\x00\x00" {
		return nil, ErrNotPE
	}
	f.Machine = binary.LittleEndian.Uint16(coff[4:])
	count, optional := int(binary.LittleEndian.Uint16(coff[6:])), int64(binary.LittleEndian.Uint16(coff[20:]))
	if err := f.optional(at+24, optional); err != nil {
		return nil, err
	}
	return f, f.sections(at+24+optional, count)
}

// bytes reads n bytes that must be there.
func (f *File) bytes(at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || n > maxHeaders+MaxSignatures || at > f.size-n {
		return nil, fmt.Errorf("%w: %d bytes at %d are not there", ErrNotPE, n, at)
	}
	data := make([]byte, n)
	if got, err := f.r.ReadAt(data, at); int64(got) < n {
		return nil, fmt.Errorf("read at %d: %w", at, cmp.Or(err, io.ErrUnexpectedEOF))
	}
	return data, nil
}

// optional reads the header that only an image has.
func (f *File) optional(at, length int64) error {
	if length < 72 {
		return fmt.Errorf("%w: its header has %d bytes", ErrNotPE, length)
	}
	h, err := f.bytes(at, length)
	if err != nil {
		return err
	}
	directories := int64(96)
	switch magic := binary.LittleEndian.Uint16(h); magic {
	case 0x10b:
	case 0x20b:
		directories = 112
	default:
		return fmt.Errorf("%w: its header is of the kind %#x", ErrNotPE, magic)
	}
	f.headers, f.Subsystem, f.checksum = int64(binary.LittleEndian.Uint32(h[60:])), binary.LittleEndian.Uint16(h[68:]), at+64
	if length < directories {
		return nil
	}
	// Of the directories the fifth is the table of signatures.
	if count := binary.LittleEndian.Uint32(h[directories-4:]); count > 4 && length >= directories+40 {
		f.directory = at + directories + 32
		f.certs = span{int64(binary.LittleEndian.Uint32(h[directories+32:])), int64(binary.LittleEndian.Uint32(h[directories+36:]))}
	}
	return nil
}

func (f *File) sections(at int64, count int) error {
	if count > maxSections {
		return fmt.Errorf("%w: it has %d sections", ErrNotPE, count)
	}
	table, err := f.bytes(at, int64(count)*40)
	if err != nil {
		return err
	}
	total := int64(0)
	for ; len(table) > 0; table = table[40:] {
		virtual, raw := int64(binary.LittleEndian.Uint32(table[8:])), span{
			int64(binary.LittleEndian.Uint32(table[20:])), int64(binary.LittleEndian.Uint32(table[16:])),
		}
		if raw.length > 0 && raw.at > f.size-raw.length {
			return fmt.Errorf("%w: a section lies behind its end", ErrNotPE)
		}
		// Sections that overlap could make a small file cost much.
		if total += raw.length; total > 2*f.size {
			return fmt.Errorf("%w: its sections overlap", ErrNotPE)
		}
		size := raw.length
		if virtual > 0 {
			size = min(size, virtual)
		}
		name, _, _ := strings.Cut(string(table[:8]), "\x00")
		f.Sections = append(f.Sections, Section{Name: name, Size: size, raw: raw})
	}
	return nil
}

// Section is the first section of a name, nil for none.
func (f *File) Section(name string) *Section {
	i := slices.IndexFunc(f.Sections, func(s Section) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &f.Sections[i]
}

// Content reads a section.
func (f *File) Content(s *Section) *io.SectionReader {
	return io.NewSectionReader(f.r, s.raw.at, s.Size)
}

// Authenticode is the hex SHA-256 that signatures are made over: the headers without the
// checksum and the place of the signatures, the sections in the order of their places,
// and what follows them before the signatures.
func (f *File) Authenticode() (string, error) {
	h := sha256.New()
	at := int64(0)
	cover := func(from, to int64) error {
		if from > to || to > f.size {
			return fmt.Errorf("%w: its parts overlap", ErrNotPE)
		}
		_, err := io.Copy(h, io.NewSectionReader(f.r, from, to-from))
		return err
	}
	for _, skip := range []span{{f.checksum, 4}, {f.directory, 8}} {
		if skip.at == 0 {
			continue
		}
		if err := cover(at, skip.at); err != nil {
			return "", err
		}
		at = skip.at + skip.length
	}
	if err := cover(at, f.headers); err != nil {
		return "", err
	}
	sum := f.headers
	for _, s := range f.byPlace() {
		if err := cover(s.at, s.at+s.length); err != nil {
			return "", err
		}
		sum += s.length
	}
	if end := f.size - f.certs.length; end > sum {
		if err := cover(sum, end); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// byPlace are the sections' contents in the file's order.
func (f *File) byPlace() []span {
	var list []span
	for _, s := range f.Sections {
		if s.raw.length > 0 {
			list = append(list, s.raw)
		}
	}
	slices.SortStableFunc(list, func(a, b span) int { return cmp.Compare(a.at, b.at) })
	return list
}
