package archive

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/assay-os/assay/report"
)

// The keys under which GNU tar and bsdtar keep attributes in pax headers. The
// first holds any attribute as it is; the others are what tar --selinux and
// --acls read.
const (
	xattrKey      = "SCHILY.xattr."
	selinuxKey    = "RHT.security.selinux"
	aclAccessKey  = "SCHILY.acl.access"
	aclDefaultKey = "SCHILY.acl.default"

	selinuxAttr    = "security.selinux"
	aclAccessAttr  = "system.posix_acl_access"
	aclDefaultAttr = "system.posix_acl_default"
)

// attributes are the pax records of an entry's extended attributes.
func (s Spec) attributes(attrs map[string]report.Raw) (map[string]string, error) {
	records := map[string]string{}
	for name, value := range attrs {
		keep, key := s.Xattrs, ""
		switch name {
		case selinuxAttr:
			keep, key = s.SELinux, selinuxKey
		case aclAccessAttr:
			keep, key = s.ACLs, aclAccessKey
		case aclDefaultAttr:
			keep, key = s.ACLs, aclDefaultKey
		}
		if !keep {
			continue
		}
		if strings.Contains(name, "=") {
			return nil, fmt.Errorf("attribute %q: a pax header cannot hold a name with an equals sign", name)
		}
		records[xattrKey+name] = string(value)
		switch key {
		case selinuxKey:
			records[key] = strings.TrimRight(string(value), "\x00")
		case aclAccessKey, aclDefaultKey:
			text, err := aclText(string(value))
			if err != nil {
				return nil, fmt.Errorf("attribute %q: %w", name, err)
			}
			records[key] = text
		}
	}
	return records, nil
}

// The tags of those of an ACL's entries that name somebody, linux/posix_acl.h.
const (
	aclUser  = 0x02
	aclGroup = 0x08
)

// aclTag is how acl(5) writes a tag.
func aclTag(tag uint16) (string, bool) {
	switch tag {
	case 0x01, aclUser:
		return "user:", true
	case 0x04, aclGroup:
		return "group:", true
	case 0x10:
		return "mask:", true
	case 0x20:
		return "other:", true
	}
	return "", false
}

// aclText is an ACL of the kernel's form (linux/posix_acl_xattr.h: version 2,
// then eight bytes an entry) in the long text form of acl(5), with numbers.
func aclText(value string) (string, error) {
	b := []byte(value)
	if len(b) < 4 || len(b)%8 != 4 || binary.LittleEndian.Uint32(b) != 2 {
		return "", fmt.Errorf("it is no ACL of version 2")
	}
	var out strings.Builder
	for b = b[4:]; len(b) > 0; b = b[8:] {
		tag, perm, id := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint32(b[4:])
		name, ok := aclTag(tag)
		if !ok {
			return "", fmt.Errorf("it has an entry of unknown tag %#x", tag)
		}
		out.WriteString(name)
		if tag == aclUser || tag == aclGroup {
			fmt.Fprint(&out, id)
		}
		out.WriteString(":")
		for i, c := range "rwx" {
			if perm&(4>>i) == 0 {
				c = '-'
			}
			out.WriteRune(c)
		}
		out.WriteString("\n")
	}
	return out.String(), nil
}
