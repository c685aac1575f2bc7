package selinux_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/inspect/selinux"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

const policyDir = "etc/selinux/default"

// wouldRelabel are the lines that setfiles -n -v prints.
var wouldRelabel = regexp.MustCompile(`(?m)^Would relabel (.*) from (.*) to (.*)$`)

// setfiles gives what setfiles(8) would change, by path: the actual label and
// the expected one.
func setfiles(t *testing.T, dir string) map[string][2]string {
	t.Helper()
	out := fixtures.Run(t, "setfiles", "-n", "-v", "-F", "-r", dir, filepath.Join(dir, policyDir, "contexts/files/file_contexts"), dir)
	found := map[string][2]string{}
	for _, m := range wouldRelabel.FindAllStringSubmatch(out, -1) {
		path := strings.TrimPrefix(m[1], dir)
		if path == "" {
			path = "/"
		}
		found[path] = [2]string{strings.Replace(m[2], "(null)", "", 1), m[3]}
	}
	return found
}

// smaller is a copy of a part of the labelled tree that a test may change.
func smaller(t *testing.T, dir string) string {
	t.Helper()
	small := t.TempDir()
	fixtures.Run(t, "sh", "-c", "cd "+dir+` && cp -a --parents bin lib lib64 sbin etc usr/bin root tmp var/log "$0" && mkdir -p "$0/run" "$0/proc" "$0/usr/lib" "$0/usr/lib64"`, small)
	fixtures.Label(t, small)
	return small
}

func relabel(t *testing.T, dir string, labels map[string]string) {
	t.Helper()
	for path, label := range labels {
		full := filepath.Join(dir, path)
		var err error
		if label == "" {
			err = unix.Lremovexattr(full, "security.selinux")
		} else {
			err = unix.Lsetxattr(full, "security.selinux", append([]byte(label), 0), 0)
		}
		if err != nil {
			t.Fatalf("label %s: %v", path, err)
		}
	}
}

// TestMismatches holds the list to setfiles on a labelled Debian system, first
// as setfiles left it, then with labels changed in each way.
func TestMismatches(t *testing.T) {
	t.Parallel()
	dir := fixtures.LabelledTree(t)
	r := sectiontest.Fill(t, selinux.Sections(), treetest.Open(t, dir))
	sectiontest.Status(t, r, "selinux-mismatches", report.OK)
	if len(r.SELinuxMismatches) > 0 || r.SELinux.Labelled < 5000 {
		t.Errorf("%d of %d labels differ on a tree that setfiles labelled: %.3v", len(r.SELinuxMismatches), r.SELinux.Labelled, r.SELinuxMismatches)
	}
	dir = smaller(t, dir)
	relabel(t, dir, map[string]string{
		"/": "system_u:object_r:tmp_t:s0", "/etc/shadow": "system_u:object_r:etc_t:s0", "/etc/passwd": "", "/usr/bin/passwd": "staff_u:object_r:passwd_exec_t:s0",
		"/etc/hostname": "system_u:system_r:hostname_etc_t:s0", "/etc/hosts": "system_u:object_r:net_conf_t:s0:c1", "/etc/fstab": "nonsense",
		"/usr/bin/chage": "system_u:object_r:not_in_the_policy_t:s0", "/bin": "system_u:object_r:public_content_t:s0", "/var/log": "system_u:object_r:var_log_t:s1",
		"/root": "system_u:object_r:var_log_t",
	})
	fixtures.Run(t, "sh", "-c", "touch '"+dir+"/etc/new\nline' "+dir+"/tmp/unlabelled && mkfifo "+dir+"/run/initctl && ln "+dir+"/etc/group "+dir+"/etc/group.second")
	relabel(t, dir, map[string]string{"/etc/group": "system_u:object_r:bin_t:s0"})

	r = sectiontest.Fill(t, selinux.Sections(), treetest.Open(t, dir))
	want := setfiles(t, dir)
	kinds := map[string]string{}
	for _, m := range r.SELinuxMismatches {
		path := string(m.Path)
		kinds[path] = m.Kind
		key := path
		if strings.Contains(path, "\n") {
			continue // its line of setfiles' output is not one
		}
		if _, ok := want[key]; !ok && path == "/etc/group" {
			key = "/etc/group.second" // setfiles takes the name that it sees first
		}
		if got := [2]string{m.Actual, m.Expected}; got != want[key] {
			t.Errorf("%s: %q, setfiles says %q", path, got, want[key])
		}
		delete(want, key)
	}
	for path, labels := range want {
		t.Errorf("%s: setfiles would relabel from %q to %q, and nothing is found", path, labels[0], labels[1])
	}
	for path, kind := range map[string]string{
		"/": "type", "/etc/passwd": "missing", "/usr/bin/passwd": "user", "/etc/fstab": "invalid", "/usr/bin/chage": "invalid", "/etc/hosts": "range",
		"/var/log": "invalid", "/root": "invalid", "/run/initctl": "missing", "/etc/new\nline": "missing", "/etc/group": "type", "/bin": "type",
	} {
		if kinds[path] != kind {
			t.Errorf("%q is a mismatch of kind %q, want %q", path, kinds[path], kind)
		}
	}
	for _, m := range r.SELinuxMismatches {
		if m.Customizable != (m.Path == "/bin") {
			t.Errorf("%s: customizable is %v", m.Path, m.Customizable)
		}
	}
}

// TestMatchpathcon asks matchpathcon -V about files that setfiles labelled and
// about one that is wrong: it is for the running system, so it runs in the tree.
func TestMatchpathcon(t *testing.T) {
	t.Parallel()
	fixtures.RequireTool(t, "matchpathcon", "bwrap")
	dir := smaller(t, fixtures.LabelledTree(t))
	relabel(t, dir, map[string]string{"/etc/hostname": "system_u:object_r:shadow_t:s0", "/etc/ssh": ""})
	paths := []string{"/etc/hostname", "/etc/shadow", "/usr/bin/passwd", "/var/log", "/etc"}
	argv := []string{
		"--bind", dir, "/", "--proc", "/proc", "--ro-bind", "/usr/lib", "/usr/lib", "--ro-bind", "/usr/lib64", "/usr/lib64",
		"--ro-bind", "/usr/sbin/matchpathcon", "/run/matchpathcon", "/run/matchpathcon", "-V",
	}
	out, err := exec.Command("bwrap", append(argv, paths...)...).Output()
	if err == nil {
		t.Fatalf("matchpathcon finds nothing wrong:\n%s", out)
	}
	r := sectiontest.Fill(t, selinux.Sections(), treetest.Open(t, dir))
	for _, path := range paths {
		wrong := slices.ContainsFunc(r.SELinuxMismatches, func(m report.LabelMismatch) bool { return string(m.Path) == path })
		if verified := strings.Contains(string(out), path+" verified.\n"); verified == wrong {
			t.Errorf("%s: mismatch %v, matchpathcon says\n%s", path, wrong, out)
		}
	}
}

// TestDescribe holds the facts of Debian's policy to the tools of libsemanage.
func TestDescribe(t *testing.T) {
	t.Parallel()
	fixtures.RequireTool(t, "semodule")
	dir := fixtures.LabelledTree(t)
	r := sectiontest.Fill(t, selinux.Sections(), treetest.Open(t, dir))
	sectiontest.Status(t, r, "selinux", report.OK)
	s := r.SELinux
	if s == nil || s.Policy == nil || s.FileContexts == nil {
		t.Fatalf("SELinux is %+v", s)
	}
	if s.Type != "default" || s.Mode != "permissive" || s.ModeAtBoot != "permissive" || s.Policy.Version < 31 || !s.Policy.MLS ||
		s.Policy.HandleUnknown != "allow" || s.Policy.Types < 4000 || len(s.Booleans) < 200 || s.FileContexts.Lines < 5000 || len(s.FileContexts.Problems) > 0 {
		t.Errorf("SELinux is %s, %s, %s, %+v, %d booleans, %+v", s.Type, s.Mode, s.ModeAtBoot, s.Policy, len(s.Booleans), s.FileContexts)
	}
	if !slices.Contains(s.CustomizableTypes, "public_content_t") || s.Translations["s0"] != "SystemLow" {
		t.Errorf("customizable types %v, translations %v", s.CustomizableTypes, s.Translations)
	}
	if i := slices.IndexFunc(s.Logins, func(l report.SELinuxLogin) bool { return l.Name == "root" }); i < 0 || s.Logins[i].User != "unconfined_u" || s.Logins[i].Range != "s0-s0:c0.c1023" {
		t.Errorf("logins %v", s.Logins)
	}
	var modules []string
	for _, m := range s.Modules {
		modules = append(modules, fmt.Sprintf("%d %s%s", m.Priority, m.Name, map[bool]string{true: " disabled"}[m.Disabled]))
	}
	var want []string
	for _, line := range strings.Split(strings.TrimSpace(fixtures.Run(t, "semodule", "--list=full", "--path="+dir, "--store=default")), "\n") {
		f := strings.Fields(line) // the third is the module's language
		want = append(want, strings.Join(append(f[:2], f[3:]...), " "))
	}
	slices.Sort(modules)
	slices.Sort(want)
	if !slices.Equal(modules, want) {
		t.Errorf("%d modules, semodule lists %d; the first that differ: %.5q, %.5q", len(modules), len(want), modules, want)
	}
}

// TestAbsent: systems without SELinux, and without labels.
func TestAbsent(t *testing.T) {
	r := sectiontest.Report(t, selinux.Sections(), map[string]string{"/etc/hostname": "x\n", "/etc/selinux/semanage.conf": ""})
	sectiontest.Status(t, r, "selinux", report.Absent, "/etc/selinux/config")
	sectiontest.Status(t, r, "selinux-mismatches", report.Absent)

	contexts := "/etc/selinux/targeted/contexts/files/file_contexts"
	r = sectiontest.Report(t, selinux.Sections(), map[string]string{"/etc/selinux/config": "SELINUX=enforcing\n", contexts: "/.* u:r:t\n"})
	sectiontest.Status(t, r, "selinux", report.OK)
	sectiontest.Status(t, r, "selinux-mismatches", report.Absent, "has a label")
	if r.SELinux.Unlabelled < 5 || r.SELinux.Labelled != 0 || r.SELinux.Type != "targeted" || r.SELinux.Policy != nil {
		t.Errorf("SELinux is %+v", r.SELinux)
	}
	r = sectiontest.Report(t, selinux.Sections(), map[string]string{"/etc/selinux/config": "SELINUX=enforcing\n"})
	sectiontest.Status(t, r, "selinux", report.OK)
	sectiontest.Status(t, r, "selinux-mismatches", report.Absent, "file_contexts")
}

// TestTrouble: files that cannot be read make a section unread or stand in it
// as problems, and always name the place.
func TestTrouble(t *testing.T) {
	base := "/etc/selinux/default/contexts/files/file_contexts"
	for _, c := range []struct {
		name    string
		files   map[string]string
		section string
		want    []string
	}{
		{"config", map[string]string{"/etc/selinux/config": "SELINUX=enforcing\x00\n"}, "selinux", []string{"/etc/selinux/config", "NUL"}},
		{"policy", map[string]string{"/etc/selinux/default/policy/policy.31": "not a policy, but long enough"}, "selinux", []string{"policy.31", "magic"}},
		{"policy cut", map[string]string{"/etc/selinux/default/policy/policy.31": "\x8c\xff\x7c\xf9"}, "selinux", []string{"policy.31", "ends"}},
		{"logins", map[string]string{"/etc/selinux/default/seusers": "root\n"}, "selinux", []string{"seusers", "line 1"}},
		{"loop", map[string]string{base: "-> file_contexts"}, "selinux-mismatches", []string{"file_contexts", "links"}},
		{"compiled only", map[string]string{base: "-> gone", base + ".bin": "x"}, "selinux-mismatches", []string{"file_contexts.bin", "not read"}},
		{"compiled only", map[string]string{base: "-> gone", base + ".bin": "x"}, "selinux", []string{"file_contexts.bin", "not read"}},
		{"expression", map[string]string{base: "/etc(/.* u:r:t\n"}, "selinux-mismatches", []string{"file_contexts:1", "parenthesis"}},
		{"look-behind", map[string]string{base: "/(?<!a)b u:r:t\n"}, "selinux-mismatches", []string{"file_contexts:1", "not supported"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"/etc/selinux/config": "SELINUX=permissive\nSELINUXTYPE=default\n", base: "/.* u:r:t\n"}
			for name, text := range c.files {
				files[name] = text
			}
			on := treetest.Of(t, treetest.Map{Files: files})
			for i := range on.Files {
				on.Files[i].Node.SELinux = "u:r:t"
			}
			sectiontest.Status(t, sectiontest.Fill(t, selinux.Sections(), on), c.section, report.Unread, c.want...)
		})
	}
}

// TestProblems: lines that cannot be read, and contexts that a policy does not
// have, are told with their places.
func TestProblems(t *testing.T) {
	data, err := os.ReadFile("/etc/selinux/default/policy/policy.33")
	if err != nil {
		fixtures.Missing(t, "selinux-policy-default is not installed")
	}
	r := sectiontest.Report(t, selinux.Sections(), map[string]string{
		"/etc/selinux/config": "SELINUXTYPE=x\n", "/etc/selinux/x/policy/policy.33": string(data),
		"/etc/selinux/x/contexts/files/file_contexts":       "/etc -x u:r:t\n/usr system_u:object_r:usr_t:s0\n/opt system_u:object_r:optional_t:s0\n/a[ system_u:object_r:usr_t:s0\n",
		"/etc/selinux/x/contexts/files/file_contexts.local": "/b system_u:object_r:usr_t:s0:c2000\n",
	})
	got := strings.Join(r.SELinux.FileContexts.Problems, "\n")
	for _, want := range []string{"file_contexts:1: ", "file_contexts:3: context", "file_contexts:4: expression", "file_contexts.local:1: context"} {
		if !strings.Contains(got, want) {
			t.Errorf("problems do not tell %q:\n%s", want, got)
		}
	}
	if r.SELinux.FileContexts.Local != 1 || len(r.SELinux.FileContexts.Problems) != 4 {
		t.Errorf("file contexts are %+v", r.SELinux.FileContexts)
	}
}

// TestCancelled: a long comparison ends when it is told to.
func TestCancelled(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{
		"/etc/selinux/config": "SELINUXTYPE=x\n", "/etc/selinux/x/contexts/files/file_contexts": "/.* u:r:t\n",
	}})
	on.Files[0].Node.SELinux = "u:r:t"
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	sections := selinux.Sections()
	if err := sections[1].Fill(ctx, on, &report.Report{}); err == nil {
		t.Error("a cancelled comparison gives no error")
	}
}
