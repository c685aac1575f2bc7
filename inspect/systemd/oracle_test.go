package systemd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// listed are the lines of systemctl list-unit-files: name, state and preset.
func listed(t *testing.T, root string, more ...string) []string {
	t.Helper()
	fixtures.RequireTool(t, "systemctl")
	argv := append([]string{"--root=" + root, "list-unit-files", "--no-legend", "--no-pager"}, more...)
	out, err := exec.Command("systemctl", argv...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		list = append(list, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(list)
	return list
}

// told are the same lines of a report.
func told(units []report.Unit) []string {
	var list []string
	for _, u := range units {
		preset := u.Preset
		if preset == "" {
			preset = "-"
		}
		list = append(list, u.Name+" "+u.State+" "+preset)
	}
	slices.Sort(list)
	return list
}

// differ tells what only one of two sorted lists has.
func differ(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s: we alone say %s", what, g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s: the oracle alone says %s", what, w)
		}
	}
}

// TestUnitsOracle compares every unit's state and preset with systemctl, in a tree of
// rare cases and in a Debian system.
func TestUnitsOracle(t *testing.T) {
	fixtures.RequireTool(t, "systemctl")
	for name, make := range map[string]func(t *testing.T) string{
		"rare": func(t *testing.T) string {
			root := t.TempDir()
			plant(t, root, unitTree())
			plant(t, root, rareUnits())
			return root
		},
		"Debian": func(t *testing.T) string { return fixtures.DebianTree(t) },
	} {
		t.Run(name, func(t *testing.T) {
			root := make(t)
			r := sectiontest.Fill(t, Sections(), treetest.Open(t, root))
			sectiontest.Status(t, r, "units", report.OK)
			differ(t, "units", told(r.Units), listed(t, root))
			if name == "Debian" {
				sectiontest.Status(t, r, "user-units", report.OK)
			}
			differ(t, "user-units", told(r.UserUnits), listed(t, root, "--global"))
		})
	}
}

// byGenerators are the units of the Debian tree that the fstab's generator pulls in: of its
// root filesystem and of a disk.
func byGenerators() []string {
	return []string{"local-fs-pre.target", "systemd-fsckd.socket", "systemd-fsck-root.service", "systemd-remount-fs.service"}
}

// TestStartupOracle compares with the transaction that systemd itself makes of the tree when it
// is tested in it. Its generators run as well; what they write is not ours to know.
func TestStartupOracle(t *testing.T) {
	fixtures.RequireTool(t, "unshare", "setpriv", "chroot")
	root := fixtures.DebianTree(t)
	jobs, known, dropins := transaction(t, root)
	r := sectiontest.Fill(t, Sections(), treetest.Open(t, root))
	sectiontest.Status(t, r, "startup", report.OK)
	var got, want []string
	for _, u := range r.Startup {
		if u.How == "start" && u.State == "loaded" && !alwaysActive(u.Name) {
			got = append(got, u.Name)
		}
	}
	for _, name := range jobs {
		if slices.Contains(byGenerators(), name) {
			continue
		}
		if fragment := known[name]; strings.HasPrefix(fragment, "/usr/") || strings.HasPrefix(fragment, "/lib/") || strings.HasPrefix(fragment, "/etc/") {
			want = append(want, name)
		}
	}
	compareDropins(t, root, dropins)
	if len(want) < 80 {
		t.Fatalf("systemd starts %d units only", len(want))
	}
	differ(t, "startup", got, want)
}

// compareDropins compares the files that add to each unit that systemd loaded.
func compareDropins(t *testing.T, root string, want map[string][]string) {
	t.Helper()
	l, err := openLibrary(treetest.Open(t, root), systemScope())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for name, want := range want {
		want = slices.DeleteFunc(want, func(f string) bool { return strings.HasPrefix(f, "/run") || strings.HasPrefix(f, "/tmp") })
		files, err := l.dropinsOf(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, f.Path)
		}
		if found += len(got); !slices.Equal(got, want) {
			t.Errorf("drop-ins of %s: got %v, systemd says %v", name, got, want)
		}
	}
	if found == 0 {
		t.Error("no drop-in was compared")
	}
}

// alwaysActive tells of units that run before systemd starts anything.
func alwaysActive(name string) bool {
	return slices.Contains([]string{"-.slice", "system.slice", "init.scope", "-.mount"}, name)
}

// transaction runs systemd in the tree as nobody, to tell what it would start. It gives the
// names of the jobs, and the file and the drop-ins of each unit that it knows.
func transaction(t *testing.T, root string) (jobs []string, files map[string]string, dropins map[string][]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	at := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	// The mounts go with the namespace. A shell around keeps systemd from being process 1.
	script := `mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && mount -t proc proc "$2/proc" && mount -t tmpfs tmpfs "$2/run" && mount -t tmpfs tmpfs "$2/tmp" &&
mount -t sysfs sysfs "$2/sys" && mount -t cgroup2 cgroup2 "$2/sys/fs/cgroup" &&
chroot "$2" setpriv --reuid 65534 --regid 65534 --clear-groups env -i XDG_RUNTIME_DIR=/tmp /usr/lib/systemd/systemd --test --system --unit=default.target; exit $?`
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", root, at)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("systemd --test: %v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	files, dropins = map[string]string{}, map[string][]string{}
	unit := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "-> Unit "); ok {
			unit = strings.TrimSuffix(name, ":")
		}
		if file, ok := strings.CutPrefix(line, "Fragment Path: "); ok {
			files[unit] = path.Clean(file)
		}
		if file, ok := strings.CutPrefix(line, "DropIn Path: "); ok {
			dropins[unit] = append(dropins[unit], usrMerged(path.Clean(file)))
		}
		var name, what string
		if n, _ := fmt.Sscanf(line, "Action: %s -> %s", &name, &what); n == 2 && what == "start" {
			jobs = append(jobs, name)
		}
	}
	return jobs, files, dropins
}

// usrMerged is a path where /lib is a link.
func usrMerged(name string) string {
	if strings.HasPrefix(name, "/lib/") {
		return "/usr" + name
	}
	return name
}
