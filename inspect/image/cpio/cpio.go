// Package cpio reads cpio archives as trees: newc, crc and odc, the portable forms, and
// the old binary one in both orders of bytes (cpio(5) of FreeBSD; Linux,
// Documentation/driver-api/early-userspace/buffer-format.rst).
//
// Headers are read once, contents where they lie. Names are put together as those of
// a tar are: see package tarball. Files of one inode number and more than one link
// are hard links, whichever of them carries the content. The sums of the form crc are
// verified when the archive is opened.
//
// Archives may follow each other, with zeros between them, and the last of them may be
// compressed, as in what the kernel unpacks at boot. They become one tree: later
// members win, and links do not reach from one archive to another.
package cpio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/tarball"
	"github.com/assay-os/assay/report"
)

// The forms by their first bytes.
const (
	newc = "070701"
	crc  = "070702"
	odc  = "070707"
)

const (
	newcSize = 110
	odcSize  = 76
	trailer  = "TRAILER!!!"
	// maxTarget bounds a symbolic link's target.
	maxTarget = 64 << 10
)

// Detect tells whether a file begins as an archive.
func Detect(head []byte) bool {
	return detectBinary(head) || slices.ContainsFunc([]string{newc, crc, odc}, func(m string) bool { return bytes.HasPrefix(head, []byte(m)) })
}

// A header is one decoded header.
type header struct {
	ino, dev            uint64
	mode, uid, gid      uint32
	links, mtime        uint64
	size, name          int64
	major, minor, check uint64
	form                string
	at                  int64 // of the name
}

// A found member is a header with its name, and where its content lies.
type found struct {
	*header
	path string
	data int64
	err  error
}

// An Unpacker decompresses what follows an archive from a byte on. It gives nil for
// what is in no compression that it knows.
type Unpacker func(ctx context.Context, at int64) (plain io.ReaderAt, size int64, err error)

// Open reads the archives in the first size bytes of r. Unpack may be nil; what it
// gives must be there as long as the tree.
func Open(ctx context.Context, r io.ReaderAt, size int64, unpack Unpacker) (*tarball.Tree, error) {
	x := &index{r: r, size: size, unpack: unpack, tree: tarball.New()}
	if err := x.archives(ctx); err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return x.tree, nil
}

// An index is the archives in one run of bytes.
type index struct {
	r       io.ReaderAt
	size    int64
	unpack  Unpacker
	tree    *tarball.Tree
	members []*found // of one archive
}

// archives reads archives up to the end. What ends them early is told by the tree; an
// error is for what is no archive at all.
func (x *index) archives(ctx context.Context) error {
	for at := int64(0); at < x.size; {
		end, whole, err := x.archive(ctx, at)
		if err == nil {
			err = x.build()
		}
		if err != nil || !whole {
			return err
		}
		next, err := x.skipZeros(end)
		if err != nil {
			return err
		}
		if next < x.size && !x.isHeader(next) {
			return x.compressed(ctx, next)
		}
		at = next
	}
	return nil
}

// archive collects the members up to the trailer, and tells whether that came.
func (x *index) archive(ctx context.Context, start int64) (end int64, whole bool, err error) {
	x.members = nil
	for at := start; ; {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		m, next, err := x.member(at)
		switch {
		case err != nil && at == 0:
			return 0, false, err
		case err != nil:
			x.tree.Missing("byte %d: %w: nothing after it is read", at, err)
			return 0, false, nil
		case m.path == trailer:
			return next, true, nil
		}
		if x.members = append(x.members, m); len(x.members) > tarball.MaxMembers {
			return 0, false, fmt.Errorf("more than %d members", tarball.MaxMembers)
		}
		at = next
	}
}

// skipZeros is where something else than zeros begins.
func (x *index) skipZeros(at int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for ; at < x.size; at += int64(len(buf)) {
		n := min(int64(len(buf)), x.size-at)
		if err := x.bytes(buf[:n], at); err != nil {
			return 0, err
		}
		if i := slices.IndexFunc(buf[:n], func(c byte) bool { return c != 0 }); i >= 0 {
			return at + int64(i), nil
		}
	}
	return x.size, nil
}

// isHeader tells whether an archive begins at a byte. The kernel takes none that is
// not aligned.
func (x *index) isHeader(at int64) bool {
	head := make([]byte, max(0, min(4096, x.size-at)))
	if x.bytes(head, at) != nil || !Detect(head) {
		return false
	}
	if isBinary(string(head[:2])) {
		return at%2 == 0
	}
	return at%4 == 0 || bytes.HasPrefix(head, []byte(odc))
}

// compressed adds the archives in what follows, up to the end.
func (x *index) compressed(ctx context.Context, at int64) error {
	var plain io.ReaderAt
	var size int64
	if x.unpack != nil {
		var err error
		if plain, size, err = x.unpack(ctx, at); err != nil {
			x.tree.Missing("byte %d: decompress what follows the archive: %w", at, err)
			return ctx.Err()
		}
	}
	if plain == nil {
		x.tree.Missing("byte %d: there is data after the end of the archive, and it is no archive: not read", at)
		return nil
	}
	// As for the kernel, nothing in it is compressed again.
	inner := &index{r: plain, size: size, tree: x.tree}
	if err := inner.archives(ctx); err != nil {
		x.tree.Missing("byte %d: what follows the archive, decompressed: %w", at, err)
	}
	return ctx.Err()
}

func (x *index) bytes(b []byte, at int64) error {
	if at < 0 || at > x.size || int64(len(b)) > x.size-at {
		return errors.New("the archive is truncated")
	}
	if n, err := x.r.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("read at byte %d: %w", at, err)
	}
	return nil
}

// member reads a header and its name. Next is where the next one begins.
func (x *index) member(at int64) (m *found, next int64, err error) {
	h, err := x.header(at)
	if err != nil {
		return nil, 0, err
	}
	if h.name < 1 || h.name > fsys.MaxPath+1 {
		return nil, 0, fmt.Errorf("a name of %d bytes is impossible", h.name)
	}
	name := make([]byte, h.name)
	if err := x.bytes(name, h.at); err != nil {
		return nil, 0, err
	}
	if name[len(name)-1] != 0 || bytes.IndexByte(name, 0) != len(name)-1 {
		return nil, 0, errors.New("a name does not end with NUL")
	}
	m = &found{header: h, path: string(name[:len(name)-1]), data: h.padded(h.at + h.name)}
	if h.size < 0 || h.size > x.size || m.data > x.size-h.size {
		m.err = errors.New("the archive is truncated")
		if m.path == trailer {
			return m, x.size, nil
		}
	}
	if h.form == crc && m.err == nil && m.mode&unix.S_IFMT == unix.S_IFREG {
		m.err = x.sum(m)
	}
	return m, min(h.padded(m.data+max(0, h.size)), max(x.size, m.data)), nil
}

// padded is the next place at which something may begin.
func (h *header) padded(at int64) int64 {
	switch {
	case h.form == odc:
		return at
	case isBinary(h.form):
		return (at + 1) / 2 * 2
	}
	return (at + 3) / 4 * 4
}

// sum compares a content with the sum of its bytes.
func (x *index) sum(m *found) error {
	buf := make([]byte, min(m.size, 256<<10))
	var sum uint32
	for done := int64(0); done < m.size; {
		n := min(int64(len(buf)), m.size-done)
		if err := x.bytes(buf[:n], m.data+done); err != nil {
			return err
		}
		for _, b := range buf[:n] {
			sum += uint32(b)
		}
		done += n
	}
	if uint64(sum) != m.check {
		return fmt.Errorf("the sum of its bytes is %08x, its header says %08x", sum, m.check)
	}
	return nil
}

func (x *index) header(at int64) (*header, error) {
	var magic [6]byte
	if err := x.bytes(magic[:], at); err != nil {
		return nil, err
	}
	switch form := string(magic[:]); form {
	case newc, crc:
		return x.newc(at, form)
	case odc:
		return x.odc(at)
	}
	if isBinary(string(magic[:2])) {
		b := make([]byte, binarySize)
		if err := x.bytes(b, at); err != nil {
			return nil, err
		}
		return parseBinary(b, at), nil
	}
	return nil, errors.New("there is no header here")
}

// numbers reads fields of the given widths.
func (x *index) numbers(at int64, base int, widths ...int) ([]uint64, error) {
	out := make([]uint64, len(widths))
	for i, w := range widths {
		field := make([]byte, w)
		if err := x.bytes(field, at); err != nil {
			return nil, err
		}
		v, err := strconv.ParseUint(string(field), base, 64)
		if err != nil {
			return nil, fmt.Errorf("the field %q of a header is no number", field)
		}
		out[i], at = v, at+int64(w)
	}
	return out, nil
}

func (x *index) newc(at int64, form string) (*header, error) {
	n, err := x.numbers(at+6, 16, slices.Repeat([]int{8}, 13)...)
	if err != nil {
		return nil, err
	}
	return &header{
		form: form, ino: n[0], mode: uint32(n[1]), uid: uint32(n[2]), gid: uint32(n[3]), links: n[4], mtime: n[5], size: int64(n[6]),
		dev: n[7]<<32 | n[8], major: n[9], minor: n[10], name: int64(n[11]), check: n[12], at: at + newcSize,
	}, nil
}

func (x *index) odc(at int64) (*header, error) {
	n, err := x.numbers(at+6, 8, 6, 6, 6, 6, 6, 6, 6, 11, 6, 11)
	if err != nil {
		return nil, err
	}
	return &header{
		form: odc, dev: n[0], ino: n[1], mode: uint32(n[2]), uid: uint32(n[3]), gid: uint32(n[4]), links: n[5], major: n[6] >> 8, minor: n[6] & 0xff,
		mtime: n[7], name: int64(n[8]), size: int64(n[9]), at: at + odcSize,
	}, nil
}

// build puts the members into the tree: of those of one inode the first has the content,
// the others are its further names.
func (x *index) build() error {
	type inode struct{ dev, ino uint64 }
	first := map[inode]*found{}
	for _, m := range x.members {
		if m.links < 2 || m.mode&unix.S_IFMT == unix.S_IFDIR {
			continue
		}
		key := inode{m.dev, m.ino}
		if f := first[key]; f == nil {
			first[key] = m
		} else if f.size == 0 && m.size > 0 {
			f.size, f.data, f.err = m.size, m.data, m.err
		}
	}
	for _, m := range x.members {
		f := first[inode{m.dev, m.ino}]
		if f != nil && f != m && m.links > 1 && f.mode&unix.S_IFMT == m.mode&unix.S_IFMT {
			if err := x.tree.Add(tarball.NewLink(m.path, f.path)); err != nil {
				return err
			}
			continue
		}
		if err := x.add(m); err != nil {
			return err
		}
	}
	return nil
}

func (x *index) add(m *found) error {
	e := report.Entry{Mode: report.Mode(m.mode & 0o7777), UID: m.uid, GID: m.gid, Mtime: time.Unix(int64(m.mtime), 0).UTC()}
	switch m.mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.Type, e.Size = report.File, max(0, m.size)
	case unix.S_IFDIR:
		e.Type = report.Directory
	case unix.S_IFLNK:
		e.Type = report.Symlink
		target, err := x.target(m)
		e.Target, m.err = report.Raw(target), fsys.Reasons(m.err, err)
	case unix.S_IFCHR, unix.S_IFBLK:
		e.Type, e.Device = report.Char, fmt.Sprintf("%d:%d", m.major, m.minor)
		if m.mode&unix.S_IFMT == unix.S_IFBLK {
			e.Type = report.Block
		}
	case unix.S_IFIFO:
		e.Type = report.FIFO
	case unix.S_IFSOCK:
		e.Type = report.Socket
	default:
		x.tree.Missing("member %q is of the unknown mode %o: left out", m.path, m.mode)
		return nil
	}
	return x.tree.Add(tarball.NewMember(m.path, e, x.r, m.data, m.err))
}

func (x *index) target(m *found) (string, error) {
	if m.err != nil {
		return "", nil //nolint:nilerr // it is told already
	}
	if m.size > maxTarget {
		return "", fmt.Errorf("a link's target of %d bytes is impossible", m.size)
	}
	b := make([]byte, m.size)
	err := x.bytes(b, m.data)
	return string(bytes.TrimRight(b, "\x00")), err
}
