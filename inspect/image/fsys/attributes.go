package fsys

import "strings"

// The flags of an inode that programs meet: FS_*_FL in linux/fs.h, where the
// letters of chattr(1) stand for them. Statx(2) has those with
// great letters at the same bits.
const (
	Append    = 0x20
	Encrypted = 0x800
	Immutable = 0x10
	Nodump    = 0x40
	Verity    = 0x100000

	secureDelete = 0x1
	compressed   = 0x4
	undelete     = 0x2
	sync         = 0x8
	noatime      = 0x80
	noCompress   = 0x400
	journalData  = 0x4000
	noTail       = 0x8000
	dirsync      = 0x10000
	topDirectory = 0x20000
	noCOW        = 0x800000
	dax          = 0x2000000
	project      = 0x20000000
	casefold     = 0x40000000
)

// AttributeNames is the form of report.Entry's Attributes: sorted names.
func AttributeNames(flags uint32) string {
	var names []string
	for _, f := range []struct {
		bit  uint32
		name string
	}{
		{Append, "append-only"}, {casefold, "casefold"}, {compressed, "compressed"}, {dax, "dax"}, {dirsync, "dirsync"},
		{Encrypted, "encrypted"}, {Immutable, "immutable"}, {journalData, "journal-data"}, {noCompress, "no-compress"},
		{noCOW, "no-copy-on-write"}, {noTail, "no-tail"}, {noatime, "noatime"}, {Nodump, "nodump"}, {project, "project-inherit"},
		{secureDelete, "secure-delete"}, {sync, "sync"}, {topDirectory, "top-directory"}, {undelete, "undelete"}, {Verity, "verity"},
	} {
		if flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ",")
}
