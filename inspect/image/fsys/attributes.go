package fsys

import "strings"

// The flags of an inode that programs meet: FS_*_FL in linux/fs.h, where the
// letters of chattr(1) stand for them. Statx(2) has the first four at the same bits.
const (
	Append    = 0x20
	Immutable = 0x10
	Nodump    = 0x40
	Verity    = 0x100000

	sync        = 0x8
	noatime     = 0x80
	journalData = 0x4000
	dirsync     = 0x10000
	dax         = 0x2000000
	project     = 0x20000000
	casefold    = 0x40000000
)

// AttributeNames is the form of report.Entry's Attributes: sorted names.
func AttributeNames(flags uint32) string {
	var names []string
	for _, f := range []struct {
		bit  uint32
		name string
	}{
		{Append, "append-only"}, {casefold, "casefold"}, {dax, "dax"}, {dirsync, "dirsync"}, {Immutable, "immutable"},
		{journalData, "journal-data"}, {noatime, "noatime"}, {Nodump, "nodump"}, {project, "project-inherit"},
		{sync, "sync"}, {Verity, "verity"},
	} {
		if flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ",")
}
