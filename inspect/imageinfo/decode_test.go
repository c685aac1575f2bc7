package imageinfo

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// TestPublishedReports loads every published document, and writes it again: all
// that it says is in our report.
func TestPublishedReports(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(fixtures.Conformance(t), "reports", "*.json"))
	if err != nil || len(names) < 100 {
		t.Fatalf("%d reports: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !IsDocument(data) {
				t.Error("it is not seen to be one of image-info's")
			}
			roundTrip(t, data)
		})
	}
}

// roundTrip decodes a document, encodes the report, and compares.
func roundTrip(t *testing.T, data []byte) *report.Report {
	t.Helper()
	doc, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Sections["files"]; s.Status != report.Unread || s.Reason != notRecorded {
		t.Errorf("files are %+v", s)
	}
	got, want := generic(t, Document(r)), generic(t, doc)
	for _, d := range differences(got, want) {
		if d == "systemd-service-dropins" && olderForm(doc[d]) {
			continue // it is written in the form of today
		}
		t.Errorf("%s: %s", d, clip(got[d], want[d]))
	}
	var b bytes.Buffer
	if err := r.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Decode(&b); err != nil {
		t.Errorf("the report cannot be read again: %v", err)
	}
	return r
}

// generic is a value as JSON has it.
func generic(t *testing.T, v any) map[string]any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// differences are the keys in which two documents differ.
func differences(a, b map[string]any) []string {
	var keys []string
	for _, pair := range [][2]map[string]any{{a, b}, {b, a}} {
		for key := range pair[0] {
			x, inA := pair[0][key]
			y, inB := pair[1][key]
			if (!inA || !inB || !reflect.DeepEqual(x, y)) && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// clip shows two values from where they differ.
func clip(got, want any) string {
	text := func(v any) string { data, _ := json.Marshal(v); return string(data) }
	a, b := text(got), text(want)
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	i = max(0, i-60)
	return "got …" + a[i:min(len(a), i+240)] + "\nwant …" + b[i:min(len(b), i+240)]
}

// TestEveryKeyIsRead: what is written can be read.
func TestEveryKeyIsRead(t *testing.T) {
	known := readers()
	for _, k := range Keys() {
		if _, ok := known[k.Name]; ok == k.Missing {
			t.Errorf("%s: read %t, missing %t", k.Name, ok, k.Missing)
		}
		delete(known, k.Name)
	}
	if len(known) > 0 {
		t.Errorf("read and never written: %v", known)
	}
	if !slices.IsSortedFunc(Keys(), func(a, b Key) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the keys are not sorted")
	}
}

func TestCommon(t *testing.T) {
	a := Recorded{"x": nil, "y": nil}
	b := Recorded{"y": nil, "a": nil}
	if gone := Common(a, b); !slices.Equal(gone, []string{"a", "x"}) || len(a) != 1 || len(b) != 1 {
		t.Errorf("%v, left %v and %v", gone, a, b)
	}
}

// TestForeign: what is no document is an error that says so.
func TestForeign(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "read image-info: unexpected end",
		"[]":                               "read image-info: json:",
		`{"a": 1}`:                         "none of image-info's keys",
		`{"image-info": 3}`:                "read image-info: json:",
		`{"packages": 3}`:                  "packages: json:",
		`{"partitions": [{"Start": "x"}]}`: "partitions: json:",
	} {
		doc, err := Read(strings.NewReader(text))
		if err == nil {
			_, err = Decode(doc)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"packages": ["a-1-2.noarch"], "partitions": [{"type": "83", "start": 1, "lvm.volumes": {"x": {}}}], "fstab": [["a"], []], "os-release": {"ID": "x"}}`))
	f.Add([]byte(`{"rhsm": {"rhsm.conf": {"a": {"b": "%(b)s%(b)s"}}}, "cloud-init": {"/etc": {"x": {"a": [null, 1.5]}}}, "firewall-enabled": [], "bootmenu": [{}], "os-release": {}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		r, err := Decode(doc)
		if err != nil {
			return
		}
		if _, err := Reduce(r); err != nil {
			t.Error(err)
		}
	})
}

// FuzzDocument writes reports whose every configuration file holds the same hostile text.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{"[a]\nb = %(b)s\n  c\n", "a: &x [1, 2]\nb: *x\n", "Section \"InputClass\"\nOption \"XkbLayout\" \"us\"\nEndSection", "blacklist a \\\n b\n", "=\n[]\n#\n\"", "title x\nUUID=1 / x\n"} {
		f.Add(seed)
	}
	paths := []string{
		"/etc/os-release", "/etc/dnf/automatic.conf", "/resolv.conf", "/etc/udev/rules.d/a.rules", "/etc/authselect/authselect.conf", "/boot/grub2/grubenv",
		"/boot/loader/entries/a.conf", "/etc/chrony.conf", "/etc/cloud/cloud.cfg", "/var/lib/containers/storage/overlay-images/images.json", "/etc/dnf/dnf.conf",
		"/etc/dnf/vars/a", "/etc/dracut.conf.d/a.conf", "/etc/firewalld/firewalld.conf", "/etc/fstab", "/etc/hostname", "/etc/hosts", "/etc/vconsole.conf",
		"/etc/X11/xorg.conf.d/00-keyboard.conf", "/etc/locale.conf", "/etc/machine-id", "/etc/modprobe.d/a.conf", "/etc/dnf/plugins/product-id.conf", "/etc/rhsm/rhsm.conf",
		"/etc/security/limits.conf", "/etc/sudoers", "/etc/sysconfig/network", "/etc/sysconfig/network-scripts/ifcfg-a", "/etc/systemd/logind.conf",
		"/etc/systemd/system/a.service.d/a.conf", "/etc/tuned/active_profile", "/etc/yum.repos.d/a.repo",
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := &report.Report{}
		for _, p := range paths {
			r.ConfigFiles = append(r.ConfigFiles, report.ConfigText{Path: p, Lines: strings.Split(text, "\n")})
		}
		doc, err := Reduce(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(doc); err != nil {
			t.Errorf("what was written cannot be read: %v", err)
		}
	})
}
