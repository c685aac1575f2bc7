package ext4

import (
	"bytes"
	"fmt"
	"strconv"
)

// settings are what the superblock tells the kernel to do, as far as it is not
// told otherwise at the mount, and what statfs(2) shows of it: ext4.h, tune2fs(8).
func (sb *superblock) settings() map[string]string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	reserved := uint64(le.Uint32(sb.raw[0x8:]))
	if sb.incompat&incompat64Bit != 0 {
		reserved |= uint64(le.Uint32(sb.raw[0x154:])) << 32
	}
	options, _, _ := bytes.Cut(sb.raw[0x200:0x240], []byte{0})
	m := map[string]string{
		"block_size":            number(1024 << (uint64(sb.logBlock) & 63)),
		"blocks":                number(sb.blocks),
		"inodes":                number(uint64(sb.inodes)),
		"reserved_blocks":       number(reserved),
		"reserved_uid":          number(uint64(le.Uint16(sb.raw[0x50:]))),
		"reserved_gid":          number(uint64(le.Uint16(sb.raw[0x52:]))),
		"errors":                number(uint64(le.Uint16(sb.raw[0x3c:]))),
		"default_mount_options": fmt.Sprintf("%#x", le.Uint32(sb.raw[0x100:])),
		"flags":                 fmt.Sprintf("%#x", le.Uint32(sb.raw[0x160:])),
	}
	if len(options) > 0 {
		m["mount_options"] = string(options)
	}
	const damaged = 2 // EXT4_ERROR_FS
	if le.Uint16(sb.raw[0x3a:])&damaged != 0 {
		m["state"] = "with errors"
	}
	return m
}
