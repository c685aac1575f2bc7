package xfs

import "strconv"

// settings are what mkfs.xfs(8) was told and the superblock keeps: what
// xfs_info(8) shows, without the counters of what is used.
func (sb *superblock) settings() map[string]string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	u32 := func(at int) string { return number(uint64(be.Uint32(sb.raw[at:]))) }
	m := map[string]string{
		"version":              strconv.Itoa(sb.version),
		"block_size":           number(uint64(sb.blockSize)),
		"blocks":               number(sb.blocks),
		"sector_size":          strconv.Itoa(sb.sectorSize),
		"inode_size":           strconv.Itoa(sb.inodeSize),
		"directory_block_size": number(uint64(sb.blockSize) << (sb.dirLog & 31)),
		"group_blocks":         u32(84),
		"groups":               u32(88),
		"max_inode_percent":    strconv.Itoa(int(sb.raw[127])),
		"log_blocks":           u32(96),
		"log_sunit":            u32(196),
		"sunit":                u32(184),
		"swidth":               u32(188),
		"quota_flags":          "0x" + strconv.FormatUint(uint64(be.Uint16(sb.raw[176:])), 16),
	}
	if realtime := be.Uint64(sb.raw[16:]); realtime != 0 {
		m["realtime_blocks"], m["realtime_extent"] = number(realtime), u32(80)
	}
	if sb.logStart == 0 {
		m["log"] = "external"
	}
	return m
}
