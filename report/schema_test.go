package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assay-os/assay/report"
)

const schemaFile = "../docs/schemas/report.json"

// TestSchemaIsFresh compares docs/schemas/report.json with the types.
// UPDATE_SCHEMAS=1 rewrites it.
func TestSchemaIsFresh(t *testing.T) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(report.Schema()); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_SCHEMAS") == "1" {
		if err := os.MkdirAll(filepath.Dir(schemaFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(schemaFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Error("docs/schemas/report.json is stale: run UPDATE_SCHEMAS=1 go test ./report")
	}
}

// full is a report with every field set.
func full() *report.Report {
	return &report.Report{
		SchemaVersion: 1, Subject: report.Subject{Kind: "disk", Format: "raw"},
		Disk: &report.Disk{
			Format: "raw", Size: 1, Digest: "d", PartitionTable: "gpt", ID: "i", SectorSize: 512,
			Partitions: []report.Partition{{
				Index: 1, Start: 2, Size: 3, Type: "t", UUID: "u", Label: "l", Bootable: true, Attributes: 1,
				Filesystem: &report.Filesystem{Type: "ext4", UUID: "u", Label: "l", Features: []string{"f"}, Settings: map[string]string{"s": "1"}, Mountpoint: "/"},
			}},
			Filesystem: &report.Filesystem{Type: "swap"},
			Mapped: []report.MappedDevice{{Name: "vg/lv", Type: "lvm2", UUID: "u", Size: 1, Members: []string{"partition 1"},
				Settings: map[string]string{"s": "1"}, Filesystem: &report.Filesystem{Type: "swap"}}},
			Regions: []report.Region{{Role: "gap", Device: "vg/lv", Offset: 1, Length: 2, SHA256: "s", Roles: "r"}},
		},
		Container: fullContainer(),
		Files: []report.Entry{{Path: "/", Type: report.Directory, Mode: 0o755}, {
			Path: "/a\xff\\<", Type: report.File, Mode: 0o4755, UID: 1, GID: 2, Size: 3, Mtime: time.Unix(1, 5).UTC(), SHA256: "s",
			Target: "t", Device: "1:3", Xattrs: map[string]report.Raw{"user.a": "\x00"}, SELinux: "x", Capabilities: "c=ep", Attributes: "nodump", Hardlink: "/a",
			Canonical: &report.Canonical{Rule: "gzip", Version: 1, Digest: "d", Parts: []report.Part{{Name: "n", Digest: "d"}}},
			Roles:     &report.Canonical{Rule: "identity", Version: 1, Digest: "r"}, Package: "p",
		}},
		Packages:  []report.Package{{Name: "a", Version: "1", Arch: "all", Manager: "dpkg", State: "install ok installed"}},
		Users:     []report.User{{Name: "a", UID: 1, GID: 1, Gecos: "g", Home: "/", Shell: "/bin/sh", Password: "locked", Keys: 1}},
		Groups:    []report.Group{{Name: "a", GID: 1, Members: []string{"b"}}},
		OSRelease: map[string]string{"ID": "x"},
		Fstab:     []report.FstabEntry{{Spec: "s", File: "/", VfsType: "ext4", Options: "ro", Freq: 1, Passno: 2}},
		Services:  report.Services{Enabled: []string{"a"}, Disabled: []string{"b"}, Masked: []string{"c"}, DefaultTarget: "d"},
		Boot:      []report.BootEntry{{Source: "s", Title: "t", Linux: "l", Initrd: "i", Options: "o", Default: true}},
		Sections:  map[string]report.Section{"files": {Status: report.OK}, "disk": {Status: report.Unread, Reason: "r"}},
		Rules:     []report.Rule{{Name: "gzip", Version: 1, Reason: "r", Source: "s"}},
	}
}

func fullContainer() *report.Container {
	return &report.Container{
		OS: "linux", Architecture: "arm", Variant: "v7", OSVersion: "1", OSFeatures: []string{"f"}, User: "1:1", WorkingDir: "/",
		Entrypoint: []string{"e"}, Cmd: []string{"c"}, Env: []string{"A=b"}, ExposedPorts: []string{"80/tcp"}, Volumes: []string{"/v"},
		Labels: map[string]string{"a": "b"}, StopSignal: "TERM", Shell: []string{"sh"}, OnBuild: []string{"RUN x"},
		Healthcheck: &report.Healthcheck{Test: []string{"CMD", "x"}, Interval: "1s", Timeout: "1s", StartPeriod: "1s", StartInterval: "1s", Retries: 1},
		Digest:      "sha256:d", ConfigDigest: "sha256:c", Names: []string{"n"}, Layers: 1, History: 2, Created: "t", Author: "a",
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	doc, err := jsonschema.UnmarshalJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(report.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(report.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaTakesReports(t *testing.T) {
	s := compiled(t)
	text := encode(t, full())
	validate := func(text string) error {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(doc)
	}
	if err := validate(text); err != nil {
		t.Errorf("a report is refused: %v", err)
	}
	for old, bad := range map[string]string{
		`"mode": "0755"`: `"mode": "755"`, `"type": "directory"`: `"type": "dir"`, `"status": "ok"`: `"status": "fine"`,
		`"uid": 1`: `"uid": -1`, `"kind": "disk"`: `"sort": "disk"`, `"schema_version": 1,`: ``,
	} {
		if !strings.Contains(text, old) {
			t.Fatalf("the report has no %s", old)
		}
		if err := validate(strings.Replace(text, old, bad, 1)); err == nil {
			t.Errorf("%s instead of %s is taken", bad, old)
		}
	}
}

func encode(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEncodeIsPlainJSON holds that writing the entries one by one gives what
// package json gives for the whole.
func TestEncodeIsPlainJSON(t *testing.T) {
	none := full()
	none.Files = []report.Entry{}
	tricky := full()
	tricky.Subject.Format = "\n  \"files\": []"
	for _, r := range []*report.Report{full(), none, tricky} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
		if got := encode(t, r); got != b.String() {
			t.Errorf("got\n%s\nwant\n%s", got, b.String())
		}
	}
}

func TestDecode(t *testing.T) {
	text := encode(t, full())
	r, err := report.Decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if again := encode(t, r); again != text {
		t.Errorf("there and back:\n%s\n%s", text, again)
	}
	for what, bad := range map[string]string{
		"unknown key":   strings.Replace(text, `"kind"`, `"sort"`, 1),
		"newer version": strings.Replace(text, `"schema_version": 1`, `"schema_version": 2`, 1),
		"trailing data": text + "{}",
		"cut off":       text[:len(text)/2],
		"no version":    strings.Replace(text, `"schema_version": 1`, `"schema_version": 0`, 1),
		"bad escape":    strings.Replace(text, `\\xff`, `\\xzz`, 1),
		"bad mode":      strings.Replace(text, `"0755"`, `"9999"`, 1),
		"empty":         "",
	} {
		if _, err := report.Decode(strings.NewReader(bad)); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestTreeDigest(t *testing.T) {
	digest := func(change func(*report.Entry)) string {
		files := full().Files
		change(&files[1])
		d, err := report.TreeDigest(files)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	base := digest(func(*report.Entry) {})
	if digest(func(e *report.Entry) { e.Canonical, e.Roles, e.Package = nil, nil, "" }) != base {
		t.Error("rule results or owners count")
	}
	if digest(func(e *report.Entry) { e.Mode ^= 1 }) == base {
		t.Error("the mode does not count")
	}
}
