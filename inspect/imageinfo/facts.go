package imageinfo

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

type entry = report.Entry

// kindCommit is the subject that upstream calls "ostree/commit".
const kindCommit = "commit"

// timezone is the last part of where /etc/localtime leads.
func (f *facts) timezone() any {
	name := report.Raw("/etc/localtime")
	if f.ostree {
		name = "/usr/etc/localtime"
	}
	i, ok := slices.BinarySearchFunc(f.Files, name, func(e entry, p report.Raw) int { return strings.Compare(string(e.Path), string(p)) })
	if ok && f.Files[i].Target != "" {
		return path.Base(string(f.Files[i].Target))
	}
	if len(f.Files) == 0 && f.Timezone != "" {
		return path.Base(f.Timezone)
	}
	return nil
}

// withAliases adds the other names of the units that are listed, as upstream does
// to make versions of systemd before and since 246 say the same.
func (f *facts) withAliases(units []string) any {
	found := list(units)
	for _, u := range f.Units {
		if u.State == "alias" && slices.Contains(found, u.Of) {
			found = append(found, u.Name)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// packages are NAME-VERSION-RELEASE.ARCH, as rpm -qa prints them.
func (f *facts) packages() any {
	names := []string{}
	for _, p := range f.Packages {
		if p.Manager != "rpm" {
			continue
		}
		version := p.Version
		if _, rest, ok := strings.Cut(version, ":"); ok {
			version = rest
		}
		name := p.Name + "-" + version
		if p.Arch != "" && p.Arch != "(none)" {
			name += "." + p.Arch
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// rpmVerify is not there for a commit of OSTree: upstream does not ask.
func (f *facts) rpmVerify() any {
	if f.ostree {
		return nil
	}
	changed, missing := map[string]string{}, []string{}
	if f.Verification != nil {
		for _, d := range f.Verification.Different {
			switch {
			case d.Manager != "rpm":
			case d.Result == "missing":
				missing = append(missing, string(d.Path))
			default:
				changed[string(d.Path)] = d.Result
			}
		}
	}
	slices.Sort(missing)
	return map[string]any{"changed": changed, "missing": missing}
}

func userLines(users []report.User) any {
	lines := []string{}
	for _, u := range users {
		lines = append(lines, fmt.Sprintf("%s:x:%d:%d:%s:%s:%s", u.Name, u.UID, u.GID, u.Gecos, u.Home, u.Shell))
	}
	slices.Sort(lines)
	return lines
}

func groupLines(groups []report.Group) any {
	lines := []string{}
	for _, g := range groups {
		lines = append(lines, fmt.Sprintf("%s:x:%d:%s", g.Name, g.GID, strings.Join(g.Members, ",")))
	}
	slices.Sort(lines)
	return lines
}

func (f *facts) passwdSystem() any {
	if !f.ostree {
		return nil
	}
	return userLines(f.PasswdSystem)
}

func (f *facts) groupsSystem() any {
	if !f.ostree {
		return nil
	}
	return groupLines(f.GroupsSystem)
}

// noLabel is what setfiles(8) prints for a label that is not there.
const noLabel = "(null)"

func (f *facts) selinux() any {
	found := map[string]any{}
	if f.SELinux != nil && len(f.SELinux.Config) > 0 {
		found["policy"] = f.SELinux.Config
	}
	var mismatches []map[string]string
	for _, m := range f.SELinuxMismatches {
		mismatches = append(mismatches, map[string]string{"filename": string(m.Path), "actual": cmp.Or(m.Actual, noLabel), "expected": m.Expected})
	}
	if len(mismatches) > 0 {
		found["context-mismatch"] = mismatches
	}
	return filled(found)
}

func (f *facts) kind() any {
	if f.ostree {
		return "ostree/commit"
	}
	return nil
}

func (f *facts) ostreeRepo() any {
	if !f.ostree {
		return nil
	}
	refs := []string{}
	if f.OSTree != nil {
		for _, s := range f.OSTree.Refs {
			refs = append(refs, s.Key)
		}
	}
	_, mode, _ := strings.Cut(f.Subject.Format, "ostree-")
	return map[string]any{"refs": refs, "repo": map[string]string{"core.mode": mode}}
}

// formats are qemu's names for ours, where they differ.
func formats() map[string]string { return map[string]string{"vhd": "vpc"} }

func (f *facts) imageFormat() any {
	if f.Disk == nil {
		return nil
	}
	name := f.Disk.Format
	if qemu, ok := formats()[name]; ok {
		name = qemu
	}
	found := map[string]string{"type": name}
	if name == "qcow2" {
		found["compat"] = f.Disk.FormatVersion
	}
	return found
}

func (f *facts) bootloader() any {
	if f.Disk == nil {
		return nil
	}
	if f.Disk.BootCode == "" {
		return "unknown"
	}
	return f.Disk.BootCode
}

// A null is a value that upstream writes as null.
type null struct{}

func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func orNull(s string) any {
	if s == "" {
		return null{}
	}
	return s
}

func (f *facts) partitionTable() any {
	if f.Disk == nil {
		return nil
	}
	switch f.Disk.PartitionTable {
	case "none":
		return null{}
	case "mbr":
		return "dos"
	}
	return f.Disk.PartitionTable
}

func (f *facts) partitionTableID() any {
	if f.Disk == nil {
		return nil
	}
	return orNull(upper(f.Disk.ID, f.Disk.PartitionTable))
}

// upper writes GPT's identifiers as sfdisk does.
func upper(id, table string) string {
	if table == "gpt" {
		return strings.ToUpper(id)
	}
	return id
}

func (f *facts) partitions() any {
	if f.Disk == nil {
		return nil
	}
	if f.Disk.PartitionTable == "none" {
		part := map[string]any{}
		identify(part, f.Disk.Filesystem)
		return []map[string]any{part}
	}
	list := []map[string]any{}
	for i, p := range f.Disk.Partitions {
		list = append(list, f.partition(i, p))
	}
	slices.SortStableFunc(list, func(a, b map[string]any) int { return strings.Compare(a["partuuid"].(string), b["partuuid"].(string)) })
	return list
}

func (f *facts) partition(i int, p report.Partition) map[string]any {
	part := map[string]any{"bootable": p.Bootable, "start": p.Start, "size": p.Size}
	if f.Disk.PartitionTable == "gpt" {
		part["type"], part["partuuid"] = strings.ToUpper(p.Type), strings.ToUpper(p.UUID)
	} else {
		part["type"] = strings.TrimLeft(strings.TrimPrefix(p.Type, "0x"), "0")
		part["partuuid"] = fmt.Sprintf("%s-%02x", strings.TrimPrefix(f.Disk.ID, "0x"), i+1)
	}
	identify(part, p.Filesystem)
	f.volumes(part, p)
	return part
}

// identify says what blkid says of a filesystem.
func identify(part map[string]any, fs *report.Filesystem) {
	part["label"], part["uuid"], part["fstype"] = null{}, null{}, null{}
	if fs != nil {
		part["label"], part["uuid"], part["fstype"] = orNull(fs.Label), orNull(fs.UUID), orNull(fs.Type)
	}
}

// volumes tells of the logical volumes on a partition that upstream takes for one of LVM.
func (f *facts) volumes(part map[string]any, p report.Partition) {
	if t := part["type"]; t != "E6D6D379-F507-44C2-A23C-238F2A3DF928" && t != "8e" {
		return
	}
	volumes, group := map[string]any{}, ""
	for _, m := range f.Disk.Mapped {
		g, name, ok := strings.Cut(m.Name, "/")
		if m.Type != "lvm2" || !ok || !slices.Contains(m.Members, "partition "+strconv.Itoa(p.Index)) {
			continue
		}
		volume := map[string]any{}
		identify(volume, m.Filesystem)
		group, volumes[name] = g, volume
	}
	part["lvm"], part["lvm.vg"], part["lvm.volumes"] = true, group, volumes
}
