package xfs

import (
	"fmt"

	"github.com/assay-os/assay/report"
)

// The tags of an entry that has an id, and the version that a POSIX ACL
// starts with: posix_acl_xattr.h.
const (
	aclVersion = 2
	aclUser    = 0x02
	aclGroup   = 0x08
	aclEntry   = 12 // on disk: tag, id, permissions, padding
)

// acl adds the attribute by which the kernel shows an access control list,
// beside the one that it lies in.
func (a *attrReader) acl(name string, value []byte) error {
	var shown string
	switch name {
	case "trusted.SGI_ACL_FILE":
		shown = "system.posix_acl_access"
	case "trusted.SGI_ACL_DEFAULT":
		shown = "system.posix_acl_default"
	default:
		return nil
	}
	list, err := kernelACL(value)
	if err == nil && list != nil {
		a.out[shown] = report.Raw(list)
	}
	return err
}

// kernelACL turns a struct xfs_acl, which is big-endian, into the form of
// posix_acl_xattr.h. A list without entries is none.
func kernelACL(b []byte) ([]byte, error) {
	if len(b) < 4 || (len(b)-4)%aclEntry != 0 || uint64(be.Uint32(b)) != uint64((len(b)-4)/aclEntry) {
		return nil, fmt.Errorf("%d bytes are no access control list", len(b))
	}
	if len(b) == 4 {
		return nil, nil
	}
	out := le.AppendUint32(nil, aclVersion)
	for b = b[4:]; len(b) > 0; b = b[aclEntry:] {
		tag, id := be.Uint32(b), be.Uint32(b[4:])
		switch tag {
		case aclUser, aclGroup:
		case 0x01, 0x04, 0x10, 0x20: // owner, group, mask, others
			id = ^uint32(0)
		default:
			return nil, fmt.Errorf("an access control list with tag %#x", tag)
		}
		out = le.AppendUint16(out, uint16(tag))
		out = le.AppendUint16(out, be.Uint16(b[8:]))
		out = le.AppendUint32(out, id)
	}
	return out, nil
}
