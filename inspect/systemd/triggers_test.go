package systemd

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// bootTree is a small system with everything that can pull in a unit.
func bootTree() map[string]string {
	const lib, etc = "/usr/lib/systemd/system/", "/etc/systemd/system/"
	return map[string]string{
		lib + "default.target":    "-> multi-user.target",
		lib + "multi-user.target": "[Unit]\nRequires=basic.target\nWants=gone.service off.service %p-x.service %H.service\n",
		lib + "basic.target":      "[Unit]\nRequires=sysinit.target\nWants=sockets.target timers.target\n",
		lib + "sysinit.target":    "",
		lib + "sockets.target":    "[Unit]\n",
		lib + "timers.target":     "[Unit]\n",
		lib + "multi-user-x.service": "[Service]\nType=dbus\nBusName=x.y\nSlice=x.slice\nSockets=extra.socket\n[Unit]\nRequiresMountsFor=/srv/a-b /none\n" +
			"ConditionPathExists=/a\nConditionPathExists=\nConditionPathExists=|!/b\nAssertHost=x\n",
		etc + "off.service":                                "-> /dev/null",
		lib + "dbus.socket":                                "[Socket]\nListenStream=/run/dbus\n",
		lib + "extra.socket":                               "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=\nListenDatagram=1\nListenStream=2\nAccept=yes\n",
		lib + "extra@.service":                             "[Unit]\nWants=later.service\n",
		lib + "dbus.service":                               "[Unit]\n",
		lib + "later.service":                              "[Unit]\n",
		lib + "x.slice":                                    "[Slice]\n",
		lib + "srv-a\\x2db.mount":                          "[Mount]\n",
		lib + "getty@.service":                             "[Unit]\nBindsTo=dev-%i.device\nWants=for-%i.target\n",
		lib + "for-tty1.target":                            "[Unit]\n",
		etc + "multi-user.target.wants/getty@tty1.service": "-> " + lib + "getty@.service",
		lib + "getty@.service.wants/all@.service":          "-> ../all@.service",
		lib + "all@.service":                               "[Unit]\nDefaultDependencies=no\n",
		etc + "timers.target.wants/job.timer":              "-> " + lib + "job.timer",
		lib + "job.timer":                                  "[Timer]\nOnCalendar=daily\nOnCalendar=\nOnCalendar=Mon *-*-*\nOnBootSec=5min\nPersistent=yes\nRandomizedDelaySec=1h\nUnit=work.service\n",
		etc + "job.timer.d/x.conf":                         "[Timer]\nPersistent=no\n",
		lib + "work.service":                               "[Service]\nExecStart=/x\n[Unit]\nWants=p.path\n",
		lib + "p.path":                                     "[Path]\nPathExists=/x\n",
		lib + "p.service":                                  "[Service]\nExecStart=/x\n",
		lib + "unused.service":                             "[Service]\nExecStart=/x\n",
		lib + "sock@.socket":                               "[Socket]\nListenStream=/run/%i\n",
		lib + "b.automount":                                "[Automount]\nWhere=/b\n",
		lib + "sysinit.target.wants/b.automount":           "-> ../b.automount",
		lib + "b.mount":                                    "[Mount]\nWhat=x\n",
		lib + "broken.service":                             "[Unit\n",
		lib + "sysinit.target.requires/broken.service":     "-> ../broken.service",
	}
}

func TestStartup(t *testing.T) {
	files := bootTree()
	files["/usr/lib/systemd/system/sysinit.target"] = "[Unit]\n"
	r := sectiontest.Report(t, Sections(), files)
	sectiontest.Status(t, r, "startup", report.OK)
	var got []string
	for _, u := range r.Startup {
		got = append(got, fmt.Sprintf("%s %s %s %v %v", u.Name, u.How, u.State, u.By, u.Conditions))
	}
	want := []string{
		"all@tty1.service start loaded [getty@tty1.service] []",
		"b.automount start loaded [sysinit.target] []",
		"b.mount trigger loaded [b.automount] []",
		"basic.target start loaded [multi-user.target] []",
		"broken.service start bad [sysinit.target] []",
		"dbus.service trigger loaded [dbus.socket] []",
		"dbus.socket start loaded [multi-user-x.service] []",
		"extra.socket start loaded [multi-user-x.service] []",
		"extra@.service trigger loaded [extra.socket] []",
		"for-tty1.target start loaded [getty@tty1.service] []",
		"getty@tty1.service start loaded [multi-user.target] []",
		"gone.service start missing [multi-user.target] []",
		"job.timer start loaded [timers.target] []",
		"later.service trigger loaded [extra@.service] []",
		"multi-user-x.service start loaded [multi-user.target] [ConditionPathExists=|!/b AssertHost=x]",
		"multi-user.target start loaded [] []",
		"off.service start masked [multi-user.target] []",
		"p.path trigger loaded [work.service] []",
		"p.service trigger loaded [p.path] []",
		"sockets.target start loaded [basic.target] []",
		"srv-a\\x2db.mount start loaded [multi-user-x.service] []",
		"sysinit.target start loaded [basic.target dbus.service dbus.socket extra@.service getty@tty1.service job.timer later.service multi-user-x.service p.path p.service work.service] []",
		"timers.target start loaded [basic.target] []",
		"work.service trigger loaded [job.timer] []",
		"x.slice start loaded [multi-user-x.service] []",
	}
	differ(t, "startup", got, want)
	if r.DefaultTarget != "multi-user.target" {
		t.Error(r.DefaultTarget)
	}
}

func TestTimersAndSockets(t *testing.T) {
	r := sectiontest.Report(t, Sections(), bootTree())
	timers := []report.TimerUnit{{Name: "job.timer", State: "enabled", Unit: "work.service", When: []string{"OnCalendar=Mon *-*-*", "OnBootSec=5min"}, RandomizedDelay: "1h"}}
	sockets := []report.SocketUnit{
		{Name: "dbus.socket", State: "static", Unit: "dbus.service", Listen: []string{"ListenStream=/run/dbus"}},
		{Name: "extra.socket", State: "static", Unit: "extra@.service", Listen: []string{"ListenDatagram=1", "ListenStream=2"}, Accept: true},
		{Name: "sock@.socket", State: "static", Unit: "sock@.service", Listen: []string{"ListenStream=/run/%i"}},
	}
	if !reflect.DeepEqual(r.Timers, timers) || !reflect.DeepEqual(r.Sockets, sockets) {
		t.Errorf("%+v\n%+v", r.Timers, r.Sockets)
	}
}

func TestDropins(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/usr/lib/systemd/system/a-b.service":          "[Service]\nUser=x\n",
		"/usr/lib/systemd/system/a-b.service.d/2.conf": "[Service]\nUser=1\nEnvironment=SECRET=x\n",
		"/etc/systemd/system/a-b.service.d/2.conf":     "[Service]\nUser=2\n",
		"/etc/systemd/system/a-.service.d/1.conf":      "[Service]\nUser=3\n[Unit]\nDescription=d\n",
		"/etc/systemd/system/service.d/2.conf":         "[Service]\nUser=4\n",
		"/etc/systemd/system/a-b.service.d/9.conf":     "-> /dev/null",
		"/usr/lib/systemd/system/a-b.service.d/9.conf": "[Service]\nUser=9\n",
		"/etc/systemd/system/a-b.service.d/README":     "no",
	})
	want := []report.UnitDropin{
		{Path: "/etc/systemd/system/a-.service.d/1.conf", Unit: "a-.service", Settings: []string{"Service.User=3", "Unit.Description=d"}},
		{Path: "/etc/systemd/system/a-b.service.d/2.conf", Unit: "a-b.service", Settings: []string{"Service.User=2"}},
		{Path: "/etc/systemd/system/a-b.service.d/9.conf", Unit: "a-b.service", Hidden: true},
		{Path: "/etc/systemd/system/service.d/2.conf", Unit: "service", Settings: []string{"Service.User=4"}},
		{Path: "/usr/lib/systemd/system/a-b.service.d/2.conf", Unit: "a-b.service", Settings: []string{"Service.User=1", "Service.Environment"}, Hidden: true},
		{Path: "/usr/lib/systemd/system/a-b.service.d/9.conf", Unit: "a-b.service", Settings: []string{"Service.User=9"}, Hidden: true},
	}
	if !reflect.DeepEqual(r.UnitDropins, want) {
		t.Errorf("%+v", r.UnitDropins)
	}
	if u := r.Units[0]; u.User != "2" || u.Description != "d" || u.Dropins != 2 {
		t.Errorf("%+v", u)
	}
}

func TestDropinsOfInstance(t *testing.T) {
	l, err := openLibrary(treetest.Of(t, treetest.Map{Files: map[string]string{
		"/usr/lib/systemd/system/a-b@.service":           "[Service]\nUser=x\n",
		"/usr/lib/systemd/system/a-b@.service.d/2.conf":  "",
		"/etc/systemd/system/a-b@i.service.d/2.conf":     "",
		"/etc/systemd/system/a-@.service.d/1.conf":       "",
		"/etc/systemd/system/a-@i.service.d/4.conf":      "",
		"/usr/lib/systemd/system/service.d/3.conf":       "",
		"/etc/systemd/system/service.d/1.conf":           "",
		"/etc/systemd/system/a-b@.service.d/9.conf":      "-> /dev/null",
		"/usr/lib/systemd/system/a-b@i.service.d/9.conf": "",
		"/etc/systemd/system/a-b@i.service.d/5.conf":     "-> /nowhere",
	}}), systemScope())
	if err != nil {
		t.Fatal(err)
	}
	files, err := l.dropinsOf("a-b@i.service")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Path)
	}
	want := []string{
		"/etc/systemd/system/a-@.service.d/1.conf", "/etc/systemd/system/a-b@i.service.d/2.conf", "/usr/lib/systemd/system/service.d/3.conf",
		"/etc/systemd/system/a-@i.service.d/4.conf",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGenerators(t *testing.T) {
	r := sectiontest.Fill(t, Sections(), treetest.Of(t, treetest.Map{
		Files: map[string]string{
			"/usr/lib/systemd/system-generators/a":           "#!",
			"/usr/lib/systemd/system-generators/b":           "#!",
			"/usr/lib/systemd/system-generators/c":           "no program",
			"/etc/systemd/system-generators/b":               "-> /dev/null",
			"/lib":                                           "-> usr/lib",
			"/usr/lib/systemd/user-environment-generators/d": "-> ../system-generators/a",
		},
		Change: func(n *image.Node) {
			if !strings.HasSuffix(string(n.Path), "/c") {
				n.Mode |= 0o111
			}
		},
	}))
	want := []report.Generator{
		{Path: "/etc/systemd/system-generators/b", Kind: "system", Hidden: true},
		{Path: "/usr/lib/systemd/system-generators/a", Kind: "system"},
		{Path: "/usr/lib/systemd/system-generators/b", Kind: "system", Hidden: true},
		{Path: "/usr/lib/systemd/system-generators/c", Kind: "system", Hidden: true},
		{Path: "/usr/lib/systemd/user-environment-generators/d", Kind: "user-environment"},
	}
	if !reflect.DeepEqual(r.Generators, want) {
		t.Errorf("%+v", r.Generators)
	}
}

// FuzzSections gives hostile text to every file, and a hostile target to links.
func FuzzSections(f *testing.F) {
	for name, text := range bootTree() {
		f.Add(text, "/usr/lib/systemd/system/"+name)
	}
	f.Add("[Unit]\nWants=a@%n.service a@%i%i.service\nRequiresMountsFor=/%n/%n\n", "a@.service")
	f.Add("enable [\ndisable *\n", "../../../etc")
	f.Fuzz(func(t *testing.T, text, target string) {
		const lib, etc = "/usr/lib/systemd/system/", "/etc/systemd/system/"
		files := map[string]string{
			lib + "default.target": text, lib + "a@.service": text, lib + "a.socket": text, lib + "a.timer": text, lib + "a@.service.d/x.conf": text,
			lib + "default.target.wants/a@b.service": "-> ../a@.service", lib + "default.target.wants/a.timer": "-> ../a.timer",
			lib + "default.target.wants/a.socket": "-> ../a.socket", etc + "x.service": "-> " + target, etc + "y.d": "-> " + target,
			etc + "z.target.wants": "-> " + target, "/etc/systemd/system-preset/x.preset": text, "/usr/lib/systemd/user/a.service": text,
		}
		r := sectiontest.Report(t, Sections(), files)
		for name, s := range r.Sections {
			if s.Status == report.Unread && strings.Contains(s.Reason, "gave up") {
				t.Errorf("section %s: %s", name, s.Reason)
			}
		}
	})
}
