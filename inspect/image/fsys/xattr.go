package fsys

import "github.com/assay-os/assay/report"

// SetXattrs records the extended attributes of n and decodes those that have
// a field of their own. An attribute that does not decode stays in Xattrs
// alone.
func (n *Node) SetXattrs(attrs map[string]report.Raw) {
	if len(attrs) == 0 {
		return
	}
	n.Xattrs = attrs
	if label, ok := attrs["security.selinux"]; ok {
		n.SELinux = trimNUL(string(label))
	}
	if data, ok := attrs["security.capability"]; ok {
		n.Capabilities, _ = CapabilityText([]byte(data))
	}
	if data, ok := attrs["system.posix_acl_access"]; ok {
		n.ACL, _ = ACLText([]byte(data))
	}
	if data, ok := attrs["system.posix_acl_default"]; ok {
		n.DefaultACL, _ = ACLText([]byte(data))
	}
}

func trimNUL(s string) string {
	for len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	return s
}
