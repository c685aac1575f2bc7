package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// rpmLines asks rpm in a tree of its own.
func rpmLines(t *testing.T, root string, args ...string) []string {
	t.Helper()
	c := exec.Command("chroot", append([]string{root, "rpm"}, args...)...)
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"}
	out, err := c.Output()
	exit, ok := err.(*exec.ExitError)
	if err != nil && (!ok || len(exit.Stderr) > 0) {
		t.Fatalf("%s: %v", c, err)
	}
	return lines(string(out))
}

// TestRPMQuery compares the facts of each package with rpm -qa --qf over each tag.
func TestRPMQuery(t *testing.T) {
	fixtures.RequireTool(t, "chroot")
	root := overlaid(t, fixtures.RPMTree(t))
	r := inspected(t, root)
	for _, s := range []string{"packages", "rpm", "verification", "unowned"} {
		sectiontest.Status(t, r, s, report.OK)
	}
	tags := "%{NAME}|%{EPOCH}|%{VERSION}|%{RELEASE}|%{ARCH}|%{OS}|%{SUMMARY}|%{LICENSE}|%{GROUP}|%{URL}|%{VENDOR}|%{PACKAGER}|%{DISTRIBUTION}|%{SOURCERPM}|%{BUILDHOST}|" +
		"%{BUILDTIME}|%{RPMVERSION}|%{PLATFORM}|%{PAYLOADFORMAT} %{PAYLOADCOMPRESSOR} %{PAYLOADFLAGS}|%{SIZE}|%{SHA256HEADER}|%{SHA1HEADER}|%{SIGMD5}|%{PAYLOADDIGEST}\n"
	var got []string
	for _, p := range r.RPM {
		built, err := time.Parse(time.RFC3339, p.BuildTime)
		check(t, err)
		fields := []string{
			p.Name, p.Epoch, p.Version, p.Release, p.Arch, p.OS, p.Summary, p.License, p.Group, p.URL, p.Vendor, p.Packager, p.Distribution, p.SourceRPM, p.BuildHost,
			fmt.Sprint(built.Unix()), p.RPMVersion, p.Platform, p.Payload, fmt.Sprint(p.Size), p.Digests["sha256header"], p.Digests["sha1header"], p.Digests["sigmd5"],
			p.Digests["payloaddigest"],
		}
		for i := range fields {
			if fields[i] == "" {
				fields[i] = "(none)"
			}
		}
		got = append(got, strings.Join(fields, "|"))
	}
	sameLines(t, "rpm -qa --qf", got, rpmLines(t, root, "-qa", "--qf", tags))
	t.Run("dependencies", func(t *testing.T) { compareDependencies(t, r, root) })
	t.Run("scripts", func(t *testing.T) { compareScripts(t, r, root) })
	t.Run("every tag", func(t *testing.T) { compareTags(t, r, root) })
	t.Run("files", func(t *testing.T) { compareFileCounts(t, r, root) })
	t.Run("owners", func(t *testing.T) { compareRPMOwners(t, r, root) })
}

func compareDependencies(t *testing.T, r *report.Report, root string) {
	for _, c := range []struct{ kind, tag string }{
		{"requires", "REQUIRE"}, {"provides", "PROVIDE"}, {"conflicts", "CONFLICT"}, {"obsoletes", "OBSOLETE"}, {"recommends", "RECOMMEND"},
	} {
		want := rpmLines(t, root, "-qa", "--qf", fmt.Sprintf("[%%{=NAME}: %%{%sNEVRS}\n]", c.tag))
		var got []string
		for _, p := range r.RPM {
			for _, d := range p.Dependencies {
				if d.Kind != c.kind {
					continue
				}
				if d.Count != len(d.List) && d.SHA256 == "" {
					t.Errorf("%s: %d of %d", p.Name, len(d.List), d.Count)
				}
				for _, line := range d.List {
					got = append(got, p.Name+": "+line)
				}
			}
		}
		if len(got) > 0 || strings.Join(want, "") != "" {
			sameLines(t, "rpm "+c.kind, got, want)
		}
	}
}

func compareScripts(t *testing.T, r *report.Report, root string) {
	found := 0
	for _, c := range []struct{ kind, tag string }{
		{"pre", "PREIN"}, {"post", "POSTIN"}, {"preun", "PREUN"}, {"postun", "POSTUN"}, {"pretrans", "PRETRANS"}, {"posttrans", "POSTTRANS"}, {"verifyscript", "VERIFYSCRIPT"},
	} {
		out := strings.Join(rpmLines(t, root, "-qa", "--qf", fmt.Sprintf("%%{NAME}\x1f%%{%sPROG}\x1f%%{%s}\x1e", c.tag, c.tag)), "\n")
		want := map[string]string{}
		for _, record := range strings.Split(out, "\x1e") {
			f := strings.Split(record, "\x1f")
			if len(f) == 3 && (f[1] != "(none)" || f[2] != "(none)") {
				want[f[0]] = f[1] + " " + sum([]byte(f[2]))
				if f[2] == "(none)" {
					want[f[0]] = f[1] + " "
				}
			}
		}
		got := map[string]string{}
		for _, p := range r.RPM {
			for _, s := range p.Scripts {
				if s.Kind == c.kind {
					got[p.Name] = s.Interpreter + " " + s.SHA256
				}
			}
		}
		found += len(want)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: we say %v, rpm %v", c.kind, got, want)
		}
	}
	if found < 3 {
		t.Errorf("only %d scripts", found)
	}
	compareTriggers(t, r, root)
}

// compareTriggers compares the conditions of triggers, file triggers among them.
func compareTriggers(t *testing.T, r *report.Report, root string) {
	var got, want []string
	for _, p := range r.RPM {
		for _, s := range p.Scripts {
			for _, c := range s.Conditions {
				got = append(got, fmt.Sprintf("%s %s %s", p.Name, s.Kind, c))
			}
		}
	}
	for kind, tag := range map[string]string{"trigger": "TRIGGER", "filetrigger": "FILETRIGGER", "transfiletrigger": "TRANSFILETRIGGER"} {
		for _, line := range rpmLines(t, root, "-qa", "--qf", fmt.Sprintf("[%%{=NAME} %s%%{%sFLAGS:triggertype} %%{%sNAME} %%{%sFLAGS:depflags} %%{%sVERSION}\n]", kind, tag, tag, tag, tag)) {
			if line != "" {
				want = append(want, strings.TrimRight(line, " "))
			}
		}
	}
	sameLines(t, "rpm", got, want)
}

// compareTags finds each tag of rpm -qa --xml again: in a field of its own, among the other tags, or among
// those that newRPMTeller knows to be told by other means.
func compareTags(t *testing.T, r *report.Report, root string) {
	names := map[string]uint32{}
	for id := range uint32(6000) {
		names[strings.ToLower(rpmdb.TagName(id))] = id
	}
	teller, p := newRPMTeller(), &report.RPMPackage{}
	texts := rpmTexts(p)
	other := map[string]bool{}
	for _, p := range r.RPM {
		for _, tag := range p.Tags {
			other[strings.ToLower(tag.Name)] = true
		}
	}
	seen := map[string]bool{}
	for _, line := range rpmLines(t, root, "-qa", "--xml") {
		_, rest, ok := strings.Cut(line, `<rpmTag name="`)
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(strings.ToLower(rest), `"`)
		seen[name] = true
	}
	for name := range seen {
		id, known := names[name]
		number := slices.Contains([]uint32{1003, 1006, 1009, 5009, 1080}, id)
		if known && (teller.told[id] || texts[id] != nil || number || digestName(id) != "") || other[name] {
			continue
		}
		t.Errorf("tag %s (%d) is told nowhere", name, id)
	}
	if len(seen) < 60 {
		t.Errorf("only %d tags", len(seen))
	}
}

func compareFileCounts(t *testing.T, r *report.Report, root string) {
	count := func(args ...string) int { return len(rpmLines(t, root, args...)) }
	var sum report.RPMFiles
	for _, p := range r.RPM {
		sum.Listed, sum.Config, sum.Doc, sum.License = sum.Listed+p.Files.Listed, sum.Config+p.Files.Config, sum.Doc+p.Files.Doc, sum.License+p.Files.License
	}
	if want := count("-qac"); sum.Config != want {
		t.Errorf("%d configuration files, rpm says %d", sum.Config, want)
	}
	if want := count("-qad"); sum.Doc != want {
		t.Errorf("%d documents, rpm says %d", sum.Doc, want)
	}
	if want := count("-qa", "--qf", "[%{FILENAMES}\n]"); sum.Listed != want {
		t.Errorf("%d files, rpm says %d", sum.Listed, want)
	}
}

func compareRPMOwners(t *testing.T, r *report.Report, root string) {
	var asked []string
	for _, p := range r.Unowned.Paths {
		asked = append(asked, string(p.Path))
	}
	if len(asked) < 10 {
		t.Fatalf("only %d paths are unowned", len(asked))
	}
	for _, line := range rpmLines(t, root, append([]string{"-qf", "--qf", "%{NAME}\n"}, asked...)...) {
		if !strings.Contains(line, "is not owned by any package") {
			t.Errorf("rpm -qf: %s owns what is unowned", line)
		}
	}
	var owned, want []string
	for i, e := range r.Files {
		if e.Package != "" && i%211 == 0 {
			owned, want = append(owned, string(e.Path)), append(want, e.Package)
		}
	}
	if got := rpmLines(t, root, append([]string{"-qf", "--qf", "%{NAME}\n"}, owned...)...); !slices.Equal(got, want) {
		t.Errorf("owners are %v, rpm says %v", want, got)
	}
}

// TestVerifyRPM plants a fault of each kind into a system, and compares with rpm -Va line by line.
func TestVerifyRPM(t *testing.T) {
	fixtures.RequireTool(t, "chroot", "setcap")
	root := overlaid(t, fixtures.RPMTree(t))
	plant(t, root)
	want := rpmLines(t, root, "-Va", "--nodeps", "--noscripts")
	r := inspected(t, root)
	sectiontest.Status(t, r, "verification", report.OK)
	sameLines(t, "rpm -Va", verifyLines(r), want)
	letters := strings.Join(want, "\n")
	for _, l := range []string{"S.5", "M...", "..5", "L...", "U..", ".G.", ".T.", "..P", "D", "missing", " c /", " g /", " d /"} {
		if !strings.Contains(letters, l) {
			t.Errorf("no fault of kind %q was planted", l)
		}
	}
}

// plant changes a tree in each way that rpm verifies.
func plant(t *testing.T, root string) {
	in := func(name string) string { return filepath.Join(root, name) }
	write := func(name, content string) { check(t, os.WriteFile(in(name), []byte(content), 0o755)) }
	old := time.Unix(1e9, 0)
	write("usr/bin/less", "changed")
	write("etc/ssh/sshd_config", "Port 23\n")
	data, err := os.ReadFile(in("usr/bin/gzip")) // of the same length and time
	check(t, err)
	info, err := os.Stat(in("usr/bin/gzip"))
	check(t, err)
	data[len(data)/2] ^= 1
	check(t, os.WriteFile(in("usr/bin/gzip"), data, 0o755))
	check(t, os.Chtimes(in("usr/bin/gzip"), info.ModTime(), info.ModTime()))
	check(t, os.Chmod(in("usr/bin/kmod"), 0o4755))
	check(t, os.Chtimes(in("usr/bin/kmod"), info.ModTime(), old))
	check(t, os.Lchown(in("usr/bin/grep"), 12345, 0))
	check(t, os.Lchown(in("usr/bin/find"), 0, 1))
	check(t, os.Lchown(in("usr/bin/xargs"), 4242, 4242))
	check(t, os.Chmod(in("usr/lib/systemd"), 0o700))
	fixtures.Run(t, "setcap", "cap_chown=ep", in("usr/bin/tar"))
	fixtures.Run(t, "setcap", "-r", in("usr/bin/ping"))
	check(t, os.Remove(in("usr/bin/sed")))
	check(t, os.Remove(in("etc/sudoers")))
	link := firstLink(t, root, "usr/lib")
	check(t, os.Remove(link))
	check(t, os.Symlink("elsewhere", link))
	docs, err := filepath.Glob(in("usr/share/doc/*/copyright"))
	check(t, err)
	check(t, os.Remove(docs[0]))
	check(t, os.WriteFile(docs[1], []byte("x"), 0o644))
	check(t, os.Chmod(in("etc/ld.so.cache"), 0o600))
	check(t, os.Remove(in("usr/bin/free")))
	check(t, unix.Mknod(in("usr/bin/free"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	check(t, os.RemoveAll(in("etc/logrotate.d")))
	check(t, os.Remove(in("usr/bin/kill")))
	check(t, os.Mkdir(in("usr/bin/kill"), 0o755))
	// A directory that became a link to one.
	fixtures.Run(t, "cp", "-a", in("etc/ssh"), in("etc/ssh2"))
	check(t, os.RemoveAll(in("etc/ssh")))
	check(t, os.Symlink("ssh2", in("etc/ssh")))
}

// firstLink finds a symbolic link that a package brought.
func firstLink(t *testing.T, root, dir string) string {
	t.Helper()
	found := ""
	check(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type()&os.ModeSymlink != 0 && strings.Contains(path, ".so.") {
			found = path
			return filepath.SkipAll
		}
		return err
	}))
	return found
}
