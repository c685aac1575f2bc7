package boot

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/section/sectiontest"
	"github.com/assay-os/assay/report"
)

// lines writes command lines down as "source name: text", the default with a star.
func lines(r *report.Report) []string {
	var list []string
	for _, l := range r.KernelCmdline {
		star := ""
		if l.Default {
			star = "*"
		}
		list = append(list, strings.TrimSpace(star+l.Source+" "+l.Name)+": "+l.Text+strings.Join(append([]string{""}, l.Unset...), " $"))
	}
	return list
}

func TestKernelCmdline(t *testing.T) {
	entry := func(title, version string) string {
		return "title " + title + "\nversion " + version + "\nlinux /vmlinuz-" + version + "\noptions $kernelopts  $tuned_params x=${x}\n"
	}
	const env = "# GRUB Environment Block\nkernelopts=root=/dev/x ro \n"
	blscfg := "set default=\"${saved_entry}\"\nset kernelopts=\"root=none\"\nset x=1\ninsmod blscfg\nblscfg\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"grub.cfg", map[string]string{
			"/boot/grub/grub.cfg": "set default=\"1\"\nset extra=y\nmenuentry A --id a {\n linux /a root=x $extra\n}\nmenuentry B {\n linux /b ${gone} z\n}\nmenuentry C {\n chainloader /x\n}\n",
		}, []string{"/boot/grub/grub.cfg A: root=x y", "*/boot/grub/grub.cfg B: z $gone"}},
		{"grub.cfg without a choice", map[string]string{
			"/boot/grub/grub.cfg": "menuentry A {\n linux /a 1\n}\nmenuentry B {\n linux /b 2\n}\n",
		}, []string{"*/boot/grub/grub.cfg A: 1", "/boot/grub/grub.cfg B: 2"}},
		{"blscfg, the newest", map[string]string{
			"/boot/grub2/grub.cfg": blscfg, "/boot/grub2/grubenv": env, "/boot/loader/entries/m-5.9.conf": entry("old", "5.9"), "/boot/loader/entries/m-5.10.conf": entry("new", "5.10"),
		}, []string{"*/boot/loader/entries/m-5.10.conf new: root=/dev/x ro x=1 $tuned_params", "/boot/loader/entries/m-5.9.conf old: root=/dev/x ro x=1 $tuned_params"}},
		{"blscfg, saved", map[string]string{
			"/boot/grub2/grub.cfg": blscfg, "/boot/grub2/grubenv": "saved_entry=m-5.9\n", "/boot/loader/entries/m-5.9.conf": entry("old", "5.9"), "/boot/loader/entries/m-5.10.conf": entry("new", "5.10"),
		}, []string{"/boot/loader/entries/m-5.10.conf new: root=none x=1 $tuned_params", "*/boot/loader/entries/m-5.9.conf old: root=none x=1 $tuned_params"}},
		{"systemd-boot", map[string]string{
			"/efi/loader/loader.conf": "default a*\n", "/efi/loader/entries/a.conf": "options one\noptions two\n", "/efi/loader/entries/b.conf": "options b\n",
		}, []string{"*/efi/loader/entries/a.conf: one two", "/efi/loader/entries/b.conf: b"}},
		{"settings", map[string]string{
			"/etc/kernel/cmdline": "root=x\n# no\n ro\n", "/etc/default/grub": "GRUB_CMDLINE_LINUX=\"a b\"\nGRUB_CMDLINE_LINUX_DEFAULT='quiet'\nGRUB_TIMEOUT=1\n",
			"/etc/default/grub.d/x.cfg": "GRUB_CMDLINE_LINUX=c\n",
		}, []string{"/etc/default/grub GRUB_CMDLINE_LINUX: c", "/etc/default/grub GRUB_CMDLINE_LINUX_DEFAULT: quiet", "/etc/kernel/cmdline: root=x ro"}},
	} {
		r := sectiontest.Report(t, Sections(), c.files)
		sectiontest.Status(t, r, "kernel-cmdline", report.OK)
		if got := lines(r); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
	}
	sectiontest.Status(t, sectiontest.Report(t, Sections(), nil), "kernel-cmdline", report.Absent, "no boot entry")
}

func TestGrubSetup(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/boot/grub/grub.cfg":           "set default=\"0\"\nif [ x = y ]; then\n set timeout=5\nelse\n set timeout=1\nfi\nset root=$x\npassword_pbkdf2 root grub.x\nmenuentry A {\n linux /a\n}\n",
		"/boot/grub/grubenv":            "# GRUB Environment Block\nsaved_entry=A\n####",
		"/boot/grub/i386-pc/normal.mod": "x", "/boot/grub/i386-pc/ext2.mod": "x", "/boot/grub/x86_64-efi/normal.mod": "x", "/boot/grub/fonts/x": "",
		"/boot/efi/EFI/debian/grub.cfg": "search.fs_uuid 1 root\nset prefix=/boot/grub\nconfigfile $prefix/grub.cfg\n", "/boot/efi/EFI/BOOT/x": "",
		"/etc/default/grub": "GRUB_TIMEOUT=1\n",
	})
	want := []report.GrubSetup{
		{
			Path: "/boot/grub", Set: []string{"default=0", "timeout=5", "timeout=1"}, Environment: map[string]string{"saved_entry": "A"},
			Platforms: []string{"i386-pc", "x86_64-efi"}, Commands: []string{"password_pbkdf2"}, Entries: 1,
		},
		{Path: "/boot/efi/EFI/debian", Set: []string{"prefix=/boot/grub"}, Commands: []string{"configfile"}},
		{Path: "/etc/default/grub", Defaults: map[string]string{"GRUB_TIMEOUT": "1"}},
	}
	if !reflect.DeepEqual(r.Grub, want) {
		t.Errorf("got  %+v\nwant %+v", r.Grub, want)
	}
}

// TestGrubenvOracle compares with grub-editenv, which makes the block as well.
func TestGrubenvOracle(t *testing.T) {
	fixtures.RequireTool(t, "grub-editenv")
	file := filepath.Join(t.TempDir(), "grubenv")
	fixtures.Run(t, "grub-editenv", file, "create")
	fixtures.Run(t, "grub-editenv", file, "set", "saved_entry=a b", "kernelopts=root=UUID=1 ro", "boot_success=1")
	data, err := os.ReadFile(file)
	check(t, err)
	r := sectiontest.Report(t, Sections(), map[string]string{"/boot/grub2/grubenv": string(data)})
	want := map[string]string{}
	for line := range strings.Lines(fixtures.Run(t, "grub-editenv", file, "list")) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		want[k] = v
	}
	if len(want) != 3 || len(r.Grub) != 1 || !reflect.DeepEqual(r.Grub[0].Environment, want) {
		t.Errorf("got %+v, grub-editenv says %v", r.Grub, want)
	}
}

// versionTexts are texts of which each is compared with each.
func versionTexts() []string {
	return []string{
		"", "1", "2", "10", "1.0", "1.0.1", "1~rc1", "1-1", "1-2", "1^2", "1^", "1.", "a", "1a", "1b", "01", "a1", "~", "^", "-", "~~", "1_2", "12", "A", "122.1", "123.0-1",
		"123-a", "123-a.1", "6.1.0-56-cloud-amd64", "6.1.0-9-cloud-amd64", "5.14.0-70.el9.x86_64", "5.14.0-70.13.1.el9_0.x86_64", "ä",
	}
}

func TestCompareVersionsOracle(t *testing.T) {
	fixtures.RequireTool(t, "systemd-analyze")
	texts := versionTexts()
	for i, a := range texts {
		// Each pair once: the program takes a while to start.
		b := texts[(i*7+3)%len(texts)]
		for _, pair := range [][2]string{{a, b}, {a, texts[(i+1)%len(texts)]}} {
			cmd := exec.Command("systemd-analyze", "compare-versions", pair[0], pair[1])
			err := cmd.Run()
			want, known := map[int]int{0: 0, 11: 1, 12: -1}[cmd.ProcessState.ExitCode()]
			if !known {
				t.Fatal(err)
			}
			if got := compareVersions(pair[0], pair[1]); got != want {
				t.Errorf("%q and %q: %d, systemd-analyze says %d", pair[0], pair[1], got, want)
			}
		}
	}
}

// TestCompareVersionsIsAnOrder requires what sorting needs, of all pairs.
func TestCompareVersionsIsAnOrder(t *testing.T) {
	texts := versionTexts()
	for _, a := range texts {
		for _, b := range texts {
			if compareVersions(a, b) != -compareVersions(b, a) {
				t.Errorf("%q and %q", a, b)
			}
			for _, c := range texts {
				if compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0 && compareVersions(a, c) > 0 {
					t.Errorf("%q, %q and %q", a, b, c)
				}
			}
		}
	}
}

func TestBLSOrder(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/boot/loader/entries/a+0-3.conf": "title spent\nsort-key a\nversion 9\n", "/boot/loader/entries/b+2.conf": "title b\nsort-key x\nversion 1\n",
		"/boot/loader/entries/c.conf": "title c\nsort-key x\nversion 2\n", "/boot/loader/entries/d-1.conf": "title d1\n", "/boot/loader/entries/d-2.conf": "# x\ntitle d2\n",
	})
	want := []report.BLSEntry{
		{Path: "/boot/loader/entries/a+0-3.conf", Keys: []string{"title spent", "sort-key a", "version 9"}, Order: 5, TriesLeft: 0, TriesDone: 3},
		{Path: "/boot/loader/entries/b+2.conf", Keys: []string{"title b", "sort-key x", "version 1"}, Order: 2, TriesLeft: 2},
		{Path: "/boot/loader/entries/c.conf", Keys: []string{"title c", "sort-key x", "version 2"}, Order: 1, TriesLeft: -1, TriesDone: -1},
		{Path: "/boot/loader/entries/d-1.conf", Keys: []string{"title d1"}, Order: 4, TriesLeft: -1, TriesDone: -1},
		{Path: "/boot/loader/entries/d-2.conf", Keys: []string{"title d2"}, Order: 3, TriesLeft: -1, TriesDone: -1},
	}
	if !reflect.DeepEqual(r.BLS, want) {
		t.Errorf("%+v", r.BLS)
	}
}

const crypttabText = "# x\nroot UUID=1-2 none luks,discard\nswap\t/dev/sda2 /dev/urandom swap,cipher=aes\ndata /dev/sdb1\n  key /dev/sdc /etc/key -\n"

func TestTables(t *testing.T) {
	r := sectiontest.Report(t, Sections(), map[string]string{
		"/etc/crypttab":         crypttabText,
		"/etc/mdadm/mdadm.conf": "# x\nDEVICE partitions\nARRAY /dev/md0 UUID=1:2\n   name=x # why\nMAILADDR root\narray /dev/md1\n",
		"/etc/zipl.conf":        "[defaultboot]\ndefault=linux\n[linux]\n\timage = /boot/x\n\tparameters=\"root=/dev/y\"\n:menu1\n 1=linux\n",
	})
	crypt := []report.CrypttabEntry{
		{Name: "root", Device: "UUID=1-2", Options: "luks,discard"}, {Name: "swap", Device: "/dev/sda2", Key: "/dev/urandom", Options: "swap,cipher=aes"},
		{Name: "data", Device: "/dev/sdb1"}, {Name: "key", Device: "/dev/sdc", Key: "/etc/key"},
	}
	md := map[string][]string{"DEVICE": {"partitions"}, "ARRAY": {"/dev/md0 UUID=1:2 name=x", "/dev/md1"}, "MAILADDR": {"root"}}
	z := []report.ZiplSection{
		{Name: "defaultboot", Settings: []string{"default=linux"}}, {Name: "linux", Settings: []string{"image=/boot/x", "parameters=root=/dev/y"}}, {Name: ":menu1", Settings: []string{"1=linux"}},
	}
	if !reflect.DeepEqual(r.Crypttab, crypt) || !reflect.DeepEqual(r.Mdadm, md) || !reflect.DeepEqual(r.Zipl, z) {
		t.Errorf("%+v\n%+v\n%+v", r.Crypttab, r.Mdadm, r.Zipl)
	}
	r = sectiontest.Report(t, Sections(), map[string]string{"/etc/crypttab": "a b\nc\n", "/etc/zipl.conf": "x=1\n"})
	sectiontest.Status(t, r, "crypttab", report.Unread, "/etc/crypttab: line 2")
	sectiontest.Status(t, r, "zipl", report.Unread, "/etc/zipl.conf: line 1")
}

// TestCrypttabOracle compares with the units that systemd makes of the table.
func TestCrypttabOracle(t *testing.T) {
	const generator = "/usr/lib/systemd/system-generators/systemd-cryptsetup-generator"
	fixtures.RequireTool(t, generator)
	dir := t.TempDir()
	file := filepath.Join(dir, "crypttab")
	check(t, os.WriteFile(file, []byte(crypttabText), 0o644))
	cmd := exec.Command(generator, dir, dir, dir)
	cmd.Env = append(os.Environ(), "SYSTEMD_CRYPTTAB="+file)
	check(t, cmd.Run())
	list, err := parseCrypttab([]byte(crypttabText))
	check(t, err)
	for _, e := range list {
		data, err := os.ReadFile(filepath.Join(dir, "systemd-cryptsetup@"+e.Name+".service"))
		check(t, err)
		_, line, _ := strings.Cut(string(data), " attach ")
		line, _, _ = strings.Cut(line, "\n")
		fields := strings.Split(line, " ")
		for i, field := range fields {
			if fields[i] = strings.Trim(field, "'"); fields[i] == "none" || fields[i] == "-" {
				fields[i] = ""
			}
		}
		device := e.Device
		if uuid, ok := strings.CutPrefix(device, "UUID="); ok {
			device = "/dev/disk/by-uuid/" + uuid
		}
		if got := []string{e.Name, device, e.Key, e.Options}; !reflect.DeepEqual(got, fields) {
			t.Errorf("got %q, the generator says %q", got, fields)
		}
	}
	if units, err := filepath.Glob(dir + "/*.service"); err != nil || len(units) != len(list) {
		t.Errorf("%d entries, %d units", len(list), len(units))
	}
}

// FuzzSections gives hostile text to every file.
func FuzzSections(f *testing.F) {
	for _, seed := range []string{
		crypttabText, newc([2]string{"conf/", ""}, [2]string{"conf/initramfs.conf", "A=1\n"}), "title x\noptions $a ${b\n", "set a=b\nblscfg\nmenuentry x {\n linux /x $a ${a} $ ${}\n}\n",
		"MZ", "\x1f\x8b\x08", "[a]\nb=c\n", "ARRAY x\n y\n", "default [\ndefault @saved\n",
	} {
		f.Add(seed, "/boot")
	}
	f.Fuzz(func(t *testing.T, text, target string) {
		files := map[string]string{"/efi/EFI/Linux": "-> " + target, "/boot/loader": "-> " + target}
		for _, name := range []string{
			"/boot/vmlinuz-1", "/boot/initrd.img-1", "/boot/grub/grub.cfg", "/boot/grub/grubenv", "/boot/grub2/grub.cfg", "/boot/grub2/grubenv", "/boot/efi/loader/loader.conf",
			"/boot/efi/loader/entries/a+1-2.conf", "/boot/efi/EFI/systemd/systemd-bootx64.efi", "/boot/efi/EFI/Linux/x.efi", "/etc/crypttab", "/etc/mdadm.conf", "/etc/zipl.conf",
			"/etc/default/grub", "/etc/kernel/cmdline",
		} {
			files[name] = text
		}
		r := sectiontest.Report(t, Sections(), files)
		for name, s := range r.Sections {
			if strings.Contains(s.Reason, "gave up") {
				t.Errorf("section %s: %s", name, s.Reason)
			}
		}
	})
}
