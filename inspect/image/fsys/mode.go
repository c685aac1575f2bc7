package fsys

import "github.com/assay-os/assay/report"

// TypeOf is the type in a mode of stat(2), as most filesystems store it; empty when there
// is no such type.
func TypeOf(mode uint32) report.Type {
	switch mode & 0o170000 {
	case 0o100000:
		return report.File
	case 0o040000:
		return report.Directory
	case 0o120000:
		return report.Symlink
	case 0o020000:
		return report.Char
	case 0o060000:
		return report.Block
	case 0o010000:
		return report.FIFO
	case 0o140000:
		return report.Socket
	}
	return ""
}

// TypeOfName is the type that a directory's entry says: FT_* in linux/fs_types.h, as ext4,
// xfs, btrfs and erofs store it. It is empty when there is no such type.
func TypeOfName(kind byte) report.Type {
	kinds := [...]report.Type{"", report.File, report.Directory, report.Char, report.Block, report.FIFO, report.Socket, report.Symlink}
	if int(kind) < len(kinds) {
		return kinds[kind]
	}
	return ""
}
