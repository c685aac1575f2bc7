package tarball

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// An indexer reads the headers of an archive in order.
type indexer struct {
	r    io.ReaderAt
	size int64
	// add takes each member, in the order of the archive. What it says is left
	// out becomes a problem; [errTooMany] and its caller's errors end the run.
	add func(*Member) error
	// endless takes an archive that ends behind a member without a trailer.
	endless  bool
	at       int64
	problems problems
	global   records
	local    records
	longName *string
	longLink *string
}

// errCut says that the archive ends too early.
var errCut = errors.New("the archive is truncated")

// read fills b from the archive.
func (x *indexer) read(b []byte, off int64) error {
	if off < 0 || off > x.size || int64(len(b)) > x.size-off {
		return errCut
	}
	if n, err := x.r.ReadAt(b, off); n < len(b) {
		if err == io.EOF {
			return errCut
		}
		return fmt.Errorf("read archive at byte %d: %w", off, err)
	}
	return nil
}

// run reads headers up to the end of the archive. What is broken ends the index
// and is told by the tree; an error is for an archive of which there is nothing.
func (x *indexer) run(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if x.endless && x.at == x.size {
			return nil
		}
		b := make([]byte, blockSize)
		if err := x.read(b, x.at); err != nil {
			x.problems.add("byte %d: %w: it has no end", x.at, errCut)
			return nil //nolint:nilerr // trouble is data of the tree
		}
		if bytes.Count(b, []byte{0}) == blockSize {
			return x.trailer()
		}
		if !IsHeader(b) {
			if x.at == 0 {
				return errors.New("read archive: there is no tar header at its start")
			}
			x.problems.add("byte %d: there is no header here, and nothing after it is read", x.at)
			return nil
		}
		err := x.member(b)
		var stop *stopError
		if errors.As(err, &stop) {
			return stop.err
		}
		if err != nil {
			x.problems.add("byte %d: %w", x.at, err)
			return nil
		}
	}
}

// A stopError ends the index although the place of the next header is known.
type stopError struct{ err error }

func (s *stopError) Error() string { return s.err.Error() }

// trailer requires zeros up to the end: two archives in a row would lose the second.
func (x *indexer) trailer() error {
	buf := make([]byte, 1<<20)
	for at := x.at; at < x.size; {
		n := min(int64(len(buf)), x.size-at)
		if err := x.read(buf[:n], at); err != nil {
			return err
		}
		if i := slices.IndexFunc(buf[:n], func(c byte) bool { return c != 0 }); i >= 0 {
			x.problems.add("byte %d: there is data after the end of the archive: not read", at+int64(i))
			return nil
		}
		at += n
	}
	return nil
}

// member reads one header and moves on to the next. An error means that the
// place of the next is not known.
func (x *indexer) member(b []byte) error {
	h, err := parseHeader(b)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	data := x.at + blockSize
	switch h.kind {
	case typePax, typePaxSolaris, typePaxGlobal, typeGNUName, typeGNULink:
		return x.extension(h, data)
	}
	recs := slices.Concat(x.global, x.local)
	applyErr := fsys.Reasons(recs.apply(h), h.err())
	if x.longName != nil {
		h.name = *x.longName
	}
	if x.longLink != nil {
		h.link = *x.longLink
	}
	x.local, x.longName, x.longLink = nil, nil, nil
	if headerOnly(h.kind) && !x.linkData(h, recs, data) {
		h.size = 0
	}
	if h.size < 0 {
		return fmt.Errorf("member %q has size %d", h.name, h.size)
	}
	next, err := x.place(h, recs, data, applyErr)
	if err != nil {
		return err
	}
	if next > x.size {
		x.problems.add("byte %d: member %q: %w", x.at, h.name, errCut)
	}
	x.at = next
	return nil
}

// linkData tells whether a hard link has a content of its own, as pax lets it. Older
// writers give a link the size of its file, and no data: what follows decides, as
// in libarchive.
func (x *indexer) linkData(h *header, recs records, data int64) bool {
	if h.kind != typeHardLink || h.size <= 0 || len(recs) == 0 {
		return false
	}
	b := make([]byte, blockSize)
	if x.read(b, data) != nil || IsHeader(b) || bytes.Count(b, []byte{0}) == blockSize {
		return false
	}
	x.problems.add("member %q: a hard link has a content of its own: not read", h.name)
	return true
}

// headerOnly tells of types that have no data whatever their size says.
func headerOnly(kind byte) bool {
	return kind >= typeHardLink && kind <= typeFIFO
}

func padded(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

// extension reads a header whose data describes the next member.
func (x *indexer) extension(h *header, data int64) error {
	if h.size < 0 || h.size > maxRecords {
		return fmt.Errorf("an extended header of %d bytes is too large", h.size)
	}
	b := make([]byte, h.size)
	if err := x.read(b, data); err != nil {
		return err
	}
	x.at = data + padded(h.size)
	switch h.kind {
	case typeGNUName, typeGNULink:
		s := text(b)
		if h.kind == typeGNUName {
			x.longName = &s
		} else {
			x.longLink = &s
		}
		return nil
	}
	recs, err := parseRecords(b)
	if err != nil {
		return err
	}
	if h.kind == typePaxGlobal {
		x.global = append(x.global, recs...)
		if len(x.global) > maxRecords/16 {
			return errors.New("there are too many global extended headers")
		}
	} else {
		x.local = recs
	}
	return nil
}

// place puts a member into the tree, and returns where the next header is.
func (x *indexer) place(h *header, recs records, data int64, broken error) (int64, error) {
	stored := h.size
	var segments []segment
	m, isSparse, err := x.sparse(h, recs, data)
	size := h.size
	switch {
	case isSparse && err == nil:
		segments, err = m.segments(h.size)
		size = m.size
		if name, ok := recs.last("GNU.sparse.name"); ok {
			h.name = name
		}
		if h.kind == typeGNUSparse { // its blocks of the map do not count as data
			data = m.data
		}
	case !isSparse && h.size > 0:
		segments = []segment{{length: h.size, at: data}}
	}
	if stored > x.size-data || data > x.size {
		broken = fsys.Reasons(broken, errCut)
	}
	body := body{r: x.r, segments: segments, size: size, unread: fsys.Reasons(broken, err)}
	if err := x.hand(h, recs, body); err != nil {
		return 0, &stopError{fmt.Errorf("read archive: %w", err)}
	}
	const limit = 1 << 62
	if stored > limit-data {
		return 0, fmt.Errorf("member %q has size %d", h.name, stored)
	}
	if x.endless && data+stored == x.size {
		return x.size, nil // umoci insert leaves the padding out, too
	}
	return data + padded(stored), nil
}

// hand makes the entry of a member and hands it over.
func (x *indexer) hand(h *header, recs records, body body) error {
	if h.kind == typeGNULabel {
		return nil
	}
	kind, ok := kindOf(h)
	if !ok && h.kind != typeHardLink {
		x.problems.add("member %q is %s: left out", h.name, foreign(h.kind))
		return nil
	}
	attrs, err := recs.attributes()
	e := report.Entry{Type: kind, Mode: report.Mode(h.mode & 0o7777), UID: uint32(h.uid), GID: uint32(h.gid), Mtime: h.mtime}
	e.Mode = maskedMode(e.Mode, attrs)
	if !x.endless { // engines do not set flags
		e.Attributes = fsys.AttributeNames(h.attributes)
	}
	if h.uid < 0 || h.gid < 0 || h.uid > 1<<32-1 || h.gid > 1<<32-1 {
		err = fsys.Reasons(err, fmt.Errorf("owner %d:%d is impossible", h.uid, h.gid))
	}
	switch kind {
	case report.File:
		e.Size = body.size
	case report.Symlink:
		e.Target = report.Raw(h.link)
	case report.Char, report.Block:
		e.Device = fmt.Sprintf("%d:%d", h.major, h.minor)
	}
	m := &Member{Name: h.name, Entry: e, Err: fsys.Reasons(body.unread, err), attrs: attrs, body: body}
	if h.kind == typeHardLink {
		m.Hardlink, m.Link = true, h.link
	}
	err = x.add(m)
	if errors.Is(err, errTooMany) || errors.Is(err, ErrStop) {
		return err
	}
	if err != nil {
		x.problems.add("member %q: %w", h.name, err)
	}
	return nil
}

// kindOf is the type of a member; v7 marks directories by their name alone.
func kindOf(h *header) (report.Type, bool) {
	switch h.kind {
	case typeFile, typeOldFile, typeContiguous:
		if strings.HasSuffix(h.name, "/") {
			return report.Directory, true
		}
		return report.File, true
	case typeGNUSparse:
		return report.File, true
	case typeSymlink:
		return report.Symlink, true
	case typeChar:
		return report.Char, true
	case typeBlock:
		return report.Block, true
	case typeDirectory, typeGNUDump:
		return report.Directory, true
	case typeFIFO:
		return report.FIFO, true
	}
	return "", false
}
