package ostree

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

const (
	// maxHeader bounds what stands before a file's content: attributes have up to 64 KiB.
	maxHeader = 1 << 20
	// maxRatio is more than what deflate can make of one byte (1032).
	maxRatio = 1100
	// inMemory is the largest content that is unpacked into memory.
	inMemory = 4 << 20
)

// An object is one file.
type object struct {
	sum  string
	meta *meta
	size int64
	// name is where it lies; at is where its content begins, behind a header.
	name string
	at   int64
}

// file reads what a file has beside its content.
func (r *Repository) file(sum string) (*object, error) {
	if r.Mode == "archive" {
		return r.archived(sum)
	}
	o := &object{sum: sum, name: place(sum, "file")}
	n := r.nodes[o.name]
	if n == nil {
		return nil, r.missing(o.name)
	}
	if n.Err != nil {
		return nil, fmt.Errorf("%s: %w", o.name, n.Err)
	}
	o.size = n.Size
	switch r.Mode {
	case "bare":
		o.meta = metaOf(n)
		o.meta.uid, o.meta.gid, o.meta.attrs = n.UID, n.GID, n.Xattrs
	case "bare-user-only":
		o.meta = metaOf(n)
	case "bare-user":
		return o, r.described(o, n)
	}
	if n.Type == report.Symlink {
		return o, o.verify(strings.NewReader(""))
	}
	return o, nil
}

func (r *Repository) missing(name string) error {
	if r.parent {
		return fmt.Errorf("%s: it is not there (the repository has a parent, which is not read)", name)
	}
	return fmt.Errorf("%s: it is not there", name)
}

// metaOf is what a node says itself.
func metaOf(n *fsys.Node) *meta {
	m := &meta{mode: uint32(n.Mode), target: string(n.Target)}
	switch n.Type {
	case report.File:
		m.mode |= unix.S_IFREG
	case report.Symlink:
		m.mode |= unix.S_IFLNK
	}
	return m
}

// described takes an object of bare-user, whose metadata is in an attribute. A symbolic
// link is a file that holds its target.
func (r *Repository) described(o *object, n *fsys.Node) error {
	value, ok := n.Xattrs["user.ostreemeta"]
	if !ok {
		return fmt.Errorf("%s: it has no attribute user.ostreemeta", o.name)
	}
	var err error
	if o.meta, err = parseMeta([]byte(value)); err != nil {
		return fmt.Errorf("%s: user.ostreemeta: %w", o.name, err)
	}
	if o.meta.mode&unix.S_IFMT != unix.S_IFLNK {
		return nil
	}
	target, err := r.read(o.name, unix.PathMax)
	if err != nil {
		return err
	}
	o.meta.target, o.size = strings.TrimSuffix(string(target), "\x00"), 0
	return o.verify(strings.NewReader(""))
}

// archived reads the header of an object of an archive: its length, big-endian, padding,
// and the header itself. What follows is raw deflate data.
func (r *Repository) archived(sum string) (*object, error) {
	o := &object{sum: sum, name: place(sum, "filez")}
	if r.nodes[o.name] == nil {
		return nil, r.missing(o.name)
	}
	c, err := r.open(o.name)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	broken := func(err error) (*object, error) { return nil, fmt.Errorf("%s: %w", o.name, err) }
	var head [8]byte
	if n, err := c.ReadAt(head[:], 0); n < len(head) {
		return broken(fmt.Errorf("read header: %w", err))
	}
	length := int64(be32(head[:4]))
	if length > maxHeader || length > c.Size()-8 {
		return broken(fmt.Errorf("its header claims %d bytes", length))
	}
	data := make([]byte, length)
	if n, err := c.ReadAt(data, 8); n < len(data) {
		return broken(fmt.Errorf("read header: %w", err))
	}
	m, size, err := parseHeader(data)
	if err != nil {
		return broken(err)
	}
	o.meta, o.at = m, 8+length
	if size > uint64(c.Size()-o.at)*maxRatio {
		return broken(fmt.Errorf("its header claims %d bytes of content", size))
	}
	o.size = int64(size)
	if m.mode&unix.S_IFMT == unix.S_IFLNK {
		return o, o.verify(strings.NewReader(""))
	}
	return o, nil
}

// content opens a file and requires its checksum.
func (r *Repository) content(o *object) (fsys.Content, error) {
	c, err := r.open(o.name)
	if err != nil {
		return nil, err
	}
	if r.Mode != "archive" {
		if err := o.verify(io.NewSectionReader(c, 0, c.Size())); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return c, nil
	}
	defer c.Close()
	plain := flate.NewReader(io.NewSectionReader(c, o.at, c.Size()-o.at))
	out, err := r.unpack(o, plain)
	if err != nil {
		return nil, err
	}
	if err := o.verify(io.NewSectionReader(out, 0, o.size)); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// unpack writes a content of the size that its header says into memory, or into a file
// without a name.
func (r *Repository) unpack(o *object, plain io.Reader) (fsys.Content, error) {
	u := &unpacked{size: o.size}
	var to io.Writer
	if o.size <= inMemory {
		var b bytes.Buffer
		u.ReaderAt, to = nil, &b
		defer func() { u.ReaderAt = bytes.NewReader(b.Bytes()) }()
	} else {
		f, err := os.CreateTemp(r.temp, "assay-ostree-*")
		if err != nil {
			return nil, err
		}
		u.ReaderAt, u.file, to = f, f, f
		if err := os.Remove(f.Name()); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	n, err := io.Copy(to, io.LimitReader(plain, o.size+1))
	if err == nil && n != o.size {
		err = fmt.Errorf("its header claims %d bytes of content, it has others", o.size)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("decompress: %w", err), u.Close())
	}
	return u, nil
}

// unpacked is the content of an object of an archive.
type unpacked struct {
	io.ReaderAt
	size int64
	file *os.File
}

func (u *unpacked) Size() int64 { return u.size }

func (u *unpacked) Close() error {
	if u.file == nil {
		return nil
	}
	return u.file.Close()
}

// Extents implements fsys.Content.
func (u *unpacked) Extents() ([]fsys.Extent, error) {
	if u.size == 0 {
		return nil, nil
	}
	return []fsys.Extent{{Length: u.size, Physical: -1}}, nil
}
