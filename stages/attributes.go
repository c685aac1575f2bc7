package stages

import (
	"maps"
	"slices"

	"github.com/assay-os/assay/report"
)

// An attribute is one extended attribute.
type attribute struct {
	name  string
	value []byte
}

// attributes are those of what is copied: of the recorded list where there is
// one, else of the disk.
func (cp *copier) attributes(from string, entry report.Entry, recorded bool) ([]attribute, error) {
	var list []attribute
	if recorded {
		for _, name := range slices.Sorted(maps.Keys(entry.Xattrs)) {
			list = append(list, attribute{name, []byte(entry.Xattrs[name])})
		}
		return list, nil
	}
	names, err := cp.from.Listxattr(from)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		value, err := cp.from.Getxattr(from, name)
		if err != nil {
			return nil, err
		}
		list = append(list, attribute{name, value})
	}
	return list, nil
}
