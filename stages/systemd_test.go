package stages_test

import (
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// unitTree is a tree of units, with what the host's systemctl asks of one.
func unitTree(units map[string]string) map[string]string {
	tree := map[string]string{
		"/usr/lib/os-release": `file 0644 0:0 "ID=x\n"`, "/etc/os-release": `link 0:0 "../usr/lib/os-release"`, "/lib": `link 0:0 "usr/lib"`,
		"/usr/lib/systemd/system/multi-user.target": `file 0644 0:0 "[Unit]\n"`,
	}
	for name, text := range units {
		if !strings.HasPrefix(name, "/") {
			name = "/usr/lib/systemd/system/" + name
		}
		if !strings.HasPrefix(text, "link ") {
			text = `file 0644 0:0 "` + text + `"`
		}
		tree[name] = text
	}
	return tree
}

// TestSystemdLikeSystemctl: the same links as systemctl of the host makes,
// which upstream runs. That of Debian 12 leads to /lib, ours to /usr/lib.
func TestSystemdLikeSystemctl(t *testing.T) {
	fixtures.RequireTool(t, "systemctl")
	const wanted = `[Install]\nWantedBy=multi-user.target\n`
	tests := map[string]struct {
		units    map[string]string
		options  string
		commands []string
	}{
		"wanted and required": {
			map[string]string{"a.service": `[Unit]\n[Install]\nWantedBy=multi-user.target  graphical.target\nRequiredBy=b.service\n`},
			`{"enabled_services": ["a"]}`, []string{"enable a"},
		},
		"aliases and also": {
			map[string]string{"a.service": wanted + `Alias=x.service y.service\nAlso=b.socket none.service\n`, "b.socket": `[Install]\nWantedBy=sockets.target\n`},
			`{"enabled_services": ["a.service"]}`, []string{"enable a.service"},
		},
		"reset, continued, comments": {
			map[string]string{"a.service": `[Install]\nWantedBy=lost.target\nWantedBy=\nWantedBy=one.target \\\n# comment\n two.target\n;WantedBy=no.target\n`},
			`{"enabled_services": ["a"]}`, []string{"enable a"},
		},
		"drop-ins": {
			map[string]string{
				"a.service": wanted, "/etc/systemd/system/a.service.d/1.conf": `[Install]\nWantedBy=etc.target\n`,
				"a.service.d/1.conf": `[Install]\nWantedBy=hidden.target\n`, "a.service.d/2.conf": `[Install]\nAlias=d.service\n`, "a.service.d/no.txt": wanted,
			},
			`{"enabled_services": ["a"]}`, []string{"enable a"},
		},
		"instances": {
			map[string]string{"t@.service": `[Install]\nWantedBy=multi-user.target %i.target %p-x.target\nAlias=u@.service\n`, "d@.service": wanted + `DefaultInstance=one\n`},
			`{"enabled_services": ["t@in.service", "d@.service"]}`, []string{"enable t@in.service", "enable d@.service"},
		},
		"a template that a template wants": {
			map[string]string{"t@.service": `[Install]\nWantedBy=x@.target\n`}, `{"enabled_services": ["t@"]}`, []string{"enable t@"},
		},
		"a vendor's alias": {
			map[string]string{"a.service": wanted, "b.service": `link 0:0 "a.service"`}, `{"enabled_services": ["b"]}`, []string{"enable b"},
		},
		"nothing to install": {map[string]string{"a.service": `[Service]\n`}, `{"enabled_services": ["a"]}`, []string{"enable a"}},
		"twice":              {map[string]string{"a.service": wanted}, `{"enabled_services": ["a", "a"]}`, []string{"enable a", "enable a"}},
		"already, over /lib": {
			map[string]string{"a.service": wanted, "/etc/systemd/system/multi-user.target.wants/a.service": `link 0:0 "/lib/systemd/system/a.service"`},
			`{"enabled_services": ["a"]}`, []string{"enable a"},
		},
		"a unit in etc": {
			map[string]string{"a.service": wanted, "/etc/systemd/system/a.service": `[Install]\nWantedBy=other.target\n`},
			`{"enabled_services": ["a"]}`, []string{"enable a"},
		},
		"disable": {
			map[string]string{
				"a.service": wanted + `Alias=x.service\nAlso=b.service\n`, "b.service": wanted, "c.service": wanted,
				"/etc/systemd/system/multi-user.target.wants/a.service": `link 0:0 "/lib/systemd/system/a.service"`,
				"/etc/systemd/system/multi-user.target.wants/c.service": `link 0:0 "/lib/systemd/system/c.service"`,
				"/etc/systemd/system/other.target.wants/b.service":      `link 0:0 "/lib/systemd/system/b.service"`,
				"/etc/systemd/system/x.service":                         `link 0:0 "/lib/systemd/system/a.service"`,
				"/etc/systemd/system/odd.target.requires/x.service":     `link 0:0 "/lib/systemd/system/a.service"`,
			},
			`{"disabled_services": ["a"]}`, []string{"disable a"},
		},
		"disable a template and an instance": {
			map[string]string{
				"t@.service": wanted, "u@.service": wanted,
				"/etc/systemd/system/multi-user.target.wants/t@1.service": `link 0:0 "/lib/systemd/system/t@.service"`,
				"/etc/systemd/system/multi-user.target.wants/t@2.service": `link 0:0 "/lib/systemd/system/t@.service"`,
				"/etc/systemd/system/multi-user.target.wants/u@1.service": `link 0:0 "/lib/systemd/system/u@.service"`,
				"/etc/systemd/system/multi-user.target.wants/u@2.service": `link 0:0 "/lib/systemd/system/u@.service"`,
			},
			`{"disabled_services": ["t@.service", "u@1.service"]}`, []string{"disable t@.service", "disable u@1.service"},
		},
		"disable what is not enabled": {map[string]string{"a.service": wanted}, `{"disabled_services": ["a"]}`, []string{"disable a"}},
		"disable what is masked, and another name": {
			map[string]string{
				"a.service": wanted, "c.service": wanted,
				"/etc/systemd/system/a.service": `link 0:0 "/dev/null"`, "/etc/systemd/system/multi-user.target.wants/a.service": `link 0:0 "/lib/systemd/system/a.service"`,
				"/etc/systemd/system/x.service": `link 0:0 "/lib/systemd/system/c.service"`, "/etc/systemd/system/multi-user.target.wants/c.service": `link 0:0 "/lib/systemd/system/c.service"`,
			},
			`{"disabled_services": ["a", "x"]}`, []string{"disable a", "disable x"},
		},
		"disable what is gone": {
			map[string]string{"/etc/systemd/system/multi-user.target.wants/a.service": `link 0:0 "/lib/systemd/system/a.service"`},
			`{"disabled_services": ["a"]}`, []string{"disable a"},
		},
		"disable leaves a mask": {
			map[string]string{"a.service": wanted, "b.service": wanted, "/etc/systemd/system/b.service": `link 0:0 "/dev/null"`},
			`{"disabled_services": ["a"]}`, []string{"disable a"},
		},
		"mask":               {map[string]string{"a.service": wanted}, `{"masked_services": ["a", "none.socket"]}`, []string{"mask a", "mask none.socket"}},
		"mask twice":         {nil, `{"masked_services": ["a", "a"]}`, []string{"mask a", "mask a"}},
		"the default target": {map[string]string{"graphical.target": `[Unit]\n`}, `{"default_target": "graphical.target"}`, []string{"set-default graphical.target"}},
		"another default": {
			map[string]string{"/etc/systemd/system/default.target": `link 0:0 "/lib/systemd/system/graphical.target"`},
			`{"default_target": "multi-user.target"}`, []string{"set-default multi-user.target"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ours, theirs := fixtures.Tree(t, unitTree(test.units)), fixtures.Tree(t, unitTree(test.units))
			if log, err := run(t, definition(t, "org.osbuild.systemd"), ours, test.options, nil); err != nil {
				t.Fatal(err, log)
			}
			for _, command := range test.commands {
				words := strings.Fields(command)
				out, err := exec.Command("systemctl", "--root", theirs, words[0], "--", words[1]).CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v: %s", command, err, out)
				}
			}
			got, want := links(fixtures.Snapshot(t, ours)), links(fixtures.Snapshot(t, theirs))
			if !maps.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// links maps what is below /etc, targets in /lib written as in /usr/lib.
func links(tree map[string]string) map[string]string {
	etc := map[string]string{}
	for path, line := range tree {
		if strings.HasPrefix(path, "/etc/systemd") {
			etc[path] = strings.Replace(line, `"/lib/`, `"/usr/lib/`, 1)
		}
	}
	return etc
}

// TestSystemdRefusesLikeSystemctl: what systemctl fails at is refused, with a
// reason and the option's place.
func TestSystemdRefusesLikeSystemctl(t *testing.T) {
	fixtures.RequireTool(t, "systemctl")
	const wanted = `[Install]\nWantedBy=multi-user.target\n`
	tests := []struct {
		units                  map[string]string
		options, command, want string
	}{
		{nil, `{"enabled_services": ["none"]}`, "enable none", "options.enabled_services[0]: the tree has no unit none.service"},
		{map[string]string{"t@.service": wanted}, `{"enabled_services": ["t@"]}`, "enable t@", "options.enabled_services[0]: t@.service is a template without a default"},
		{map[string]string{"a.service": ``}, `{"enabled_services": ["a"]}`, "enable a", "options.enabled_services[0]: the unit a.service is masked"},
		{
			map[string]string{"a.service": wanted, "/etc/systemd/system/a.service": `link 0:0 "/dev/null"`},
			`{"enabled_services": ["a"]}`, "enable a", "options.enabled_services[0]: the unit a.service is masked",
		},
		{
			map[string]string{"a.service": wanted, "/etc/systemd/system/b.service": `link 0:0 "/lib/systemd/system/a.service"`},
			`{"enabled_services": ["b"]}`, "enable b", "options.enabled_services[0]: b.service is another name of a unit",
		},
		{
			map[string]string{"a.service": wanted, "/etc/systemd/system/a.service": wanted},
			`{"masked_services": ["a"]}`, "mask a", "options.masked_services[0]: /etc/systemd/system/a.service is there already and is a file",
		},
		{
			map[string]string{"a.service": `[Install]\nAlias=b.service\n`, "/etc/systemd/system/b.service": `link 0:0 "/dev/null"`},
			`{"enabled_services": ["a"]}`, "enable a", "options.enabled_services[0]: /etc/systemd/system/b.service is there already and leads to /dev/null",
		},
		{map[string]string{"a.service": `[Install]\nAlias=b.socket\n`}, `{"enabled_services": ["a"]}`, "enable a", "asks for the other name"},
		{nil, `{"default_target": "none.target"}`, "set-default none.target", "options.default_target: the tree has no unit none.target"},
		{map[string]string{"a.service": ``}, `{"default_target": "a.service"}`, "set-default a.service", "options.default_target: "},
	}
	for _, test := range tests {
		dir := fixtures.Tree(t, unitTree(test.units))
		_, err := run(t, definition(t, "org.osbuild.systemd"), dir, test.options, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", test.options, err, test.want)
		}
		words := strings.Fields(test.command)
		if out, err := exec.Command("systemctl", "--root", fixtures.Tree(t, unitTree(test.units)), words[0], "--", words[1]).CombinedOutput(); err == nil {
			t.Errorf("%s: systemctl does it: %s", test.command, out)
		}
	}
}

func TestSystemd(t *testing.T) {
	testChanges(t, "org.osbuild.systemd", map[string]change{
		"generators": {nil, `{"masked_generators": ["a-generator"]}`, map[string]string{"/etc/systemd/system-generators/a-generator": `link 0:0 "/dev/null"`}, ""},
		"nothing":    {nil, `{}`, nil, ""},
	})
	testRefusals(t, "org.osbuild.systemd", []refusal{
		{nil, `{"enabled_services": ["a/b"]}`, `options.enabled_services[0]: "a/b" is not the name of a unit`},
		{nil, `{"enabled_services": "a"}`, "options.enabled_services: is a string, not an array"},
		{nil, `{"masked_generators": [".."]}`, "options.masked_generators[0]: is not the name of a file"},
		{nil, `{"enabled": []}`, "options.enabled: is no known option"},
		{unitTree(map[string]string{"a.service": `[Install]\nWantedBy=%H.target\n`}), `{"enabled_services": ["a"]}`, "%H is not known before the boot"},
		{unitTree(map[string]string{"a.service": `link 0:0 "b.service"`, "b.service": `link 0:0 "a.service"`}), `{"enabled_services": ["a"]}`, "lead in a circle"},
	})
}
