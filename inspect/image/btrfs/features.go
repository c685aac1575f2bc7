package btrfs

import (
	"fmt"
	"slices"
)

// The feature bits that a reader has to know: uapi/linux/btrfs.h.
const (
	incompatMixedBackref  = 0x1
	incompatDefaultSubvol = 0x2
	incompatMixedGroups   = 0x4
	incompatLZO           = 0x8
	incompatZSTD          = 0x10
	incompatBigMetadata   = 0x20
	incompatExtendedIref  = 0x40
	incompatRAID56        = 0x80
	incompatSkinny        = 0x100
	incompatNoHoles       = 0x200
	incompatMetadataUUID  = 0x400
	incompatRAID1C34      = 0x800
	incompatSimpleQuota   = 0x10000
)

// readable are the incompatible features that this reader understands. Not
// among them: zoned, extent_tree_v2, raid_stripe_tree, remap_tree.
const readable = incompatMixedBackref | incompatDefaultSubvol | incompatMixedGroups | incompatLZO | incompatZSTD |
	incompatBigMetadata | incompatExtendedIref | incompatRAID56 | incompatSkinny | incompatNoHoles |
	incompatMetadataUUID | incompatRAID1C34 | incompatSimpleQuota

// knownFlags of the superblock are written, relocated, with errors, seeding, and the two of an image
// without content (btrfs-image). Others mark a change of all nodes that was not finished.
const knownFlags = 1<<0 | 1<<1 | flagErrors | flagSeeding | 1<<33 | 1<<34

const (
	flagErrors  = 1 << 2
	flagSeeding = 1 << 32
)

// incompatNames names bits as /sys/fs/btrfs/features does; a bit without a name is
// its number.
func incompatNames(bits uint64) []string {
	return namesOf(bits, "incompat", []string{
		"mixed_backref", "default_subvol", "mixed_groups", "compress_lzo", "compress_zstd", "big_metadata",
		"extended_iref", "raid56", "skinny_metadata", "no_holes", "metadata_uuid", "raid1c34", "zoned",
		"extent_tree_v2", "raid_stripe_tree", "", "simple_quota", "remap_tree",
	})
}

func namesOf(bits uint64, word string, names []string) []string {
	var out []string
	for i := range 64 {
		switch {
		case bits>>i&1 == 0:
		case i < len(names) && names[i] != "":
			out = append(out, names[i])
		default:
			out = append(out, fmt.Sprintf("%s_%d", word, i))
		}
	}
	return out
}

// features lists the names of all bits that are set, sorted.
func (sb *superblock) features() []string {
	out := incompatNames(sb.incompat)
	out = append(out, namesOf(sb.roCompat, "compat_ro", []string{"free_space_tree", "free_space_tree_valid", "verity", "block_group_tree"})...)
	out = append(out, namesOf(le.Uint64(sb.raw[0xac:]), "compat", nil)...)
	slices.Sort(out)
	return out
}
