package btrfs

import (
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// TopLevel implements fsys.Subvolumes.
func (fs *FS) TopLevel() (fsys.Tree, error) { return fs.view(topLevelTree) }

// Places implements fsys.Subvolumes.
func (fs *FS) Places() (map[uint64]report.Raw, uint64, error) {
	standard, err := fs.defaultSubvolume()
	if err != nil {
		return nil, 0, err
	}
	all, err := fs.Subvolumes()
	if err != nil {
		return nil, 0, err
	}
	places := make(map[uint64]report.Raw, len(all))
	for _, s := range all {
		places[s.ID] = "/" + s.Path
	}
	return places, standard, nil
}
