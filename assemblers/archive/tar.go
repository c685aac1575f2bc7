// Package archive writes a recorded tree as a tar archive that is the same
// bytes wherever and whenever it is written.
//
// Members are in the order of the record, owners are numbers, times are whole
// seconds. Everything but contents comes from the record.
package archive

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/report"
)

// A Source opens the content of a recorded file.
type Source interface {
	OpenFile(name string, flags int, mode report.Mode) (*os.File, error)
}

// A Spec says what an archive is to hold.
type Spec struct {
	Source  Source
	Entries []report.Entry
	Format  tar.Format
	// ACLs, SELinux and Xattrs choose which attributes are kept: POSIX ACLs,
	// the label, all others. They need [tar.FormatPAX].
	ACLs, SELinux, Xattrs bool
	// Prefix stands before every name: "./" as tar -C TREE . writes it, or
	// nothing.
	Prefix string
	// Root includes the root directory itself.
	Root bool
	// Log is told what an archive cannot hold.
	Log io.Writer
}

// Write writes the archive.
func Write(ctx context.Context, w io.Writer, s Spec) error {
	tw := tar.NewWriter(w)
	written := map[report.Raw]string{}
	for _, e := range s.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Path == "/" && !s.Root {
			continue
		}
		if e.Type == report.Socket {
			fmt.Fprintf(s.Log, "%s: a socket, which tar cannot hold, was left out\n", e.Path)
			continue
		}
		if err := s.member(tw, e, written); err != nil {
			return fmt.Errorf("archive %s: %w", e.Path, err)
		}
	}
	return tw.Close()
}

// member writes one entry; written maps hard-link groups to the name that
// holds the content.
func (s Spec) member(tw *tar.Writer, e report.Entry, written map[report.Raw]string) error {
	h, err := s.header(e)
	if err != nil {
		return err
	}
	if e.Hardlink != "" {
		if first, ok := written[e.Hardlink]; ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
			h.PAXRecords = nil
			return tw.WriteHeader(h)
		}
		written[e.Hardlink] = h.Name
	}
	if err := tw.WriteHeader(h); err != nil || e.Type != report.File {
		return err
	}
	return s.content(tw, e)
}

// typeFlag is tar's, for the types that it has.
func typeFlag(t report.Type) (byte, bool) {
	switch t {
	case report.File:
		return tar.TypeReg, true
	case report.Directory:
		return tar.TypeDir, true
	case report.Symlink:
		return tar.TypeSymlink, true
	case report.Char:
		return tar.TypeChar, true
	case report.Block:
		return tar.TypeBlock, true
	case report.FIFO:
		return tar.TypeFifo, true
	}
	return 0, false
}

func (s Spec) header(e report.Entry) (*tar.Header, error) {
	flag, ok := typeFlag(e.Type)
	if !ok {
		return nil, fmt.Errorf("type %q has no place in a tar", e.Type)
	}
	h := &tar.Header{
		Typeflag: flag, Name: s.Prefix + strings.TrimPrefix(string(e.Path), "/"), Linkname: string(e.Target),
		Mode: int64(e.Mode), Uid: int(e.UID), Gid: int(e.GID), Size: e.Size,
		ModTime: e.Mtime.Truncate(time.Second), Format: s.Format,
	}
	if e.Type == report.Directory && !strings.HasSuffix(h.Name, "/") {
		h.Name += "/"
	}
	if e.Device != "" {
		major, minor, _ := strings.Cut(e.Device, ":")
		var err1, err2 error
		h.Devmajor, err1 = strconv.ParseInt(major, 10, 32)
		h.Devminor, err2 = strconv.ParseInt(minor, 10, 32)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("device %q is not MAJOR:MINOR", e.Device)
		}
	}
	records, err := s.attributes(e.Xattrs)
	h.PAXRecords = records
	return h, err
}

// content copies a file and holds it to its record.
func (s Spec) content(tw *tar.Writer, e report.Entry) error {
	f, err := s.Source.OpenFile(path.Clean(string(e.Path)), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(tw, io.TeeReader(io.LimitReader(f, e.Size), sum))
	switch {
	case err != nil:
		return err
	case n < e.Size:
		return fmt.Errorf("it is recorded with %d bytes and has %d on disk", e.Size, n)
	case e.SHA256 != "" && hex.EncodeToString(sum.Sum(nil)) != e.SHA256:
		return fmt.Errorf("its content is not what was recorded; the store is damaged: run assay store verify")
	}
	return nil
}
