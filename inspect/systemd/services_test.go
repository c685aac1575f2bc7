package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// unitTree is a system with every way to enable, disable and mask a unit.
func unitTree() map[string]string {
	const lib, etc = "/usr/lib/systemd/system/", "/etc/systemd/system/"
	wanted := "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
	return map[string]string{
		"/lib":                                         "-> usr/lib",
		lib + "on.service":                             wanted,
		lib + "off.service":                            wanted,
		lib + "static.service":                         "[Service]\nExecStart=/bin/true\n",
		lib + "empty.service":                          "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=\n",
		lib + "tty@.service":                           "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n",
		lib + "tmpl@.service":                          wanted,
		lib + "masked.service":                         wanted,
		lib + "vendor.service":                         "-> /dev/null",
		lib + "ssh.service":                            "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n",
		lib + "other.service":                          "-> on.service",
		lib + "req.socket":                             "[Socket]\nListenStream=1\n[Install]\nRequiredBy=x.target\n",
		lib + "job.timer":                              "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
		lib + "multi-user.target":                      "[Unit]\nDescription=x\n",
		lib + "graphical.target":                       "[Unit]\nDescription=x\n",
		lib + "default.target":                         "-> graphical.target",
		lib + "not-a-unit.txt":                         "",
		lib + "multi-user.target.wants/static.service": "-> ../static.service",
		etc + "masked.service":                         "-> /dev/null",
		etc + "void.service":                           "",
		etc + "own.service":                            wanted,
		etc + "sshd.service":                           "-> /usr/lib/systemd/system/ssh.service",
		etc + "multi-user.target.wants/on.service":     "-> /usr/lib/systemd/system/on.service",
		etc + "getty.target.wants/tty@tty1.service":    "-> /usr/lib/systemd/system/tty@.service",
		etc + "x.target.requires/req.socket":           "-> /lib/systemd/system/req.socket",
		lib + "static2.service":                        "[Service]\nExecStart=/bin/true\n",
		lib + "linked.service":                         "-> /opt/linked.service",
		"/opt/linked.service":                          wanted,
		etc + "linked2.service":                        "-> /opt/linked2.service",
		"/opt/linked2.service":                         wanted,
		etc + "x.target.wants/static2.service":         "-> /usr/lib/systemd/system/static2.service",
		etc + "foreign.service":                        "-> /usr/lib/systemd/system/indirect.service",
		lib + "indirect.service":                       wanted,
		etc + "default.target":                         "-> /lib/systemd/system/multi-user.target",
	}
}

func TestServices(t *testing.T) {
	r := sectiontest.Report(t, Sections(), unitTree())
	sectiontest.Status(t, r, "services", report.OK)
	want := report.Services{
		Enabled:       []string{"on.service", "req.socket", "ssh.service", "static2.service", "tty@.service"},
		Disabled:      []string{"job.timer", "linked.service", "off.service", "own.service", "tmpl@.service"},
		Masked:        []string{"masked.service", "vendor.service", "void.service"},
		DefaultTarget: "multi-user.target",
	}
	got := r.Services
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestServicesOracle asks systemctl about the same tree.
func TestServicesOracle(t *testing.T) {
	fixtures.RequireTool(t, "systemctl")
	root := t.TempDir()
	plant(t, root, unitTree())
	r := sectiontest.Fill(t, Sections(), treetest.Open(t, root))
	out, err := exec.Command("systemctl", "--root="+root, "list-unit-files", "--no-legend", "--no-pager").Output()
	if err != nil {
		t.Fatal(err)
	}
	states := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		states[f[1]] = append(states[f[1]], f[0])
	}
	for state, got := range map[string][]string{"enabled": r.Services.Enabled, "disabled": r.Services.Disabled, "masked": r.Services.Masked} {
		want := states[state]
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, systemctl says %v", state, got, want)
		}
	}
	out, err = exec.Command("systemctl", "--root="+root, "get-default").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != r.Services.DefaultTarget {
		t.Errorf("default target %s, systemctl says %s (%v)", r.Services.DefaultTarget, got, err)
	}
}

// plant makes a real tree of a map of the form that memTree has.
func plant(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, value := range files {
		at := filepath.Join(root, name)
		target, link := strings.CutPrefix(value, "-> ")
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		switch {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(at, 0o755)
		case link:
			err = os.Symlink(target, at)
		default:
			err = os.WriteFile(at, []byte(value), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
