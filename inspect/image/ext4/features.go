package ext4

import "slices"

// The feature bits that a reader has to know: ext4.h.
const (
	compatHasJournal   = 0x4
	compatSparseSuper2 = 0x200
	compatFastCommit   = 0x400

	incompatFiletype   = 0x2
	incompatRecover    = 0x4
	incompatJournalDev = 0x8
	incompatMetaBG     = 0x10
	incompatExtents    = 0x40
	incompat64Bit      = 0x80
	incompatMMP        = 0x100
	incompatFlexBG     = 0x200
	incompatEAInode    = 0x400
	incompatCsumSeed   = 0x2000
	incompatLargeDir   = 0x4000
	incompatInlineData = 0x8000
	incompatEncrypt    = 0x10000
	incompatCasefold   = 0x20000

	roSparseSuper  = 0x1
	roLargeFile    = 0x2
	roBtreeDir     = 0x4
	roHugeFile     = 0x8
	roGDTCsum      = 0x10
	roBigalloc     = 0x200
	roMetadataCsum = 0x400
	roProject      = 0x2000
)

// readable are the incompatible features that this reader understands.
const readable = incompatFiletype | incompatRecover | incompatMetaBG | incompatExtents | incompat64Bit |
	incompatMMP | incompatFlexBG | incompatEAInode | incompatCsumSeed | incompatLargeDir |
	incompatInlineData | incompatEncrypt | incompatCasefold

// The features of ext2 and ext3; any other makes a filesystem ext4, as
// blkid(8) names it.
const (
	oldRO       = roSparseSuper | roLargeFile | roBtreeDir
	oldIncompat = incompatFiletype | incompatMetaBG
)

// featureNames are the names by which mke2fs(8) knows each bit of the three words.
func featureNames(word int) []string {
	return [3][]string{
		{"dir_prealloc", "imagic_inodes", "has_journal", "ext_attr", "resize_inode", "dir_index", "lazy_bg",
			"exclude_inode", "snapshot_bitmap", "sparse_super2", "fast_commit", "stable_inodes", "orphan_file"},
		{"compression", "filetype", "needs_recovery", "journal_dev", "meta_bg", "", "extent", "64bit", "mmp", "flex_bg",
			"ea_inode", "", "dirdata", "metadata_csum_seed", "large_dir", "inline_data", "encrypt", "casefold"},
		{"sparse_super", "large_file", "", "huge_file", "uninit_bg", "dir_nlink", "extra_isize", "snapshot", "quota",
			"bigalloc", "metadata_csum", "replica", "read-only", "project", "shared_blocks", "verity", "orphan_present"},
	}[word]
}

// features lists the names of all bits that are set, sorted.
func (sb *superblock) features() []string {
	var out []string
	for word, bits := range [3]uint32{sb.compat, sb.incompat, sb.roCompat} {
		out = append(out, namesOf(word, bits)...)
	}
	slices.Sort(out)
	return out
}

// namesOf names the bits of one word; a bit without a name is FEATURE_C5, as
// e2fsprogs writes it.
func namesOf(word int, bits uint32) []string {
	var out []string
	names := featureNames(word)
	for i := range 32 {
		switch {
		case bits>>i&1 == 0:
		case i < len(names) && names[i] != "":
			out = append(out, names[i])
		default:
			out = append(out, "FEATURE_"+"CIR"[word:word+1]+itoa(i))
		}
	}
	return out
}

// kind is the name of the filesystem's type.
func (sb *superblock) kind() string {
	switch {
	case sb.incompat&incompatJournalDev != 0:
		return "jbd"
	case sb.roCompat&^oldRO != 0 || sb.incompat&^(oldIncompat|incompatRecover) != 0:
		return "ext4"
	case sb.compat&compatHasJournal != 0:
		return "ext3"
	default:
		return "ext2"
	}
}
