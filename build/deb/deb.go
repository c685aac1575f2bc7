// Package deb reads Debian binary packages, deb(5): an ar archive that holds
// the control data and the files, each a compressed tar.
//
// It reads and bounds; it installs nothing, runs no script and knows no
// dependency solver. What a name in a package may do to a tree is the
// caller's matter.
package deb

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// maxControl bounds the unpacked control member and the control file;
	// Debian's largest (with triggers and md5sums) is below 3 MiB.
	maxControl = 32 << 20
	// maxData bounds the unpacked files of one package.
	maxData = 32 << 30
)

// A Package is an open package. It keeps the reader that it was given, which
// may be used by several goroutines.
type Package struct {
	Control
	data member
	file io.ReaderAt
}

// Open reads the control data of a package of size bytes.
func Open(file io.ReaderAt, size int64) (*Package, error) {
	members, err := readMembers(file, size)
	if err != nil {
		return nil, err
	}
	if len(members) < 3 || members[0].name != "debian-binary" {
		return nil, errors.New("is no Debian package: it does not start with debian-binary, control and data")
	}
	if err := checkVersion(file, members[0]); err != nil {
		return nil, err
	}
	p := &Package{file: file}
	var control member
	for _, m := range members[1:] {
		switch {
		case strings.HasPrefix(m.name, "control.tar") && control.name == "":
			control = m
		case strings.HasPrefix(m.name, "data.tar") && p.data.name == "":
			p.data = m
		case strings.HasPrefix(m.name, "_"): // deb(5): to be ignored
		default:
			return nil, fmt.Errorf("has the unknown member %q", m.name)
		}
	}
	if control.name == "" || p.data.name == "" {
		return nil, errors.New("lacks its control or data member")
	}
	p.Control, err = readControl(file, control)
	return p, err
}

func checkVersion(file io.ReaderAt, m member) error {
	text := make([]byte, min(m.size, 64))
	if _, err := file.ReadAt(text, m.offset); err != nil {
		return fmt.Errorf("read debian-binary: %w", err)
	}
	if !strings.HasPrefix(string(text), "2.") {
		return fmt.Errorf("has the format version %q; 2.0 is known", strings.TrimSpace(string(text)))
	}
	return nil
}

// Files unpacks the tar of the package's files. The caller closes it.
func (p *Package) Files() (io.ReadCloser, error) {
	r, err := decompress(p.file, p.data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.data.name, err)
	}
	return limit(r, maxData), nil
}

// readControl finds the file control in the control member.
func readControl(file io.ReaderAt, m member) (Control, error) {
	r, err := decompress(file, m)
	if err != nil {
		return Control{}, fmt.Errorf("read %s: %w", m.name, err)
	}
	defer r.Close()
	archive := tar.NewReader(limit(r, maxControl))
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return Control{}, fmt.Errorf("read %s: it has no file control", m.name)
		}
		if err != nil {
			return Control{}, fmt.Errorf("read %s: %w", m.name, err)
		}
		if strings.TrimPrefix(h.Name, "./") != "control" || h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return Control{}, fmt.Errorf("read %s: %w", m.name, err)
		}
		return parseControl(string(text))
	}
}
