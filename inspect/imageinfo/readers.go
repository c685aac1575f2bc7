package imageinfo

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

type (
	reader          = func(*decoder, json.RawMessage) error
	vars            = map[string]string
	texts           = map[string][]string
	grouped2[T any] map[string]map[string]T // directory, file
)

// readers read the keys. What stands in files becomes the text of these files
// again, written so that it reads back as the same.
func readers() map[string]reader {
	all := factReaders()
	maps.Copy(all, fileReaders())
	return all
}

func fileReaders() map[string]reader {
	lines := into(func(d *decoder, v grouped2[[]string]) { eachFile(d, v, func(l []string) []string { return l }) })
	return map[string]reader{
		"/etc/dnf/automatic.conf": into(func(d *decoder, v ini) { d.files["/etc/dnf/automatic.conf"] = iniLines(v) }),
		"/etc/resolv.conf": into(func(d *decoder, v []string) {
			if len(v) > 0 {
				d.files["/resolv.conf"] = v
			}
		}),
		"/etc/udev/rules.d": into(func(d *decoder, v texts) { d.below("/etc/udev/rules.d", v) }),
		"authselect":        into(readAuthselect),
		"boot-environment":  into(func(d *decoder, v vars) { d.files["/boot/grub2/grubenv"] = varLines(v) }),
		"bootmenu":          into(readBootmenu),
		"chrony":            into(readChrony),
		"cloud-init": into(func(d *decoder, v grouped2[json.RawMessage]) {
			eachFile(d, v, func(raw json.RawMessage) []string { return []string{string(raw)} })
		}),
		"container-images": into(readImages),
		"dnf":              into(readDNF),
		"dracut":           into(func(d *decoder, v grouped2[vars]) { eachFile(d, v, varLines) }),
		"firewall-default-zone": into(func(d *decoder, v string) {
			d.files["/etc/firewalld/firewalld.conf"] = varLines(vars{"DefaultZone": v})
		}),
		"fstab":           into(readFstab),
		"hostname":        into(readHostname),
		"hosts":           into(func(d *decoder, v []string) { d.files["/etc/hosts"] = v }),
		"keyboard":        into(readKeyboard),
		"locale":          into(readLocale),
		"machine-id":      into(readMachineID),
		"modprobe":        into(func(d *decoder, v grouped2[texts]) { eachFile(d, v, blacklistLines) }),
		"os-release":      into(readOSRelease),
		"rhsm":            into(readRhsm),
		"security-limits": lines, "ssh_config": lines, "sshd_config": lines, "sysctl.d": lines, "tmpfiles.d": lines,
		"sudoers":   into(readSudoers),
		"sysconfig": into(readSysconfig),
		"systemd-logind": into(func(d *decoder, v grouped2[vars]) {
			eachFile(d, v, func(o vars) []string { return iniLines(ini{"Login": o}) })
		}),
		"systemd-service-dropins": into(readDropins),
		"tuned":                   into(func(d *decoder, v vars) { d.singles("/etc/tuned", v) }),
		"yum_repos":               into(func(d *decoder, v grouped2[ini]) { eachFile(d, v, iniLines) }),
	}
}

func eachFile[T any](d *decoder, v grouped2[T], lines func(T) []string) {
	for dir, files := range v {
		for name, content := range files {
			d.files[path.Join(dir, name)] = lines(content)
		}
	}
}

func (d *decoder) below(dir string, files texts) {
	for name, lines := range files {
		d.files[path.Join(dir, name)] = lines
	}
}

// singles are files that hold one value each.
func (d *decoder) singles(dir string, values vars) {
	for name, value := range values {
		d.files[path.Join(dir, name)] = strings.Split(value, "\n")
	}
}

func varLines(v vars) []string {
	lines := []string{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		lines = append(lines, name+`="`+v[name]+`"`)
	}
	return lines
}

func iniLines(v ini) []string {
	lines := []string{}
	for _, section := range slices.Sorted(maps.Keys(v)) {
		lines = append(lines, "["+section+"]")
		for _, name := range slices.Sorted(maps.Keys(v[section])) {
			value := strings.Split(v[section][name], "\n")
			lines = append(lines, name+" = "+value[0])
			for _, more := range value[1:] {
				lines = append(lines, "\t"+more)
			}
		}
	}
	return lines
}

func blacklistLines(v texts) []string {
	lines := []string{}
	for _, module := range v["blacklist"] {
		lines = append(lines, "blacklist "+module)
	}
	return lines
}

func readAuthselect(d *decoder, v struct {
	Profile  string   `json:"profile-id"`
	Features []string `json:"enabled-features"`
},
) {
	d.files["/etc/authselect/authselect.conf"] = append([]string{v.Profile}, v.Features...)
	d.report.Authselect = &report.Authselect{Profile: v.Profile, Features: v.Features}
	d.ok("authselect")
}

// bootRecorded is the state of the boot entries: those of other loaders are not told.
const bootRecorded = "image-info records entries of the Boot Loader Specification only"

// readBootmenu gives the entries files again, whose names are not recorded.
func readBootmenu(d *decoder, entries []vars) {
	for i, entry := range entries {
		name := fmt.Sprintf("/boot/loader/entries/entry-%02d.conf", i+1)
		var lines []string
		for _, key := range slices.Sorted(maps.Keys(entry)) {
			lines = append(lines, key+" "+entry[key])
		}
		d.files[name] = lines
		d.report.Boot = append(d.report.Boot, report.BootEntry{Source: name, Title: entry["title"], Linux: entry["linux"], Initrd: entry["initrd"], Options: entry["options"]})
	}
	d.partly("boot", bootRecorded)
}

func readChrony(d *decoder, v texts) {
	lines := []string{}
	for _, directive := range slices.Sorted(maps.Keys(v)) {
		for _, arguments := range v[directive] {
			lines = append(lines, directive+" "+arguments)
		}
	}
	d.files["/etc/chrony.conf"] = lines
}

func readImages(d *decoder, images []struct {
	Id, Digest, Created string
	Names               []string
}) {
	type image struct {
		ID      string   `json:"id"`
		Digest  string   `json:"digest"`
		Names   []string `json:"names"`
		Created string   `json:"created,omitempty"`
	}
	list := []image{}
	for _, i := range images {
		list = append(list, image{i.Id, i.Digest, i.Names, i.Created})
	}
	data, err := json.Marshal(list)
	if err != nil {
		return // texts always encode
	}
	d.files["/var/lib/containers/storage/overlay-images/images.json"] = []string{string(data)}
}

func readDNF(d *decoder, v struct {
	Conf ini  `json:"dnf.conf"`
	Vars vars `json:"vars"`
},
) {
	if v.Conf != nil {
		d.files["/etc/dnf/dnf.conf"] = iniLines(v.Conf)
	}
	d.singles("/etc/dnf/vars", v.Vars)
}

func readFstab(d *decoder, rows [][]string) {
	for _, f := range rows {
		d.files["/etc/fstab"] = append(d.files["/etc/fstab"], strings.Join(f, " "))
		f = append(slices.Clone(f), make([]string, 6)...)
		e := report.FstabEntry{Spec: f[0], File: f[1], VfsType: f[2], Options: f[3]}
		fmt.Sscan(f[4], &e.Freq)   //nolint:errcheck // what is no number is 0, as mount(8) has it
		fmt.Sscan(f[5], &e.Passno) //nolint:errcheck // the same
		d.report.Fstab = append(d.report.Fstab, e)
	}
	slices.SortStableFunc(d.report.Fstab, func(a, b report.FstabEntry) int { return strings.Compare(a.Spec, b.Spec) })
	d.ok("fstab")
}

func readHostname(d *decoder, name string) {
	d.files["/etc/hostname"] = []string{name}
	d.report.Hostname = name
	d.ok("hostname")
}

func readKeyboard(d *decoder, v struct {
	Console vars `json:"vconsole"`
	X11     struct{ Layout, Variant string }
},
) {
	if v.Console != nil {
		d.files["/etc/vconsole.conf"] = varLines(v.Console)
	}
	lines := []string{`Section "InputClass"`, `  Identifier "system-keyboard"`}
	for option, value := range map[string]string{"XkbLayout": v.X11.Layout, "XkbVariant": v.X11.Variant} {
		if value != "" {
			lines = append(lines, `  Option "`+option+`" "`+value+`"`)
		}
	}
	if len(lines) > 2 {
		slices.Sort(lines[2:])
		d.files["/etc/X11/xorg.conf.d/00-keyboard.conf"] = append(lines, "EndSection")
	}
}

func readLocale(d *decoder, v vars) {
	d.files["/etc/locale.conf"] = varLines(v)
	d.report.Locale = v
	d.ok("locale")
}

func readMachineID(d *decoder, v string) {
	id := strings.TrimSuffix(v, "\n")
	d.files["/etc/machine-id"] = []string{}
	state := &report.MachineID{State: "empty"}
	if id != "" {
		d.files["/etc/machine-id"] = []string{id}
		if state.State = "set"; id == "uninitialized" {
			state.State = id
		} else {
			state.ID = id
		}
	}
	d.report.MachineID = state
	d.ok("machine-id")
}

func readOSRelease(d *decoder, v vars) {
	d.files["/etc/os-release"] = varLines(v)
	d.report.OSRelease = v
	d.ok("os-release")
}

func readRhsm(d *decoder, v struct {
	Plugins map[string]struct{ Enabled bool } `json:"dnf-plugins"`
	Conf    ini                               `json:"rhsm.conf"`
},
) {
	for name, plugin := range v.Plugins {
		d.files["/etc/dnf/plugins/"+name+".conf"] = []string{"[main]", fmt.Sprintf("enabled = %t", plugin.Enabled)}
	}
	if v.Conf != nil {
		for _, options := range v.Conf {
			for name, value := range options {
				options[name] = strings.ReplaceAll(value, "%", "%%")
			}
		}
		d.files["/etc/rhsm/rhsm.conf"] = iniLines(v.Conf)
	}
}

// mergedDropins is where the drop-ins of a unit go that a version before 2022
// merged into sections.
const mergedDropins = "merged.conf"

func readDropins(d *decoder, v map[string]map[string]map[string]dropin) {
	for dir, units := range v {
		for unit, files := range units {
			for name, content := range files {
				file := path.Join(dir, unit, name)
				if content.options != nil {
					file = path.Join(dir, unit, mergedDropins)
				}
				d.files[file] = append(d.files[file], content.text(name)...)
			}
		}
	}
}

// A dropin is the lines of a file, or, in the older form, the options of a section.
type dropin struct {
	lines   []string
	options vars
}

func (d *dropin) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		return json.Unmarshal(data, &d.options)
	}
	return json.Unmarshal(data, &d.lines)
}

func (d *dropin) text(section string) []string {
	if d.options == nil {
		return d.lines
	}
	lines := []string{"[" + section + "]"}
	for _, name := range slices.Sorted(maps.Keys(d.options)) {
		lines = append(lines, name+"="+d.options[name])
	}
	return lines
}

func readSudoers(d *decoder, v texts) {
	for name, lines := range v {
		if name != "/etc/sudoers" {
			name = path.Join("/etc/sudoers.d", path.Base(name))
		}
		d.files[name] = lines
	}
}

func readSysconfig(d *decoder, v struct {
	Kernel  vars            `json:"kernel"`
	Network vars            `json:"network"`
	Scripts map[string]vars `json:"network-scripts"`
},
) {
	if v.Kernel != nil {
		d.files["/etc/sysconfig/kernel"] = varLines(v.Kernel)
	}
	if v.Network != nil {
		d.files["/etc/sysconfig/network"] = varLines(v.Network)
	}
	for name, values := range v.Scripts {
		d.files["/etc/sysconfig/network-scripts/ifcfg-"+name] = varLines(values)
	}
}
