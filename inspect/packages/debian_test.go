package packages

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inspected fills the sections from a directory; contents are compared by reading them.
func inspected(t testing.TB, root string) *report.Report {
	t.Helper()
	return sectiontest.Fill(t, Sections(Options{Contents: true}), treetest.Open(t, root))
}

// sameLines requires equal sets of lines.
func sameLines(t *testing.T, oracle string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	for _, line := range want {
		if _, ok := slices.BinarySearch(got, line); !ok {
			t.Errorf("%s says, and we do not: %s", oracle, line)
		}
	}
	for _, line := range got {
		if _, ok := slices.BinarySearch(want, line); !ok {
			t.Errorf("we say, and %s does not: %s", oracle, line)
		}
	}
	if len(want) == 0 {
		t.Errorf("%s says nothing", oracle)
	}
}

func lines(s string) []string { return strings.Split(strings.TrimRight(s, "\n"), "\n") }

// TestDebian compares the sections with Debian's own programs on a whole system.
func TestDebian(t *testing.T) {
	fixtures.RequireTool(t, "dpkg-query", "dpkg-divert", "dpkg-statoverride", "update-alternatives", "gpg", "apt-config", "apt-get")
	root := overlaid(t, fixtures.DebianTree(t)) // some of the programs write
	r := inspected(t, root)
	for _, s := range []string{"packages", "dpkg", "diversions", "statoverrides", "alternatives", "verification", "unowned", "repositories", "repository-keys", "apt"} {
		sectiontest.Status(t, r, s, report.OK)
	}
	t.Run("dpkg-query", func(t *testing.T) { compareQuery(t, r, root) })
	t.Run("dpkg-divert", func(t *testing.T) { compareDiversions(t, r, root) })
	t.Run("dpkg-statoverride", func(t *testing.T) { compareStatOverrides(t, r, root) })
	t.Run("update-alternatives", func(t *testing.T) { compareAlternatives(t, r, root) })
	t.Run("gpg", func(t *testing.T) { compareKeys(t, r, root) })
	t.Run("apt-config", func(t *testing.T) { compareAPT(t, r, root) })
	t.Run("dpkg-query -S", func(t *testing.T) { compareOwners(t, r, root) })
}

func admindir(root string) string { return "--admindir=" + filepath.Join(root, "var/lib/dpkg") }

func compareQuery(t *testing.T, r *report.Report, root string) {
	format := []string{
		"${Package}", "${Version}", "${Architecture}", "${Status}", "${source:Package}", "${source:Version}", "${Maintainer}", "${Section}", "${Priority}", "${Essential}",
		"${Multi-Arch}", "${Homepage}", "${Installed-Size}", "${Depends}", "${Pre-Depends}", "${Provides}", "${Conffiles}", "${db:Status-Want}",
	}
	want := strings.Split(fixtures.Run(t, "dpkg-query", admindir(root), "-W", "-f", strings.Join(format, "\x1f")+"\x1e"), "\x1e")
	var got []string
	for _, p := range r.Dpkg {
		conffiles := ""
		for _, c := range p.Conffiles {
			conffiles += fmt.Sprintf("\n %s %s", c.Path, c.MD5)
			if c.Obsolete {
				conffiles += " obsolete"
			}
		}
		essential := map[bool]string{true: "yes", false: "no"}[p.Essential]
		wanted, _, _ := strings.Cut(p.Status, " ")
		got = append(got, strings.Join([]string{
			p.Name, p.Version, p.Arch, p.Status, p.Source, p.SourceVersion, p.Maintainer, p.Section, p.Priority, essential, cmp.Or(p.MultiArch, "no"), p.Homepage,
			p.InstalledSize, p.Relations["Depends"], p.Relations["Pre-Depends"], p.Relations["Provides"], conffiles, wanted,
		}, "\x1f"))
	}
	for i := range want { // conffiles are sorted here, and dpkg-query knows no order
		fields := strings.Split(want[i], "\x1f")
		if len(fields) > 16 {
			list := strings.Split(strings.TrimPrefix(fields[16], "\n"), "\n")
			slices.Sort(list)
			if fields[16] != "" {
				fields[16] = "\n" + strings.Join(list, "\n")
			}
			want[i] = strings.Join(fields, "\x1f")
		}
	}
	sameLines(t, "dpkg-query", got, slices.DeleteFunc(want, func(s string) bool { return s == "" }))
	scripts := 0
	for _, p := range r.Dpkg {
		for _, s := range p.Scripts {
			path := strings.TrimSpace(fixtures.Run(t, "dpkg-query", admindir(root), "--control-path", p.Name+":"+p.Arch, s.Kind))
			if scripts++; scripts < 20 && !strings.HasPrefix(fixtures.Run(t, "sha256sum", path), s.SHA256) {
				t.Errorf("%s of %s has another digest", s.Kind, p.Name)
			}
		}
		if scripts >= 20 {
			break
		}
	}
}

func compareDiversions(t *testing.T, r *report.Report, root string) {
	var got []string
	for _, d := range r.Diversions {
		got = append(got, fmt.Sprintf("diversion of %s to %s by %s", d.From, d.To, d.By))
	}
	sameLines(t, "dpkg-divert", got, lines(fixtures.Run(t, "dpkg-divert", admindir(root), "--list")))
}

func compareStatOverrides(t *testing.T, r *report.Report, root string) {
	var got []string
	for _, o := range r.StatOverrides {
		got = append(got, fmt.Sprintf("%s %s %s %s", o.User, o.Group, o.Mode, o.Path))
	}
	sameLines(t, "dpkg-statoverride", got, lines(fixtures.Run(t, "dpkg-statoverride", admindir(root), "--list")))
}

func compareAlternatives(t *testing.T, r *report.Report, root string) {
	if len(r.Alternatives) < 5 {
		t.Errorf("only %d alternatives", len(r.Alternatives))
	}
	for _, a := range r.Alternatives {
		got := fmt.Sprintf("Name: %s\nLink: %s\n", a.Name, a.Link)
		if len(a.Slaves) > 0 {
			got += "Slaves:\n"
		}
		for _, s := range a.Slaves {
			got += fmt.Sprintf(" %s %s\n", s.Name, s.Link)
		}
		got += fmt.Sprintf("Status: %s\nBest: %s\nValue: %s\n", a.Mode, a.Best, a.Value)
		for _, c := range a.Choices {
			got += fmt.Sprintf("\nAlternative: %s\nPriority: %d\n", c.Path, c.Priority)
			if len(c.Slaves) > 0 {
				got += "Slaves:\n"
			}
			for _, s := range a.Slaves {
				if at := c.Slaves[s.Name]; at != "" {
					got += fmt.Sprintf(" %s %s\n", s.Name, at)
				}
			}
		}
		want := fixtures.Run(t, "chroot", root, "update-alternatives", "--query", a.Name)
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s: we say\n%s\nupdate-alternatives says\n%s", a.Name, got, want)
		}
	}
}

// compareKeys compares the keys of each file, one after the other.
func compareKeys(t *testing.T, r *report.Report, root string) {
	home := t.TempDir()
	bySource := map[string][]string{}
	for _, k := range r.RepositoryKeys {
		bySource[string(k.Source)] = append(bySource[string(k.Source)], keyLine(k))
	}
	if len(bySource) < 5 {
		t.Errorf("only %d files of keys", len(bySource))
	}
	for source, got := range bySource {
		out := fixtures.Run(t, "gpg", "--homedir", home, "--batch", "--no-options", "--with-colons", "--show-keys", filepath.Join(root, source))
		sameLines(t, "gpg", got, gpgKeys(out))
	}
}

// keyLine is a key as gpgKeys gives it.
func keyLine(k report.RepositoryKey) string {
	return fmt.Sprintf("%s %.10s %.10s %q %q", k.Fingerprint, k.Created, k.Expires, slices.Sorted(slices.Values(k.Users)), k.Subkeys)
}

// gpgKeys reads gpg's colons: doc/DETAILS of GnuPG.
func gpgKeys(out string) (list []string) {
	var fingerprint, created, expires string
	var users, subkeys []string
	flush := func() {
		slices.Sort(users) // gpg puts the primary one first
		if fingerprint != "" {
			list = append(list, fmt.Sprintf("%s %s %s %q %q", fingerprint, created, expires, users, subkeys))
		}
		fingerprint, users, subkeys = "", nil, nil
	}
	day := func(seconds string) string {
		var n uint64
		if _, err := fmt.Sscan(seconds, &n); err != nil {
			return ""
		}
		return stamp(n)[:10]
	}
	for _, line := range lines(out) {
		f := strings.Split(line, ":")
		switch f[0] {
		case "pub":
			flush()
			created, expires = day(f[5]), day(f[6])
		case "fpr":
			if fingerprint == "" {
				fingerprint = f[9]
			} else {
				subkeys = append(subkeys, f[9])
			}
		case "uid":
			users = append(users, strings.ReplaceAll(f[9], `\x3a`, ":"))
		}
	}
	flush()
	return list
}

// compareAPT requires that apt prints each of our lines, and no other that is not its own.
func compareAPT(t *testing.T, r *report.Report, root string) {
	dump := func(root string) []string {
		file := filepath.Join(t.TempDir(), "conf")
		check(t, os.WriteFile(file, fmt.Appendf(nil, "Dir %q;\n", root), 0o644))
		c := exec.Command("apt-config", "dump")
		c.Env = append(os.Environ(), "APT_CONFIG="+file)
		return lines(fixtures.RunCmd(t, c))
	}
	bare := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(bare, "etc/apt/apt.conf.d"), 0o755))
	own := dump(bare)
	var got []string
	for _, s := range r.APT {
		line := fmt.Sprintf("%s \"%s\";", s.Name, s.Value)
		if !slices.Contains(own, line) {
			got = append(got, line)
		}
	}
	want := slices.DeleteFunc(dump(root), func(line string) bool {
		// The languages are those of who runs apt-config, Dir:: is where we said.
		return slices.Contains(own, line) || strings.HasPrefix(line, "Dir") || strings.HasPrefix(line, "Acquire::Languages") || strings.HasSuffix(line, ` "";`)
	})
	sameLines(t, "apt-config", got, want)
}

// compareOwners asks dpkg who owns what is unowned, and some of the others.
func compareOwners(t *testing.T, r *report.Report, root string) {
	for i, p := range r.Unowned.Paths {
		if i%10 != 0 || p.By != "" {
			continue
		}
		out, err := exec.Command("dpkg-query", admindir(root), "-S", string(p.Path)).CombinedOutput()
		if err == nil {
			t.Errorf("%s is unowned, but dpkg-query says %s", p.Path, out)
		}
	}
	if len(r.Unowned.Paths) < 50 || r.Unowned.More != 0 {
		t.Errorf("%d paths, and %d more", len(r.Unowned.Paths), r.Unowned.More)
	}
	for i, e := range r.Files {
		if i%997 != 0 || e.Package == "" {
			continue
		}
		if out := fixtures.Run(t, "dpkg-query", admindir(root), "-S", "*"+filepath.Base(string(e.Path))); !strings.Contains(out, e.Package) {
			t.Errorf("%s belongs to %s, but dpkg-query says %s", e.Path, e.Package, out)
		}
	}
}

// overlaid is a tree that can be written to and leaves tree alone.
func overlaid(t *testing.T, tree string) string {
	t.Helper()
	fixtures.RequireRoot(t)
	upper, at := t.TempDir(), t.TempDir()
	for _, dir := range []string{"upper", "work"} {
		check(t, os.Mkdir(filepath.Join(upper, dir), 0o755))
	}
	fixtures.Run(t, "mount", "-t", "overlay", "overlay", "-o", fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work,metacopy=off", tree, upper, upper), at)
	t.Cleanup(func() { fixtures.Run(t, "umount", at) })
	return at
}

// only leaves some packages in dpkg's status, so that less is compared.
func only(t *testing.T, root string, names ...string) {
	t.Helper()
	file := filepath.Join(root, "var/lib/dpkg/status")
	data, err := os.ReadFile(file)
	check(t, err)
	var kept []string
	for _, stanza := range strings.Split(string(data), "\n\n") {
		name, _, _ := strings.Cut(strings.TrimPrefix(stanza, "Package: "), "\n")
		if slices.Contains(names, name) {
			kept = append(kept, stanza)
		}
	}
	check(t, os.WriteFile(file, []byte(strings.Join(kept, "\n\n")+"\n"), 0o644))
}

// TestVerifyDebian plants faults of each kind into a system, and compares with dpkg -V line by
// line.
func TestVerifyDebian(t *testing.T) {
	fixtures.RequireTool(t, "dpkg")
	root := overlaid(t, fixtures.DebianTree(t))
	only(t, root, "bash", "cron", "cron-daemon-common", "dash", "login", "logrotate", "openssh-client", "passwd", "sudo", "base-files")
	in := func(name string) string { return filepath.Join(root, name) }
	for _, f := range []string{"etc/login.defs", "usr/bin/chage", "usr/lib/systemd/system/cron.service"} {
		check(t, os.WriteFile(in(f), []byte("changed"), 0o644))
	}
	for _, f := range []string{"usr/sbin/visudo", "etc/crontab", "bin/dash", "usr/share/doc/sudo/copyright", "etc/ssh/moduli"} {
		check(t, os.Remove(in(f)))
	}
	check(t, os.Remove(in("usr/bin/sudo")))
	check(t, os.Symlink("../bin/sudoreplay", in("usr/bin/sudo")))
	check(t, os.Chmod(in("usr/bin/passwd"), 0o700)) // of which dpkg keeps nothing
	check(t, os.WriteFile(in("etc/dpkg/dpkg.cfg.d/docs"), []byte("# small\npath-exclude=/usr/share/doc/*\npath-include=/usr/share/doc/bash/*\n"), 0o644))

	c := exec.Command("dpkg", "--root="+root, "-V")
	out, err := c.Output()
	exit, ok := err.(*exec.ExitError)
	if err != nil && (!ok || len(exit.Stderr) > 0) {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	r := inspected(t, root)
	sectiontest.Status(t, r, "verification", report.OK)
	sameLines(t, "dpkg -V", verifyLines(r), lines(string(out)))
	if v := r.Verification; v.Unread != 0 || v.Contents < 700 {
		t.Errorf("%d contents compared, %d not", v.Contents, v.Unread)
	}
	states := map[report.Raw]string{}
	for _, d := range r.Verification.Different {
		states[d.Path] = d.State
	}
	if states["/usr/share/doc/sudo/copyright"] != "excluded" || states["/usr/sbin/visudo"] != "" {
		t.Errorf("states %v", states)
	}
}

// verifyLines prints as dpkg -V and rpm -V do.
func verifyLines(r *report.Report) (list []string) {
	for _, d := range r.Verification.Different {
		attribute := d.Attribute
		if attribute == "" {
			attribute = " "
		}
		line := fmt.Sprintf("%-9s %s %s", d.Result, attribute, d.Path)
		if d.Manager == "rpm" && d.Result != "missing" {
			line = strings.Replace(line, d.Result, d.Result+" ", 1)
		}
		if d.State != "" && d.Manager == "rpm" {
			line += " (" + d.State + ")"
		}
		list = append(list, line)
	}
	return list
}
