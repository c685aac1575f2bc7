package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// rawName is a name where a finding has a path.
func rawName(s string) report.Raw { return report.Raw(s) }

// startRules find what keeps a system from starting as it should.
func startRules() []Rule {
	return []Rule{
		{
			ID: "boot-file", Level: Error, needs: []string{"boot", "files"},
			Summary: "a boot entry names a file that is not there", Reason: "the entry does not boot",
			Fix:   "install the kernel again, or remove the entry",
			check: bootFiles,
		},
		{
			ID: "kernel-without-initramfs", Level: Warning, needs: []string{"boot", "files"},
			Summary: "a kernel has no initramfs", Reason: "it finds its root only if all drivers are in the kernel and no UUID is to be looked up",
			Fix:   "make the initramfs (update-initramfs -c -k all, dracut --regenerate-all)",
			check: kernelsWithoutInitramfs,
		},
		{
			ID: "fstab-nothing", Level: Error, needs: []string{"fstab", "disk"},
			Summary: "a line of fstab names a filesystem that the disk does not have", Reason: "the boot waits for it, and ends in the emergency shell",
			Fix:   "correct the line, or add the option nofail",
			check: fstabNothing,
		},
		{
			ID: "mount-point", Level: Warning, needs: []string{"fstab", "files"},
			Summary: "a line of fstab mounts on a directory that is not there", Reason: "on a root that cannot be written the mount fails",
			Fix: "make the directory",
			check: func(s *subject) []found {
				var list []found
				for _, l := range s.Fstab {
					if strings.HasPrefix(l.File, "/") && !atRuntime(l.File) && !s.resolve(l.File) {
						list = append(list, found{report.Raw(l.File), l.Spec})
					}
				}
				return list
			},
		},
		{
			ID: "unit-nothing", Level: Warning, needs: []string{"services", "files"},
			Summary: "what starts a unit leads to none", Reason: "systemd cannot start what is not there",
			Fix:   "remove the link, or install the unit",
			check: unitsOfNothing,
		},
	}
}

// bootFiles looks for what entries name below / and below /boot, since a loader counts
// from the root of its own filesystem.
func bootFiles(s *subject) []found {
	var list []found
	for _, b := range s.Boot {
		for _, name := range append([]string{b.Linux}, strings.Fields(b.Initrd)...) {
			name = loaderPath(name)
			if name == "" || s.resolve(name) || s.resolve("/boot"+name) || s.resolve("/efi"+name) || s.resolve("/boot/efi"+name) || s.aside(name) {
				continue
			}
			list = append(list, found{report.Raw(b.Source), fmt.Sprintf("%q names %s", b.Title, name)})
		}
	}
	return list
}

// loaderPath is a path as a loader writes it, without its device; empty for what holds
// variables.
func loaderPath(name string) string {
	if strings.HasPrefix(name, "(") {
		if i := strings.Index(name, ")"); i > 0 {
			name = name[i+1:]
		}
	}
	if strings.Contains(name, "$") || !strings.HasPrefix(name, "/") {
		return ""
	}
	return path.Clean(strings.ReplaceAll(name, `\`, "/"))
}

// aside tells whether a filesystem that nothing mounts has the path.
func (s *subject) aside(name string) bool {
	return slices.ContainsFunc(s.Files, func(e report.Entry) bool {
		return !strings.HasPrefix(string(e.Path), "/") && strings.HasSuffix(string(e.Path), ":"+name)
	})
}

func kernelsWithoutInitramfs(s *subject) []found {
	named := map[string]bool{}
	for _, b := range s.Boot {
		if b.Initrd == "" && !strings.HasSuffix(b.Linux, ".efi") {
			named[path.Base(b.Linux)] = true
		}
	}
	var list []found
	for _, e := range s.below("/boot") {
		version, ok := strings.CutPrefix(string(e.Path), "/boot/vmlinuz-")
		if !ok || e.Type != report.File || strings.Contains(version, "/") {
			continue
		}
		there := slices.ContainsFunc([]string{"initrd.img-" + version, "initramfs-" + version + ".img", "initrd-" + version}, func(n string) bool {
			return s.Entry("/boot/"+n) != nil
		})
		if !there && named[path.Base(string(e.Path))] {
			list = append(list, found{e.Path, "no initramfs of " + version + " is in /boot, and a boot entry names none"})
		}
	}
	return list
}

// fstabNothing looks at the lines that name a filesystem of the disk.
func fstabNothing(s *subject) []found {
	if s.Disk == nil {
		return nil
	}
	has := map[string]bool{}
	filesystem := func(f *report.Filesystem) {
		if f != nil {
			has["UUID="+strings.ToLower(f.UUID)], has["LABEL="+f.Label] = true, true
		}
	}
	filesystem(s.Disk.Filesystem)
	for _, p := range s.Disk.Partitions {
		has["PARTUUID="+strings.ToLower(p.UUID)], has["PARTLABEL="+p.Label] = true, true
		filesystem(p.Filesystem)
	}
	for _, m := range s.Disk.Mapped {
		has["UUID="+strings.ToLower(m.UUID)] = true
		filesystem(m.Filesystem)
	}
	var list []found
	for _, l := range s.Fstab {
		tag, value, ok := strings.Cut(l.Spec, "=")
		options := strings.Split(l.Options, ",")
		if !ok || slices.Contains(options, "nofail") || slices.Contains(options, "noauto") {
			continue
		}
		value = strings.Trim(value, `"`)
		if strings.HasSuffix(tag, "UUID") {
			value = strings.ToLower(value)
		}
		if !has[tag+"="+value] {
			list = append(list, found{report.Raw(l.File), l.Spec + " is not on the disk"})
		}
	}
	return list
}

// unitsOfNothing are the links in *.wants and *.requires that lead nowhere.
func unitsOfNothing(s *subject) []found {
	var list []found
	for _, dir := range []string{"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"} {
		for _, e := range s.below(dir) {
			in := path.Dir(string(e.Path))
			if e.Type != report.Symlink || !strings.HasSuffix(in, ".wants") && !strings.HasSuffix(in, ".requires") {
				continue
			}
			target := string(e.Target)
			if !strings.HasPrefix(target, "/") {
				target = in + "/" + target
			}
			if !s.resolve(target) && !s.unit(path.Base(string(e.Path))) {
				list = append(list, found{e.Path, "it leads to " + e.Target.String()})
			}
		}
	}
	return list
}

// unit tells whether a unit of that name, or its template, is in one of
// systemd's directories: a link counts by its name.
func (s *subject) unit(name string) bool {
	names := []string{name}
	if i := strings.Index(name, "@"); i > 0 {
		names = append(names, name[:i+1]+path.Ext(name))
	}
	for _, dir := range []string{"/etc/systemd/system/", "/usr/local/lib/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/"} {
		for _, n := range names {
			if s.resolve(dir + n) {
				return true
			}
		}
	}
	return false
}
