package systemd

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// rareUnits are cases beside those of unitTree.
func rareUnits() map[string]string {
	const lib, etc, user = "/usr/lib/systemd/system/", "/etc/systemd/system/", "/usr/lib/systemd/user/"
	wanted := "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
	return map[string]string{
		etc + "dangling.service":                          "-> /usr/lib/systemd/system/nowhere.service",
		etc + "wrong.service":                             "-> /usr/lib/systemd/system/req.socket",
		etc + "loop.service":                              "-> loop.service",
		etc + "text.service":                              "-> /etc/hostname",
		etc + "dir.service/":                              "",
		lib + "also.service":                              "[Service]\nExecStart=/bin/true\n[Install]\nAlso=on.service\n",
		lib + "gen@.service":                              "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x.target\nDefaultInstance=a\n",
		etc + "x.target.wants/gen@b.service":              "-> /usr/lib/systemd/system/gen@.service",
		lib + "gen2@.service":                             wanted,
		etc + "gen2@one.service":                          "-> /usr/lib/systemd/system/gen2@.service",
		lib + "gen3@.service":                             "[Service]\nExecStart=/bin/true\n",
		lib + "y.target.wants/gen3@two.service":           "-> ../gen3@.service",
		lib + "gen3@two.service":                          "-> gen3@.service",
		etc + "gen4@x.service":                            "-> /dev/null",
		lib + "drop.service":                              "[Service]\nExecStart=/bin/true\n",
		etc + "drop.service.d/10.conf":                    "[Install]\nWantedBy=x.target\n",
		lib + "shadow.service":                            wanted,
		etc + "shadow.service":                            "[Service]\nExecStart=/bin/false\n",
		lib + "bad.service":                               "[Service\nExecStart=/bin/true\n[Install]\nWantedBy=x.target\n",
		lib + "cont.service":                              "[Install]\nWantedBy=a.target \\\n# c\n b.target\nWantedBy=\n",
		lib + "bad name.service":                          wanted,
		lib + "@.service":                                 wanted,
		"/usr/local/lib/systemd/system/loc.service":       wanted,
		lib + "loc.service":                               "",
		"/etc/systemd/system-preset/00.preset":            "# x\nenable on.*\ndisable ssh.service\nenable gen@.service a b\nenable bogus.service a\nnonsense\ndisable gen[!0-9]@*\n",
		"/usr/lib/systemd/system-preset/00.preset":        "disable *\n",
		"/usr/lib/systemd/system-preset/90.preset":        "disable s*\ndisable [a-m]*\n",
		user + "u.service":                                "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=default.target\n",
		user + "v.socket":                                 "[Socket]\nListenStream=%t/v\n[Install]\nWantedBy=sockets.target\n",
		user + "w.service":                                "[Service]\nExecStart=/bin/true\n",
		"/etc/systemd/user/sockets.target.wants/v.socket": "-> /usr/lib/systemd/user/v.socket",
		"/usr/lib/systemd/user-preset/1.preset":           "disable u.*\n",
	}
}

func TestUnits(t *testing.T) {
	files := rareUnits()
	const lib = "/usr/lib/systemd/system/"
	files[lib+"up.service"] = "[Unit]\nDescription=Up\n[Service]\nType=notify\nExecStart=/a\nExecStart=\nExecStart=/b x\\\n y\nUser=bob\n[Install]\nUpheldBy=x.target\nAlias=down.service\n"
	files[lib+"alias.service"] = "-> up.service"
	files["/etc/systemd/system/up.service.d/1.conf"] = "[Service]\nUser=eve\nnonsense\n"
	files["/etc/systemd/system-preset/00.preset"] = "ignore up.service\nenable gen@.service a b\ndisable gen@*\n"
	r := sectiontest.Report(t, Sections(), files)
	want := map[string]report.Unit{
		"up.service": {
			Name: "up.service", Path: lib + "up.service", Type: "service", State: "disabled", Preset: "ignored", Description: "Up", ServiceType: "notify",
			User: "eve", ExecStart: []string{"/b x  y"}, UpheldBy: []string{"x.target"}, Aliases: []string{"down.service"}, Dropins: 1,
			Problems: []string{`/etc/systemd/system/up.service.d/1.conf:3: "nonsense" is no assignment`},
		},
		"alias.service": {Name: "alias.service", Path: lib + "alias.service", Type: "service", State: "alias", Of: "up.service"},
		"gen4@x.service": {
			Name: "gen4@x.service", Path: "/etc/systemd/system/gen4@x.service", Type: "service", State: "masked", Preset: "disabled",
		},
		"shadow.service": {
			Name: "shadow.service", Path: "/etc/systemd/system/shadow.service", Type: "service", State: "static", ExecStart: []string{"/bin/false"},
		},
	}
	for _, u := range r.Units {
		if w, ok := want[u.Name]; ok {
			delete(want, u.Name)
			if !reflect.DeepEqual(u, w) {
				t.Errorf("got  %+v\nwant %+v", u, w)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestPresetFits(t *testing.T) {
	for _, c := range []struct {
		line, name string
		want       bool
	}{
		{"enable a.service", "a.service", true}, {"enable *", "a.service", true}, {"enable a?.service", "ab.service", true},
		{"disable [!a]*", "a.service", false}, {"disable [!a]*", "b.service", true}, {"enable [", "[", true}, {"enable a[", "a.service", false},
		{`enable a\*`, "a*", false}, {`enable a\*`, `a\x.service`, true},
		{"enable a@.service x y", "a@y.service", true}, {"enable a@.service x y", "a@z.service", false}, {"enable a@.service x", "a@.service", true},
	} {
		rule, ok := parsePreset(c.line)
		if got := ok && presetFits(rule, c.name); got != c.want {
			t.Errorf("%s: %s fits is %t", c.line, c.name, got)
		}
	}
	for _, line := range []string{"enable", "enabled a", "enable a.service x", "disable a@.service x", "x y"} {
		if rule, ok := parsePreset(line); ok {
			t.Errorf("%s is taken: %v", line, rule)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a.service": true, "a@.service": true, "a@b.socket": true, "@a.service": false, ".service": false, "a.conf": false, "a b.service": false,
		"dev-disk-by\\x2duuid-1.device": true, strings.Repeat("a", 250) + ".service": false, "ä.service": false,
	} {
		if isUnit(name) != want {
			t.Errorf("%s is a unit: %t", name, !want)
		}
	}
	for _, c := range []struct{ value, unit, want string }{
		{"dev-%i.device", "getty@tty1.service", "dev-tty1.device"}, {"%p-%N-%n", "a@b.service", "a-a@b-a@b.service"},
		{"/%I", "x@a-b\\x2dc.mount", "/a/b-c"}, {"%%x%", "a.service", "%x%"}, {"%H", "a.service", ""}, {"%j", "a-b-c.service", "c"}, {"%i", "a.service", ""},
	} {
		got, ok := expand(c.value, c.unit)
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
	for dir, want := range map[string]string{"/": "-.mount", "/srv/data/": "srv-data.mount", "/a-b/.c": "a\\x2db-.c.mount", "/.x": "\\x2ex.mount", "/a b": "a\\x20b.mount"} {
		if got := mountUnit(dir); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
	got := strings.Join(dropinNames("foo-bar-baz@x.service"), " ")
	if want := "foo-bar-baz@x.service foo-bar-baz@.service foo-bar-@x.service foo-bar-@.service foo-@x.service foo-@.service"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
