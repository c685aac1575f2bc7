package erofs

import (
	"fmt"
	"slices"
)

// The feature bits: erofs_fs.h. One incompatible bit may stand for two features
// that came with the same kernel.
const (
	compatChecksum      = 0x1
	compatSharedInBox   = 0x8
	compatPlainPrefixes = 0x10

	incompatZeroPadding = 0x1
	incompatConfigs     = 0x2
	incompatDevices     = 0x8
	incompat48Bit       = 0x80
	incompatMetabox     = 0x100
)

// readable are the incompatible features that this reader understands.
const readable = incompatMetabox<<1 - 1

// featureNames are the names of the bits, as dump.erofs(1) prints them, where
// it prints one.
func featureNames() (compat, incompat []string) {
	return []string{"sb_csum", "mtime", "xattr_filter", "shared_ea_in_metabox", "plain_xattr_pfx", "ishare_xattrs"},
		[]string{"lz4_0padding", "compr_cfgs", "chunked_file", "device_table", "ztailpacking", "fragments", "xattr_prefixes", "48bit", "metabox"}
}

// features lists the names of all bits that are set, sorted.
func (sb *superblock) features() []string {
	compat, incompat := featureNames()
	out := append(namesOf(compat, "FEATURE_C", sb.compat), namesOf(incompat, "FEATURE_I", sb.incompat)...)
	slices.Sort(out)
	return out
}

// namesOf names the bits of one word; one without a name has its number.
func namesOf(names []string, unknown string, bits uint32) []string {
	var out []string
	for i := range 32 {
		switch {
		case bits>>i&1 == 0:
		case i < len(names):
			out = append(out, names[i])
		default:
			out = append(out, fmt.Sprint(unknown, i))
		}
	}
	return out
}
