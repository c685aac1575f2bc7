package fsys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ACLText decodes the attributes system.posix_acl_access and _default, in the
// form in which the kernel shows them (linux/posix_acl_xattr.h): entries of
// eight bytes after the version.
func ACLText(data []byte) (string, error) {
	const version, header, size = 2, 4, 8
	if len(data) < header || binary.LittleEndian.Uint32(data) != version || (len(data)-header)%size != 0 {
		return "", errors.New("it is no list of version 2")
	}
	var entries []string
	for b := data[header:]; len(b) > 0; b = b[size:] {
		text, err := aclEntry(binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint32(b[4:]))
		if err != nil {
			return "", err
		}
		entries = append(entries, text)
	}
	return strings.Join(entries, ","), nil
}

func aclEntry(tag, perm uint16, id uint32) (string, error) {
	kinds := map[uint16]string{1: "user:", 2: "user", 4: "group:", 8: "group", 16: "mask:", 32: "other:"}
	kind, ok := kinds[tag]
	if !ok || perm > 7 {
		return "", fmt.Errorf("the entry of tag %#x and rights %#x is unknown", tag, perm)
	}
	if !strings.HasSuffix(kind, ":") {
		kind = fmt.Sprintf("%s:%d", kind, id)
	}
	rights := []byte("rwx")
	for i := range rights {
		if perm&(4>>i) == 0 {
			rights[i] = '-'
		}
	}
	return kind + ":" + string(rights), nil
}
