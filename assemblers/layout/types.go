package layout

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// typeCodes gives the partition types that have a name here: GUIDs from the
// Discoverable Partitions Specification and UEFI 2.10 (table 5.7), MBR codes
// from sfdisk --label dos --list-types.
func typeCodes(label string) map[string]string {
	switch label {
	case GPT:
		return map[string]string{
			"bios-boot": "21686148-6449-6e6f-744e-656564454649",
			"esp":       "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
			"linux":     "0fc63daf-8483-4772-8e79-3d69d8477de4",
			"swap":      "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
			"xbootldr":  "bc13c2ff-59e6-4262-a352-b275fd6f7172",
			"lvm":       "e6d6d379-f507-44c2-a23c-238f2a3df928",
		}
	case MBR:
		return map[string]string{
			"esp":   "ef",
			"linux": "83",
			"swap":  "82",
			"lvm":   "8e",
		}
	}
	return nil
}

var (
	guid    = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	mbrType = regexp.MustCompile(`^(0x)?[0-9a-f]{1,2}$`)
	mbrID   = regexp.MustCompile(`^0x[0-9a-f]{8}$`)
)

// Types returns the names that a partition's type may have under a label,
// sorted.
func Types(label string) []string {
	return slices.Sorted(maps.Keys(typeCodes(label)))
}

// typeCode is a type as sfdisk takes it: a GUID in lower case, or MBR's two
// hex digits.
func (l *Layout) typeCode(name string) (string, bool) {
	if code, ok := typeCodes(l.Label)[name]; ok {
		return code, true
	}
	name = strings.ToLower(name)
	if l.Label == GPT {
		return name, guid.MatchString(name)
	}
	if !mbrType.MatchString(name) {
		return "", false
	}
	name = strings.TrimPrefix(name, "0x")
	return strings.Repeat("0", 2-len(name)) + name, name != "0" && name != "00"
}

// TypeCode is the type of a partition of a checked layout as sfdisk takes it:
// a GUID in lower case, or MBR's two hex digits.
func (l *Layout) TypeCode(p Partition) string {
	code, _ := l.typeCode(p.Type)
	return code
}
