package xfs

import (
	"slices"
	"strconv"
)

// The feature bits that a reader has to know: xfs_format.h.
const (
	bitDirV2 = 0x2000
	bitMore  = 0x8000

	features2ProjID32 = 0x80
	features2Ftype    = 0x200

	incompatFtype       = 0x1
	incompatSparse      = 0x2
	incompatMetaUUID    = 0x4
	incompatBigtime     = 0x8
	incompatNeedsRepair = 0x10
	incompatNrext64     = 0x20
	incompatExchange    = 0x40
	incompatParent      = 0x80

	logIncompatXattrs = 0x1
)

// readable are the incompatible features that this reader understands.
const readable = incompatFtype | incompatSparse | incompatMetaUUID | incompatBigtime | incompatNrext64 |
	incompatExchange | incompatParent

// A word is one field of feature bits.
type word struct {
	letter string // of bits without a name
	names  []string
}

// The names are those of the options of mkfs.xfs(8), else of the bits in
// xfs_format.h. Features that cannot be switched off in version 5 are told as well.
func words() (versions, features2, compat, roCompat, incompat, logIncompat word) {
	return word{"V", []string{"", "", "", "", "attr", "nlink", "quota", "align", "dalign", "shared", "logv2", "sector", "extflg", "dirv2", "ascii-ci", ""}},
		word{"F", []string{"", "lazy-count", "", "attr2", "parent1", "", "", "projid32bit", "crc", "ftype"}},
		word{"C", nil},
		word{"R", []string{"finobt", "rmapbt", "reflink", "inobtcount"}},
		word{"I", []string{"ftype", "sparse", "meta_uuid", "bigtime", "needsrepair", "nrext64", "exchange", "parent", "metadir", "zoned", "zone_gaps"}},
		word{"L", []string{"log_xattrs"}}
}

// features lists the names of all bits that are set, sorted.
func (sb *superblock) features() []string {
	versions, features2, compat, roCompat, incompat, logIncompat := words()
	var out []string
	if sb.version == 5 {
		out = append(out, "crc")
	}
	for _, w := range []struct {
		word
		bits uint32
	}{
		{versions, sb.bits}, {features2, sb.features2}, {compat, sb.compat},
		{roCompat, sb.roCompat}, {incompat, sb.incompat}, {logIncompat, sb.logIncompat},
	} {
		out = append(out, w.of(w.bits)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func incompatNames(bits uint32) []string {
	_, _, _, _, incompat, _ := words()
	return incompat.of(bits)
}

// of names the bits of the word; bit 12 of the incompatible ones, which has no
// name yet, is FEATURE_I12.
func (w word) of(bits uint32) []string {
	var out []string
	for i := range 32 {
		switch {
		case bits>>i&1 == 0:
		case i >= len(w.names):
			out = append(out, "FEATURE_"+w.letter+strconv.Itoa(i))
		case w.names[i] != "":
			out = append(out, w.names[i])
		}
	}
	return out
}

// hasFtype tells whether names say the type of their inode.
func (sb *superblock) hasFtype() bool {
	return sb.incompat&incompatFtype != 0 || sb.features2&features2Ftype != 0
}
