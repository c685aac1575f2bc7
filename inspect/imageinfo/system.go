package imageinfo

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section/yamltext"
)

func (f *facts) automatic() any {
	return filled(parseINI(f.lines["/etc/dnf/automatic.conf"], false).filled())
}

// resolvConf is what upstream gives: it looks for the file at the top of the tree.
func (f *facts) resolvConf() any { return withoutComments(f.lines["/resolv.conf"], "#") }

func (f *facts) udev() any {
	found := map[string][]string{}
	for _, name := range f.matching("/etc/udev/rules.d/*.rules") {
		found[path.Base(name)] = withoutComments(f.lines[name], "#")
	}
	return filled(found)
}

func (f *facts) authselect() any {
	lines := withoutComments(f.lines["/etc/authselect/authselect.conf"], "#")
	if len(lines) == 0 {
		return nil
	}
	return map[string]any{"profile-id": lines[0], "enabled-features": lines[1:]}
}

// The boot directory counts as there when something of it is: upstream asks
// whether it is empty.
func (f *facts) booted() bool {
	if f.Sections["boot"].Reason == bootRecorded {
		return true
	}
	if len(f.matching("/boot/loader/entries/*.conf")) > 0 || f.lines["/boot/grub2/grubenv"] != nil {
		return true
	}
	return slices.ContainsFunc(f.Files, func(e entry) bool { return strings.HasPrefix(string(e.Path), "/boot/") })
}

func (f *facts) bootEnvironment() any {
	if lines, ok := f.lines["/boot/grub2/grubenv"]; ok && f.booted() {
		return environment(lines)
	}
	return nil
}

func (f *facts) bootmenu() any {
	if !f.booted() {
		return nil
	}
	entries := []map[string]string{}
	for _, name := range f.matching("/boot/loader/entries/*.conf") {
		entries = append(entries, bootEntry(f.lines[name]))
	}
	slices.SortStableFunc(entries, func(a, b map[string]string) int { return strings.Compare(a["title"], b["title"]) })
	return entries
}

func (f *facts) chrony() any { return filled(chrony(f.lines["/etc/chrony.conf"])) }

func (f *facts) cloudInit() any {
	return grouped(f, func(lines []string) (map[string]any, bool) {
		value, err := yamltext.Python([]byte(strings.Join(lines, "\n") + "\n"))
		m, ok := value.(map[string]any)
		return m, err == nil && ok && len(m) > 0
	}, "/etc/cloud/cloud.cfg", "/etc/cloud/cloud.cfg.d/*.cfg")
}

func (f *facts) containerImages() any {
	var images []struct {
		ID      string   `json:"id"`
		Digest  string   `json:"digest"`
		Names   []string `json:"names"`
		Created string   `json:"created"`
	}
	text := strings.Join(f.lines["/var/lib/containers/storage/overlay-images/images.json"], "\n")
	if err := json.Unmarshal([]byte(text), &images); err != nil {
		return nil
	}
	var list []map[string]any
	for _, i := range images {
		image := map[string]any{"Id": i.ID, "Digest": i.Digest, "Names": i.Names}
		if i.Created != "" {
			image["Created"] = i.Created
		}
		list = append(list, image)
	}
	return filledList(list)
}

func (f *facts) defaultTarget() any {
	if f.Services.DefaultTarget == "" {
		return nil
	}
	return f.Services.DefaultTarget
}

func (f *facts) dnf() any {
	found := map[string]any{}
	if conf := parseINI(f.lines["/etc/dnf/dnf.conf"], false).filled(); len(conf) > 0 {
		found["dnf.conf"] = conf
	}
	vars := map[string]string{}
	for _, name := range f.matching("/etc/dnf/vars/*") {
		vars[path.Base(name)], _ = f.text(name)
	}
	if len(vars) > 0 {
		found["vars"] = vars
	}
	return filled(found)
}

func (f *facts) dracut() any {
	return grouped(f, func(lines []string) (map[string]string, bool) { v := dracut(lines); return v, len(v) > 0 },
		"/etc/dracut.conf.d/*.conf", "/usr/lib/dracut/dracut.conf.d/*.conf")
}

func (f *facts) defaultZone() any {
	if zone := environment(f.lines["/etc/firewalld/firewalld.conf"])["DefaultZone"]; zone != "" {
		return zone
	}
	return nil
}

func (f *facts) zoneServices() any {
	if f.Firewalld == nil {
		return nil
	}
	name, _ := f.defaultZone().(string)
	if name == "" {
		name = "public"
	}
	for _, z := range f.Firewalld.Zones {
		if z.Name == name {
			return list(z.Services)
		}
	}
	return nil
}

func (f *facts) fstab() any { return filledList(fstab(f.lines["/etc/fstab"])) }

func (f *facts) hostname() any {
	if text, ok := f.text("/etc/hostname"); ok {
		return text
	}
	return nil
}

func (f *facts) hosts() any { return filledList(withoutComments(f.lines["/etc/hosts"], "")) }

func (f *facts) keyboard() any {
	found := map[string]any{}
	if v := environment(f.lines["/etc/vconsole.conf"]); len(v) > 0 {
		found["vconsole"] = v
	}
	if v := x11Options(f.lines["/etc/X11/xorg.conf.d/00-keyboard.conf"]); len(v) > 0 {
		found["X11"] = v
	}
	return filled(found)
}

// machineID is the file's first line, with its end where it has one: a file that
// holds an id ends so, see machine-id(5).
func (f *facts) machineID() any {
	lines, ok := f.lines["/etc/machine-id"]
	if !ok {
		return nil
	}
	if len(lines) == 0 || lines[0] == "" && len(lines) == 1 {
		return ""
	}
	return lines[0] + "\n"
}

func (f *facts) modprobe() any {
	return grouped(f, func(lines []string) (map[string][]string, bool) { v := blacklist(lines); return v, len(v) > 0 },
		"/etc/modprobe.d/*.conf", "/usr/lib/modprobe.d/*.conf", "/usr/local/lib/modprobe.d/*.conf")
}

func (f *facts) rhsm() any {
	found := map[string]any{}
	plugins := map[string]any{}
	for _, name := range []string{"product-id", "subscription-manager"} {
		value, ok := parseINI(f.lines["/etc/dnf/plugins/"+name+".conf"], true)["main"]["enabled"]
		if b, known := boolean(value); ok && known {
			plugins[name] = map[string]any{"enabled": b}
		}
	}
	if len(plugins) > 0 {
		found["dnf-plugins"] = plugins
	}
	if lines, ok := f.lines["/etc/rhsm/rhsm.conf"]; ok {
		found["rhsm.conf"] = parseINI(lines, true).filled().interpolated()
	}
	return filled(found)
}

// boolean reads as configparser's getboolean does.
func boolean(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "1", "yes", "true", "on":
		return true, true
	case "0", "no", "false", "off":
		return false, true
	}
	return false, false
}

func (f *facts) limits() any {
	return grouped(f, commented("#"), "/etc/security/limits.conf", "/etc/security/limits.d/*.conf")
}

func (f *facts) sshConfig() any {
	return grouped(f, commented("#"), "/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d/*.conf")
}

func (f *facts) sshdConfig() any {
	return grouped(f, commented("#"), "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf")
}

// sudoers has the main file by its path and the others by their names, as upstream has.
func (f *facts) sudoers() any {
	found := map[string][]string{}
	for _, name := range append([]string{"/etc/sudoers"}, f.matching("/etc/sudoers.d/*")...) {
		key := path.Base(name)
		if name == "/etc/sudoers" {
			key = name
		}
		if lines := withoutComments(f.lines[name], "#"); len(lines) > 0 {
			found[key] = lines
		}
	}
	return filled(found)
}

func (f *facts) sysconfig() any {
	found := map[string]any{}
	for _, name := range []string{"kernel", "network"} {
		if lines, ok := f.lines["/etc/sysconfig/"+name]; ok {
			found[name] = environment(lines)
		}
	}
	scripts := map[string]any{}
	for _, name := range f.matching("/etc/sysconfig/network-scripts/ifcfg-*") {
		// Upstream takes off any of these letters, not the word.
		scripts[strings.TrimLeft(path.Base(name), "ifcg-")] = environment(f.lines[name])
	}
	if len(scripts) > 0 {
		found["network-scripts"] = scripts
	}
	return filled(found)
}

func (f *facts) sysctl() any {
	return grouped(f, commented("#;"), "/etc/sysctl.d/*.conf", "/usr/lib/sysctl.d/*.conf")
}

func (f *facts) logind() any {
	return grouped(f, func(lines []string) (map[string]string, bool) {
		v := parseINI(lines, false)["Login"]
		return v, len(v) > 0
	},
		"/etc/systemd/logind.conf", "/etc/systemd/logind.conf.d/*.conf", "/usr/lib/systemd/logind.conf.d/*.conf")
}

func (f *facts) dropins() any {
	found := map[string]map[string]map[string][]string{}
	for _, dir := range []string{"/etc/systemd/system", "/usr/lib/systemd/system"} {
		for _, name := range f.matching(dir + "/*.service.d/*.conf") {
			unit := path.Base(path.Dir(name))
			if found[dir] == nil {
				found[dir] = map[string]map[string][]string{}
			}
			if found[dir][unit] == nil {
				found[dir][unit] = map[string][]string{}
			}
			found[dir][unit][path.Base(name)] = withoutComments(f.lines[name], "#")
		}
	}
	return filled(found)
}

func (f *facts) tmpfiles() any {
	return grouped(f, commented("#"), "/etc/tmpfiles.d/*.conf", "/usr/lib/tmpfiles.d/*.conf")
}

func (f *facts) tuned() any {
	found := map[string]string{}
	// Upstream stops at the first file that is not there.
	for _, name := range []string{"active_profile", "profile_mode"} {
		text, ok := f.text("/etc/tuned/" + name)
		if !ok {
			break
		}
		if text != "" {
			found[name] = text
		}
	}
	return filled(found)
}

func (f *facts) repositories() any {
	return grouped(f, func(lines []string) (ini, bool) { v := parseINI(lines, false).filled(); return v, len(v) > 0 }, "/etc/yum.repos.d/*.repo")
}
