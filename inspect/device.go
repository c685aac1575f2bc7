package inspect

import (
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

// findVolume finds what fstab's first field means among the image's own
// volumes; nil when it means none of them (proc, tmpfs, another disk).
func (in *inspection) findVolume(volumes []*volume, spec string) *volume {
	tag, value := specTag(spec)
	for _, v := range volumes {
		if value != "" && sameTag(tag, in.volumeTag(v, tag), value) || in.isMapped(v, spec, volumes) {
			return v
		}
	}
	return nil
}

// sameTag compares labels exactly and UUIDs in any case.
func sameTag(tag, a, b string) bool {
	if strings.HasSuffix(tag, "LABEL") {
		return a == b
	}
	return strings.EqualFold(a, b)
}

// specTag splits a spec into the tag by which it names a device and the value
// (fstab(5); the links in /dev/disk are udev's persistent names).
func specTag(spec string) (tag, value string) {
	for _, tag := range []string{"UUID", "LABEL", "PARTUUID", "PARTLABEL"} {
		if rest, ok := strings.CutPrefix(spec, tag+"="); ok {
			return tag, strings.Trim(rest, `"`)
		}
		if rest, ok := strings.CutPrefix(spec, "/dev/disk/by-"+strings.ToLower(tag)+"/"); ok {
			return tag, rest
		}
	}
	return "number", partitionNumber(spec)
}

// partitionNumber is N of /dev/sdaN, /dev/vdaN, /dev/nvme0n1pN, /dev/mmcblk0pN;
// "" of any other name. Which disk it is cannot be known from one image, so
// only the first of its kind is meant.
func partitionNumber(spec string) string {
	name, ok := strings.CutPrefix(spec, "/dev/")
	if !ok {
		return ""
	}
	for _, disk := range []string{"sda", "vda", "hda", "xvda", "nvme0n1p", "mmcblk0p"} {
		if number, ok := strings.CutPrefix(name, disk); ok {
			if n, err := strconv.ParseUint(number, 10, 16); err == nil && n > 0 {
				return strconv.FormatUint(n, 10)
			}
		}
	}
	return ""
}

// volumeTag is the volume's value of a tag; "" when it has none.
func (in *inspection) volumeTag(v *volume, tag string) string {
	switch tag {
	case "UUID":
		return v.Filesystem.UUID
	case "LABEL":
		return v.Filesystem.Label
	}
	p := in.partition(v.Partition)
	if p == nil {
		return ""
	}
	switch tag {
	case "PARTUUID":
		return in.report.Disk.PartUUID(*p)
	case "PARTLABEL":
		return p.Label
	default:
		return strconv.Itoa(p.Index)
	}
}

func (in *inspection) partition(index int) *report.Partition {
	if in.report.Disk == nil || index == 0 {
		return nil
	}
	for i := range in.report.Disk.Partitions {
		if p := &in.report.Disk.Partitions[i]; p.Index == index {
			return p
		}
	}
	return nil
}
