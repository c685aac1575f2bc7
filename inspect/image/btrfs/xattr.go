package btrfs

import (
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// addXattrs decodes the attributes of one hash. They lie as the kernel shows
// them, access lists too.
func (f *found) addXattrs(data []byte) {
	entries, err := dirEntries(data)
	if err != nil {
		f.err = fsys.Reasons(f.err, fmt.Errorf("inode %d: attributes: %w", f.number, err))
	}
	if f.xattrs == nil && len(entries) > 0 {
		f.xattrs = map[string]report.Raw{}
	}
	for _, e := range entries {
		f.xattrs[string(e.name)] = report.Raw(e.data)
	}
}
