package settings

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// TestPrograms has one tree for each section about a program, and what is to be
// found in it.
func TestPrograms(t *testing.T) {
	const commit = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for name, c := range map[string]struct {
		files map[string]string
		want  any
	}{
		"locale": {map[string]string{"/etc/locale.conf": "LANG=\"de_DE.UTF-8\"\n# x\nLC_TIME=C\n", "/etc/default/locale": "LANG=C\n"}, map[string]string{"LANG": "de_DE.UTF-8", "LC_TIME": "C"}},
		"keyboard": {map[string]string{"/etc/vconsole.conf": "KEYMAP=de\n", "/etc/X11/xorg.conf.d/00-keyboard.conf": "Section \"InputClass\"\n  Option \"XkbLayout\" \"de,us\"\n"}, []report.Setting{
			{Key: "X11 Layout", Value: "de,us", Source: "/etc/X11/xorg.conf.d/00-keyboard.conf"}, {Key: "console KEYMAP", Value: "de", Source: "/etc/vconsole.conf"}}},
		"systemd-programs": {map[string]string{"/etc/systemd/logind.conf": "[Login]\nNAutoVTs=2\nKillUserProcesses=no\n", "/usr/lib/systemd/logind.conf.d/a.conf": "[Login]\nNAutoVTs=0\n"}, []report.Setting{
			{Key: "logind.conf Login.KillUserProcesses", Value: "no", Source: "/etc/systemd/logind.conf"},
			{Key: "logind.conf Login.NAutoVTs", Value: "0", Source: "/usr/lib/systemd/logind.conf.d/a.conf"}}},
		"sysconfig": {map[string]string{"/etc/sysconfig/network": "NETWORKING=yes\n", "/etc/default/x": "DB_PASSWORD=hunter2\nif true; then\n", "/etc/sysconfig/d/": ""}, []report.Setting{
			{Key: "network NETWORKING", Value: "yes", Source: "/etc/sysconfig/network"}, {Key: "x DB_PASSWORD", Value: "(present)", Source: "/etc/default/x"}}},
		"environment": {map[string]string{"/etc/environment": "A=1\n", "/etc/environment.d/x.conf": "A=2\n", "/etc/profile.d/p.sh": "x", "/etc/profile.d/README": ""}, []report.Setting{
			{Key: "/etc/profile.d/p.sh", Value: "(a script)", Source: "/etc/profile.d/p.sh"}, {Key: "A", Value: "2", Source: "/etc/environment.d/x.conf"}}},
		"dracut-conf": {map[string]string{"/etc/dracut.conf": "hostonly=\"no\"\n", "/etc/dracut.conf.d/b.conf": "add_drivers+=\" b \"\n", "/usr/lib/dracut/dracut.conf.d/a.conf": "add_drivers+=\" a \"\necho x\n"}, []report.Setting{
			{Key: "add_drivers", Value: "a b", Source: "/etc/dracut.conf.d/b.conf"}, {Key: "hostonly", Value: "no", Source: "/etc/dracut.conf"}}},
		"cloud-init": {map[string]string{"/etc/cloud/cloud.cfg": "datasource_list: [Ec2, None]\nusers:\n - default\npassword: x\nruncmd:\n - [login, hunter2]\n", "/etc/cloud/cloud.cfg.d/9.cfg": "datasource_list: [Azure]\n"}, []report.Setting{
			{Key: "datasource_list[0]", Value: "Azure", Source: "/etc/cloud/cloud.cfg.d/9.cfg"}, {Key: "password", Value: "(present)", Source: "/etc/cloud/cloud.cfg"},
			{Key: "runcmd[0][0]", Value: "(present)", Source: "/etc/cloud/cloud.cfg"}, {Key: "runcmd[0][1]", Value: "(present)", Source: "/etc/cloud/cloud.cfg"},
			{Key: "users[0]", Value: "default", Source: "/etc/cloud/cloud.cfg"}}},
		"ignition":      {map[string]string{"/usr/lib/ignition/user.ign": "{}"}, []report.Setting{{Key: "/usr/lib/ignition/user.ign", Value: "present", Source: "/usr/lib/ignition/user.ign"}}},
		"waagent":       {map[string]string{"/etc/waagent.conf": "# c\nProvisioning.Enabled=n\n"}, []report.Setting{{Key: "Provisioning.Enabled", Value: "n", Source: "/etc/waagent.conf"}}},
		"google-agents": {map[string]string{"/etc/default/instance_configs.cfg": "[Accounts]\nuseradd_cmd = useradd -m\n"}, []report.Setting{{Key: "Accounts.useradd_cmd", Value: "useradd -m", Source: "/etc/default/instance_configs.cfg"}}},
		"tuned":         {map[string]string{"/etc/tuned/active_profile": "sap-hana\n", "/etc/tuned/profile_mode": "manual\n"}, &report.Tuned{Profile: "sap-hana", Mode: "manual"}},
		"authselect":    {map[string]string{"/etc/authselect/authselect.conf": "sssd\nwith-sudo\nwith-mkhomedir\n"}, &report.Authselect{Profile: "sssd", Features: []string{"with-mkhomedir", "with-sudo"}}},
		"crypto-policies": {map[string]string{"/etc/crypto-policies/config": "# c\nFIPS\n", "/etc/crypto-policies/state/current": "DEFAULT\n"},
			&report.CryptoPolicy{Policy: "FIPS", Applied: "DEFAULT"}},
		"fips": {map[string]string{"/etc/crypto-policies/config": "FIPS:OSPP\n", "/boot/loader/entries/a.conf": "title a\noptions root=x fips=1\n"}, &report.FIPS{Cmdline: true, Policy: true}},
		"rhsm": {map[string]string{"/etc/rhsm/rhsm.conf": "[server]\nport = 443\nproxy_password = x\n", "/etc/rhsm/syspurpose/syspurpose.json": "{\"role\": \"server\"}"}, []report.Setting{
			{Key: "rhsm.conf server.port", Value: "443", Source: "/etc/rhsm/rhsm.conf"}, {Key: "rhsm.conf server.proxy_password", Value: "(present)", Source: "/etc/rhsm/rhsm.conf"},
			{Key: "role", Value: "server", Source: "/etc/rhsm/syspurpose/syspurpose.json"}}},
		"containers": {map[string]string{"/etc/containers/storage.conf": "[storage]\ndriver = \"overlay\"\n[storage.options]\nadditionalimagestores = [\"/x\"]\n"}, []report.Setting{
			{Key: "storage.conf storage.driver", Value: "overlay", Source: "/etc/containers/storage.conf"},
			{Key: "storage.conf storage.options.additionalimagestores", Value: `["/x"]`, Source: "/etc/containers/storage.conf"}}},
		"container-images": {map[string]string{"/var/lib/containers/storage/overlay-images/images.json": `[{"id":"b","names":["x:2","x:1"],"layer":"l"}]`}, []report.ContainerImage{
			{ID: "b", Names: []string{"x:1", "x:2"}, Source: "/var/lib/containers/storage/overlay-images/images.json"}}},
		"quadlets": {map[string]string{"/etc/containers/systemd/web.container": "[Container]\nImage=quay.example/web\n", "/usr/share/containers/systemd/v.volume": "[Volume]\n"}, []report.Quadlet{
			{Name: "v.volume", Source: "/usr/share/containers/systemd/v.volume"}, {Name: "web.container", Source: "/etc/containers/systemd/web.container", Image: "quay.example/web"}}},
		"ostree": {map[string]string{
			"/sysroot/ostree/repo/refs/heads/os/x": commit + "\n", "/sysroot/ostree/repo/config": "[core]\nmode=bare\n[remote \"up\"]\nurl=https://u.example\n",
			"/sysroot/ostree/deploy/os/deploy/" + commit + ".0/": "", "/sysroot/ostree/deploy/os/deploy/" + commit + ".0.origin": "[origin]\nrefspec=up:os/x\n",
			"/sysroot/ostree/boot.1/os/c/0": "-> ../../../deploy/os/deploy/" + commit + ".0", "/boot/loader/entries/a.conf": "title a\noptions ostree=/ostree/boot.1/os/c/0\n",
		}, &report.OSTree{
			Refs:        []report.Setting{{Key: "heads/os/x", Value: commit, Source: "/sysroot/ostree/repo/refs/heads/os/x"}},
			Remotes:     []report.Setting{{Key: "up url", Value: "https://u.example", Source: "/sysroot/ostree/repo/config"}},
			Deployments: []report.OSTreeDeployment{{Path: "/ostree/deploy/os/deploy/" + commit + ".0", OS: "os", Checksum: commit, Booted: true, Origin: "up:os/x"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := sectiontest.Report(t, Sections(), c.files)
			sectiontest.Status(t, r, name, report.OK)
			if got := factOf(t, r, name); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// factOf is the field of a section.
func factOf(t *testing.T, r *report.Report, name string) any {
	t.Helper()
	v := reflect.ValueOf(r.SettingFacts)
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == strings.ReplaceAll(name, "-", "_") {
			return v.Field(i).Interface()
		}
	}
	t.Fatalf("the report has no section %s", name)
	return nil
}

// TestNothing: an empty tree has none of these, and that is certain.
func TestNothing(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{})
	for name, s := range r.Sections {
		if s.Status == report.Unread {
			t.Errorf("%s: %s", name, s.Reason)
		}
	}
	if !reflect.DeepEqual(r.SettingFacts, report.SettingFacts{MachineID: &report.MachineID{State: "absent"}}) {
		t.Errorf("%+v", r.SettingFacts)
	}
}

func TestHostilePrograms(t *testing.T) {
	for _, c := range []struct{ file, content, section, words string }{
		{"/etc/cloud/cloud.cfg", "a: [", "cloud-init", "/etc/cloud/cloud.cfg: read YAML"},
		{"/etc/containers/storage.conf", "a = ", "containers", "/etc/containers/storage.conf"},
		{"/etc/containers/storage.conf", "x" + strings.Repeat(".x", 70) + " = 1", "containers", "levels"},
		{"/var/lib/containers/storage/vfs-images/images.json", "{", "container-images", "images.json"},
		{"/etc/sysconfig/x", "A=1\x00", "sysconfig", "/etc/sysconfig/x: line 1"},
		{"/etc/tuned/active_profile", strings.Repeat("x", 70000), "tuned", "70000 bytes"},
	} {
		r := sectiontest.Report(t, Sections(), map[string]string{c.file: c.content})
		sectiontest.Status(t, r, c.section, report.Unread, c.words)
	}
}
