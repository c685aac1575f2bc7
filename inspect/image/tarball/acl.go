package tarball

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

// An aclEntry is one entry of a POSIX ACL: acl(5), posix_acl_xattr.h.
type aclEntry struct {
	tag, perm uint16
	id        uint32
}

// The tags, which the kernel wants in this order.
const (
	aclUserOwner = 1 << iota
	aclUser
	aclGroupOwner
	aclGroup
	aclMask
	aclOther
)

const aclNoID = ^uint32(0)

// aclAttribute turns the text of an ACL into the attribute that the kernel
// keeps. An access ACL that says no more than the mode is no attribute.
func aclAttribute(out map[string]report.Raw, which, text string) error {
	name := map[string]string{"access": "system.posix_acl_access", "default": "system.posix_acl_default"}[which]
	if name == "" { // "ace", of NFSv4
		return fmt.Errorf("access control list of the kind %q: Linux has none such, not read", which)
	}
	var entries []aclEntry
	for _, line := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == '\n' }) {
		line, _, _ = strings.Cut(line, "#") // what the mask leaves, as getfacl(1) shows it
		e, err := parseACL(strings.TrimSpace(line))
		if err != nil {
			return fmt.Errorf("access control list: %w", err)
		}
		entries = append(entries, e)
	}
	if which == "access" && len(entries) <= 3 {
		return nil
	}
	slices.SortStableFunc(entries, func(a, b aclEntry) int { return cmp.Or(cmp.Compare(a.tag, b.tag), cmp.Compare(a.id, b.id)) })
	value := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range entries {
		value = binary.LittleEndian.AppendUint16(value, e.tag)
		value = binary.LittleEndian.AppendUint16(value, e.perm)
		value = binary.LittleEndian.AppendUint32(value, e.id)
	}
	out[name] = report.Raw(value)
	return nil
}

// parseACL reads "user:1000:rwx", or star's "user:name:rwx:1000". A name without
// a number means something only where the archive was made.
// maskedMode is the mode of a file with an access list: the kernel keeps them in step.
// Libarchive writes the rights of the group into the mode, where the mask belongs.
func maskedMode(mode report.Mode, attrs map[string]report.Raw) report.Mode {
	list := []byte(attrs["system.posix_acl_access"])
	masked := false
	for at := 4; at+8 <= len(list); at += 8 {
		perm := report.Mode(binary.LittleEndian.Uint16(list[at+2:]) & 7)
		switch binary.LittleEndian.Uint16(list[at:]) {
		case aclUserOwner:
			mode = mode&^0o700 | perm<<6
		case aclMask:
			masked = true
			mode = mode&^0o070 | perm<<3
		case aclGroupOwner:
			if !masked {
				mode = mode&^0o070 | perm<<3
			}
		case aclOther:
			mode = mode&^0o007 | perm
		}
	}
	return mode
}

func parseACL(line string) (aclEntry, error) {
	f := strings.Split(line, ":")
	if len(f) < 3 {
		return aclEntry{}, fmt.Errorf("the entry %q is malformed", line)
	}
	e := aclEntry{id: aclNoID}
	switch f[0] {
	case "user", "u":
		e.tag = aclUserOwner
	case "group", "g":
		e.tag = aclGroupOwner
	case "mask", "m":
		e.tag = aclMask
	case "other", "o":
		e.tag = aclOther
	default:
		return e, fmt.Errorf("the entry %q is malformed", line)
	}
	for _, c := range f[2] {
		switch c {
		case 'r':
			e.perm |= 4
		case 'w':
			e.perm |= 2
		case 'x':
			e.perm |= 1
		}
	}
	if f[1] == "" || e.tag == aclMask || e.tag == aclOther {
		return e, nil
	}
	e.tag <<= 1 // the owner's tag, then the named one's
	id, err := strconv.ParseUint(f[len(f)-1], 10, 32)
	if len(f) < 4 {
		id, err = strconv.ParseUint(f[1], 10, 32)
	}
	if err != nil {
		return e, errors.New("the entry " + strconv.Quote(line) + " names an owner without a number")
	}
	e.id = uint32(id)
	return e, nil
}
