package inspect

import (
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// mapped is the record of the device that a volume lies on; nil when that is
// a partition or the whole disk.
func (in *inspection) mapped(v *volume) *report.MappedDevice {
	if in.report.Disk == nil || v.Mapped == "" {
		return nil
	}
	for i := range in.report.Disk.Mapped {
		if m := &in.report.Disk.Mapped[i]; m.Name == v.Mapped {
			return m
		}
	}
	return nil
}

// carrier is the number of the partition whose type tells of a volume: the one
// that it lies on, plain or encrypted; 0 for none.
func (in *inspection) carrier(v *volume) int {
	m := in.mapped(v)
	if m == nil || m.Type != "crypt" || len(m.Members) != 1 {
		return v.Partition
	}
	n := 0
	if _, err := fmt.Sscanf(m.Members[0], "partition %d", &n); err != nil {
		return 0
	}
	return n
}

// isMapped tells whether spec is a path at which udev and the device mapper
// show the device of a volume.
func (in *inspection) isMapped(v *volume, spec string, volumes []*volume) bool {
	m := in.mapped(v)
	if m == nil {
		return false
	}
	name, isMapper := strings.CutPrefix(spec, "/dev/mapper/")
	if !isMapper {
		name, isMapper = strings.CutPrefix(spec, "/dev/disk/by-id/dm-name-")
	}
	switch {
	case m.Type == "lvm2" && !isMapper:
		return spec == "/dev/"+m.Name
	case m.Type == "lvm2":
		return name == mapperName(m.Name)
	case m.Type == "crypt" && isMapper:
		return name == m.Name || named(volumes, name, m.UUID)
	case m.Type == "raid":
		return spec == "/dev/"+m.Name
	}
	return false
}

// mapperName is the device mapper's name of a logical volume: a hyphen joins
// group and volume, and one within them is doubled (lvm(8)).
func mapperName(name string) string {
	return strings.Replace(strings.ReplaceAll(name, "-", "--"), "/", "-", 1)
}

// named tells whether a crypttab(5) of the image gives an encrypted volume a
// name.
func named(volumes []*volume, name, uuid string) bool {
	for _, v := range volumes {
		data, err := v.whole().view().ReadFile("/etc/crypttab", section.MaxTable)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) < 2 || f[0] != name {
				continue
			}
			if tag, value := specTag(f[1]); tag == "UUID" && strings.EqualFold(value, uuid) {
				return true
			}
		}
	}
	return false
}
