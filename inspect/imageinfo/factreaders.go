package imageinfo

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

func factReaders() map[string]reader {
	return map[string]reader{
		"bootloader": into(func(d *decoder, v string) {
			if v != "unknown" {
				d.disk().BootCode = v
			}
		}),
		"default-target": into(func(d *decoder, v string) { d.report.Services.DefaultTarget = v }),
		"firewall-enabled": into(func(d *decoder, v []string) {
			d.report.Firewalld = &report.Firewalld{Zones: []report.FirewallZone{{Services: v}}}
			d.partly("firewalld", "image-info records the services of the default zone only")
		}),
		"groups":             into(func(d *decoder, v []string) { d.report.Groups = readGroups(v); d.ok("groups") }),
		"groups-system":      into(func(d *decoder, v []string) { d.report.GroupsSystem = readGroups(v); d.ok("groups-system") }),
		"image-format":       into(readImageFormat),
		"ostree":             into(readOSTree),
		"packages":           into(readPackages),
		"partition-table":    into(readTable),
		"partition-table-id": into(func(d *decoder, v *string) { d.disk().ID = lower(v) }),
		"partitions":         into(readPartitions),
		"passwd":             into(func(d *decoder, v []string) { d.report.Users = readUsers(v); d.ok("users") }),
		"passwd-system":      into(func(d *decoder, v []string) { d.report.PasswdSystem = readUsers(v); d.ok("passwd-system") }),
		"rpm-verify":         into(readVerify),
		"selinux":            into(readSELinux),
		"services-disabled":  into(func(d *decoder, v []string) { d.report.Services.Disabled = v; d.ok("services") }),
		"services-enabled":   into(func(d *decoder, v []string) { d.report.Services.Enabled = v; d.ok("services") }),
		"timezone": into(func(d *decoder, v string) {
			d.report.Timezone = v
			d.partly("timezone", "image-info records the last part of the zone's name only")
		}),
		"type": into(func(d *decoder, v string) {
			if strings.HasPrefix(v, "ostree/") {
				d.report.Subject.Kind = kindCommit
			}
		}),
	}
}

// disk is the report's disk: a document that says something of one has one.
func (d *decoder) disk() *report.Disk {
	if d.report.Disk == nil {
		d.report.Disk = &report.Disk{Partitions: []report.Partition{}, SectorSize: 512, PartitionTable: "none"}
		d.report.Subject.Kind = "disk"
		d.partly("disk", "image-info records the partition table only, and no byte around the filesystems")
	}
	return d.report.Disk
}

func lower(s *string) string {
	if s == nil {
		return ""
	}
	return strings.ToLower(*s)
}

func readImageFormat(d *decoder, v struct{ Type, Compat string }) {
	name := v.Type
	for ours, qemus := range formats() {
		if name == qemus {
			name = ours
		}
	}
	d.disk().Format, d.disk().FormatVersion, d.report.Subject.Format = name, v.Compat, name
}

func readTable(d *decoder, v *string) {
	switch {
	case v == nil:
		d.disk().PartitionTable = "none"
	case *v == "dos":
		d.disk().PartitionTable = "mbr"
	default:
		d.disk().PartitionTable = *v
	}
}

// A recordedPart is a partition, or the filesystem of a disk without a table.
type recordedPart struct {
	Bootable    bool
	Start, Size int64
	Type        *string
	PartUUID    *string
	Label       *string
	UUID        *string
	FSType      *string
	LVM         bool                    `json:"lvm"`
	Group       string                  `json:"lvm.vg"`
	Volumes     map[string]recordedPart `json:"lvm.volumes"`
}

func (p recordedPart) filesystem() *report.Filesystem {
	if p.FSType == nil && p.UUID == nil && p.Label == nil {
		return nil
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return &report.Filesystem{Type: text(p.FSType), UUID: text(p.UUID), Label: text(p.Label)}
}

// readPartitions numbers partitions by their place, where the numbers are not
// recorded: an MBR's partition is called after its own.
func readPartitions(d *decoder, parts []recordedPart) {
	disk := d.disk()
	if len(parts) == 1 && parts[0].Type == nil {
		disk.Filesystem = parts[0].filesystem()
		return
	}
	slices.SortStableFunc(parts, func(a, b recordedPart) int {
		if byName := strings.Compare(lower(a.PartUUID), lower(b.PartUUID)); len(lower(a.Type)) <= 2 {
			return byName
		}
		return cmp.Compare(a.Start, b.Start)
	})
	for i, p := range parts {
		part := report.Partition{Index: i + 1, Start: p.Start, Size: p.Size, Type: lower(p.Type), UUID: lower(p.PartUUID), Bootable: p.Bootable, Filesystem: p.filesystem()}
		if len(part.Type) <= 2 {
			part.Type = fmt.Sprintf("0x%02s", part.Type)
		}
		disk.Partitions = append(disk.Partitions, part)
		for _, name := range sortedKeys(p.Volumes) {
			disk.Mapped = append(disk.Mapped, report.MappedDevice{
				Name: p.Group + "/" + name, Type: "lvm2", Members: []string{"partition " + strconv.Itoa(i+1)}, Filesystem: p.Volumes[name].filesystem(),
			})
		}
	}
}

func sortedKeys[T any](m map[string]T) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func readOSTree(d *decoder, v struct {
	Refs []string
	Repo map[string]string
},
) {
	d.report.OSTree = &report.OSTree{}
	for _, ref := range v.Refs {
		d.report.OSTree.Refs = append(d.report.OSTree.Refs, report.Setting{Key: ref})
	}
	d.report.Subject.Format = "ostree-" + v.Repo["core.mode"]
	d.partly("ostree", "image-info records names of branches only")
}

// readPackages takes NAME-VERSION-RELEASE.ARCH apart. A key of rpm has no architecture.
func readPackages(d *decoder, names []string) {
	for _, nvra := range names {
		p := report.Package{Manager: "rpm"}
		rest := nvra
		if i := strings.LastIndexByte(rest, '.'); i >= 0 && !strings.HasPrefix(rest, "gpg-pubkey-") {
			rest, p.Arch = rest[:i], rest[i+1:]
		}
		p.Name = rest
		if i := strings.LastIndexByte(rest, '-'); i > 0 {
			if j := strings.LastIndexByte(rest[:i], '-'); j > 0 {
				p.Name, p.Version = rest[:j], rest[j+1:]
			}
		}
		d.report.Packages = append(d.report.Packages, p)
	}
	slices.SortStableFunc(d.report.Packages, func(a, b report.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.Arch, b.Arch))
	})
	d.ok("packages")
}

func readUsers(lines []string) []report.User {
	users := []report.User{}
	for _, line := range lines {
		f := append(strings.Split(line, ":"), make([]string, 7)...)
		users = append(users, report.User{Name: f[0], UID: number(f[2]), GID: number(f[3]), Gecos: f[4], Home: f[5], Shell: f[6], Password: "not recorded"})
	}
	slices.SortStableFunc(users, func(a, b report.User) int { return strings.Compare(a.Name, b.Name) })
	return users
}

func readGroups(lines []string) []report.Group {
	groups := []report.Group{}
	for _, line := range lines {
		f := append(strings.Split(line, ":"), make([]string, 4)...)
		g := report.Group{Name: f[0], GID: number(f[2])}
		if f[3] != "" {
			g.Members = strings.Split(f[3], ",")
		}
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b report.Group) int { return strings.Compare(a.Name, b.Name) })
	return groups
}

func number(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

func readVerify(d *decoder, v struct {
	Changed map[string]string
	Missing []string
},
) {
	d.report.Verification = &report.Verification{Different: []report.Difference{}}
	for path, result := range v.Changed {
		d.report.Verification.Different = append(d.report.Verification.Different, report.Difference{Path: report.Raw(path), Manager: "rpm", Result: result})
	}
	for _, path := range v.Missing {
		d.report.Verification.Different = append(d.report.Verification.Different, report.Difference{Path: report.Raw(path), Manager: "rpm", Result: "missing"})
	}
	slices.SortFunc(d.report.Verification.Different, func(a, b report.Difference) int {
		return cmp.Or(strings.Compare(string(a.Path), string(b.Path)), strings.Compare(a.Result, b.Result))
	})
	d.ok("verification")
}

func readSELinux(d *decoder, v struct {
	Policy     map[string]string
	Mismatches []struct{ Filename, Actual, Expected string } `json:"context-mismatch"`
},
) {
	d.report.SELinux = &report.SELinux{Mode: cmp.Or(v.Policy["SELINUX"], "unset"), ModeAtBoot: "not recorded", Type: v.Policy["SELINUXTYPE"], Config: v.Policy}
	for _, m := range v.Mismatches {
		if m.Actual == noLabel {
			m.Actual = ""
		}
		d.report.SELinuxMismatches = append(d.report.SELinuxMismatches, report.LabelMismatch{Path: report.Raw(m.Filename), Actual: m.Actual, Expected: m.Expected, Kind: kindOf(m.Actual, m.Expected)})
	}
	d.partly("selinux", "image-info records the configuration only, not the policy")
	d.ok("selinux-mismatches")
}

// kindOf is the first part of two contexts that differs.
func kindOf(actual, expected string) string {
	if actual == "" {
		return "missing"
	}
	a, b := append(strings.SplitN(actual, ":", 4), make([]string, 4)...), append(strings.SplitN(expected, ":", 4), make([]string, 4)...)
	for _, part := range []struct {
		index int
		name  string
	}{{2, "type"}, {1, "role"}, {0, "user"}} {
		if a[part.index] != b[part.index] {
			return part.name
		}
	}
	return "range"
}
