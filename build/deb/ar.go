package deb

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A member is one file of the ar archive.
type member struct {
	name         string
	offset, size int64
}

const (
	arMagic  = "!<arch>\n"
	arHeader = 60
	// maxMembers is far above the three that a package has.
	maxMembers = 32
)

// readMembers lists an ar archive in the common format, deb(5): no symbol
// table, no long names.
func readMembers(file io.ReaderAt, size int64) ([]member, error) {
	magic := make([]byte, len(arMagic))
	if _, err := file.ReadAt(magic, 0); err != nil || string(magic) != arMagic {
		return nil, errors.New("is no Debian package: it is no ar archive")
	}
	var members []member
	for at := int64(len(arMagic)); at < size; {
		if len(members) == maxMembers {
			return nil, fmt.Errorf("has more than %d members", maxMembers)
		}
		m, err := readMember(file, at)
		if err != nil {
			return nil, err
		}
		if m.size > size-m.offset {
			return nil, fmt.Errorf("is cut off: %s has %d bytes, %d are there", m.name, m.size, size-m.offset)
		}
		members = append(members, m)
		at = m.offset + m.size + m.size%2
	}
	return members, nil
}

func readMember(file io.ReaderAt, at int64) (member, error) {
	h := make([]byte, arHeader)
	if _, err := file.ReadAt(h, at); err != nil {
		return member{}, fmt.Errorf("is cut off: read header at %d: %w", at, err)
	}
	if string(h[58:]) != "`\n" {
		return member{}, fmt.Errorf("has a broken ar header at %d", at)
	}
	name := strings.TrimSuffix(strings.TrimRight(string(h[:16]), " "), "/")
	size, err := strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
	if err != nil || size < 0 {
		return member{}, fmt.Errorf("has a broken size in the ar header at %d", at)
	}
	return member{name, at + arHeader, size}, nil
}
