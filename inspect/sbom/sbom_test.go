package sbom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/sbom"
	"github.com/assay-os/assay/report"
)

type writer func(io.Writer, *report.Report, sbom.Options) error

func writers() map[string]writer {
	return map[string]writer{"spdx": sbom.WriteSPDX, "spdx3": sbom.WriteSPDX3, "cyclonedx": sbom.WriteCycloneDX}
}

// sample is a small system with what is hard to say: names that repeat, bytes that are
// no UTF-8, files of nobody, packages that are not there.
func sample() *report.Report {
	digest := strings.Repeat("ab", 32)
	return &report.Report{
		SchemaVersion: 1, Subject: report.Subject{Kind: "disk", Format: "raw"},
		OSRelease: map[string]string{"ID": "debian", "VERSION_ID": "12", "NAME": "Debian GNU/Linux", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"},
		Files: []report.Entry{
			{Path: "/", Type: report.Directory, Mtime: time.Unix(1_600_000_000, 0)},
			{Path: "/bin/a\xff\n<b>", Type: report.File, SHA256: digest, Package: "a", Mtime: time.Unix(1_700_000_000, 5)},
			{Path: "/bin/free", Type: report.File, SHA256: digest},
			{Path: "/bin/link", Type: report.Symlink, Target: "a", Package: "a"},
			{Path: "/bin/two", Type: report.File, SHA256: digest, Package: "libc6"},
			{Path: "/bin/unread", Type: report.File, Package: "a"},
			{Path: "partition 3:/EFI", Type: report.File, SHA256: digest},
		},
		Packages: []report.Package{
			{Name: "a", Version: "1:2.0~rc1+dfsg-1", Arch: "all", Manager: "dpkg", State: "install ok installed"},
			{Name: "evil\x1b<script>\xff", Version: "\n", Arch: "?&#", Manager: "dpkg", State: "install ok half-configured"},
			{Name: "gone", Version: "1", Arch: "all", Manager: "dpkg", State: "deinstall ok config-files"},
			{Name: "libc6", Version: "2.36-9", Arch: "amd64", Manager: "dpkg", State: "install ok installed"},
			{Name: "libc6", Version: "2.36-9", Arch: "i386", Manager: "dpkg", State: "install ok installed"},
			{Name: "curl", Version: "3:7.50-1.fc25", Arch: "i686", Manager: "rpm"},
			{Name: "old", Version: "1-1", Manager: "rpm"},
			{Name: "x", Version: "1-1", Arch: "", Manager: "unheard-of"},
			{Name: "x", Version: "1-1", Arch: "", Manager: "unheard-of"},
		},
		PackageFacts: report.PackageFacts{
			Dpkg: []report.DpkgPackage{
				{Name: "a", Version: "1:2.0~rc1+dfsg-1", Arch: "all", Source: "aa", SourceVersion: "2.0", Maintainer: "A <a@example.org>", Homepage: "https://example.org/a?b=ä c"},
				{Name: "libc6", Version: "2.36-9", Arch: "i386", Source: "glibc", SourceVersion: "2.36-9", Maintainer: "G\n libc\xff", Homepage: "https://example.org/a?b=c"},
			},
			RPM: []report.RPMPackage{
				{Name: "curl", Epoch: "3", Version: "7.50", Release: "1.fc25", Arch: "i686", License: "MIT AND (GPL-2.0-or-later WITH Classpath-exception-2.0)", Vendor: "Fedora Project", URL: "javascript:alert(1)", SourceRPM: "curl-7.50-1.fc25.src.rpm", Summary: "get \x00 URLs"},
				{Name: "old", Version: "1", Release: "1", License: "GPLv2+ and <Public Domain>\xff"},
			},
		},
		Sections: map[string]report.Section{"packages": {Status: report.OK}, "files": {Status: report.Unread, Reason: "/bin/unread: no"}},
	}
}

func render(t *testing.T, write writer, r *report.Report, o sbom.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// schemas are the published ones by the format.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	fixtures.RequireTool(t, "go")
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(strings.TrimSpace(string(dir)), "schema")
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseRegexpEngine(func(s string) (jsonschema.Regexp, error) {
		if s == string(notBlank) {
			return notBlank, nil
		}
		return regexp.Compile(s)
	})
	for url, file := range map[string]string{
		"http://spdx.org/rdf/terms/2.3":                       "testdata/spdx-2.3.schema.json",
		"https://spdx.org/schema/3.0.1/spdx-json-schema.json": "testdata/spdx-3.0.1.schema.json",
		"http://cyclonedx.org/schema/bom-1.6.schema.json":     filepath.Join(theirs, "bom-1.6.schema.json"),
		"http://cyclonedx.org/schema/spdx.schema.json":        filepath.Join(theirs, "spdx.schema.json"),
		"http://cyclonedx.org/schema/jsf-0.82.schema.json":    filepath.Join(theirs, "jsf-0.82.schemax.json"),
	} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	out := map[string]*jsonschema.Schema{}
	for name, url := range map[string]string{
		"spdx": "http://spdx.org/rdf/terms/2.3", "spdx3": "https://spdx.org/schema/3.0.1/spdx-json-schema.json", "cyclonedx": "http://cyclonedx.org/schema/bom-1.6.schema.json",
	} {
		if out[name], err = c.Compile(url); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// notBlank is the one pattern of the schemas that Go's regular expressions have
// no words for: an IRI that is no blank node.
const notBlank iriPattern = `^(?!_:).+:.+`

type iriPattern string

func (p iriPattern) String() string { return string(p) }

func (iriPattern) MatchString(s string) bool {
	return !strings.HasPrefix(s, "_:") && regexp.MustCompile(`^.+:.+`).MatchString(s)
}

// Each format is valid by the schema that its authors publish, and a change that
// the schema forbids is found.
func TestSchemas(t *testing.T) {
	published := schemas(t)
	reports := map[string]*report.Report{"sample": sample(), "empty": {SchemaVersion: 1, Files: []report.Entry{}}}
	broken := map[string]string{"spdx": `"SPDXID"`, "spdx3": `"spdxId"`, "cyclonedx": `"bomFormat"`}
	for name, write := range writers() {
		for what, r := range reports {
			for _, files := range []bool{false, true} {
				text := render(t, write, r, sbom.Options{Files: files, Version: "1.0"})
				if err := validate(t, published[name], text); err != nil {
					t.Errorf("%s of %s, files %t: %v\n%s", name, what, files, err, text)
				}
				if validate(t, published[name], strings.ReplaceAll(text, broken[name], `"x"`)) == nil {
					t.Errorf("%s: the schema takes anything", name)
				}
			}
		}
	}
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// Whoever reads them by the formats' own libraries finds what is installed.
func TestLibrariesReadThem(t *testing.T) {
	o := sbom.Options{Files: true, Version: "1.0"}
	doc, err := spdxjson.Read(strings.NewReader(render(t, sbom.WriteSPDX, sample(), o)))
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Packages) != 9 || len(doc.Files) != 4 || len(doc.Relationships) != 1+8+4 {
		t.Errorf("%d packages, %d files, %d relationships", len(doc.Packages), len(doc.Files), len(doc.Relationships))
	}
	curl, old := doc.Packages[5], doc.Packages[6]
	if curl.PackageLicenseDeclared != sample().RPM[0].License || !strings.HasPrefix(old.PackageLicenseDeclared, "LicenseRef-") || doc.OtherLicenses[0].ExtractedText != "GPLv2+ and <Public Domain>\ufffd" {
		t.Errorf("licenses %q, %q, %+v", curl.PackageLicenseDeclared, old.PackageLicenseDeclared, doc.OtherLicenses)
	}
	if curl.PackageSupplier.Supplier != "Fedora Project" || curl.PackageHomePage != "" || doc.Packages[1].PackageHomePage != "" || doc.Packages[4].PackageHomePage == "" {
		t.Errorf("%+v %+v", curl, doc.Packages[4])
	}
	if got := doc.Packages[1].PackageExternalReferences[0].Locator; got != "pkg:deb/debian/a@1:2.0~rc1%2Bdfsg-1?arch=all&distro=debian-12&upstream=aa%402.0" {
		t.Errorf("source %s", got)
	}
	if got := doc.CreationInfo.Created; got != "2023-11-14T22:13:20Z" {
		t.Errorf("created %s: not the newest mtime", got)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(strings.NewReader(render(t, sbom.WriteCycloneDX, sample(), o)), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	top, below := 0, 0
	for _, c := range *bom.Components {
		if top++; c.Components != nil {
			below += len(*c.Components)
		}
	}
	if top != 8+3 || below != 1 {
		t.Errorf("%d components, %d below them", top, below)
	}
	if (*bom.Compositions)[0].Aggregate != cdx.CompositionAggregateIncomplete {
		t.Error("files were not read, and the bill does not say so")
	}
	if bom := render(t, sbom.WriteCycloneDX, sample(), sbom.Options{}); strings.Contains(bom, "incomplete") {
		t.Error("files were not asked for, and the bill says that they are missing")
	}
}

// Every reference leads to an element, and no two have one name.
func TestReferences(t *testing.T) {
	for name, keys := range map[string]struct {
		id   string
		refs []string
	}{
		"spdx":      {"SPDXID", []string{"spdxElementId", "relatedSpdxElement", "licenseDeclared"}},
		"spdx3":     {"spdxId", []string{"from", "to", "element", "rootElement", "createdBy", "suppliedBy"}},
		"cyclonedx": {"bom-ref", []string{"assemblies"}},
	} {
		var doc any
		if err := json.Unmarshal([]byte(render(t, writers()[name], sample(), sbom.Options{Files: true})), &doc); err != nil {
			t.Fatal(err)
		}
		ids := map[string]int{}
		each(doc, keys.id, func(s string) { ids[s]++ })
		each(doc, "licenseId", func(s string) { ids[s]++ })
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: %s is there %d times", name, id, n)
			}
		}
		for _, key := range keys.refs {
			each(doc, key, func(s string) {
				if ids[s] == 0 && s != "NOASSERTION" && !strings.HasPrefix(s, "MIT AND") {
					t.Errorf("%s: %s leads to %s, which is not there", name, key, s)
				}
			})
		}
	}
}

// each calls f with the strings of a member, wherever it is.
func each(v any, key string, f func(string)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			each(x, key, f)
		}
	case map[string]any:
		for k, x := range v {
			if k == key {
				list, many := x.([]any)
				if !many {
					list = []any{x}
				}
				for _, s := range list {
					f(fmt.Sprint(s))
				}
			}
			each(x, key, f)
		}
	}
}

func TestPackageURLs(t *testing.T) {
	fedora := map[string]string{"ID": "fedora", "VERSION_ID": "42"}
	for _, c := range []struct {
		p    report.Package
		os   map[string]string
		want string
	}{
		{report.Package{Name: "bash", Version: "5.2.15-2+b7", Arch: "amd64", Manager: "dpkg"}, sample().OSRelease, "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64&distro=debian-12"},
		{report.Package{Name: "gcc-12", Version: "1:12.2.0~rc", Arch: "all", Manager: "dpkg"}, map[string]string{"ID": "debian", "VERSION_CODENAME": "forky"}, "pkg:deb/debian/gcc-12@1:12.2.0~rc?arch=all&distro=debian-forky"},
		{report.Package{Name: "Curl", Version: "3:7.50.3-1.fc25", Arch: "i386", Manager: "rpm"}, fedora, "pkg:rpm/fedora/Curl@7.50.3-1.fc25?arch=i386&distro=fedora-42&epoch=3"},
		{report.Package{Name: "curl", Version: "7.50.3-1.fc25", Arch: "i386", Manager: "rpm"}, nil, "pkg:rpm/curl@7.50.3-1.fc25?arch=i386"},
		{report.Package{Name: "busybox", Version: "1.36-r1", Arch: "x86_64", Manager: "apk"}, map[string]string{"ID": "alpine", "VERSION_ID": "3.20"}, "pkg:apk/alpine/busybox@1.36-r1?arch=x86_64&distro=alpine-3.20"},
	} {
		r := &report.Report{Packages: []report.Package{c.p}, OSRelease: c.os, Files: []report.Entry{}}
		var bom cdx.BOM
		if err := json.Unmarshal([]byte(render(t, sbom.WriteCycloneDX, r, sbom.Options{})), &bom); err != nil {
			t.Fatal(err)
		}
		if got := (*bom.Components)[0].PackageURL; got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// Equal reports give equal bytes, and whatever changes in one changes the bill's identity.
func TestIdentity(t *testing.T) {
	for name, write := range writers() {
		o := sbom.Options{Version: "1.0", Files: true}
		first := render(t, write, sample(), o)
		if render(t, write, sample(), o) != first {
			t.Errorf("%s: two of one report are not the same", name)
		}
		seen := map[string]string{idOf(first): "the sample"}
		for what, change := range map[string]func(*report.Report, *sbom.Options){
			"a mode":      func(r *report.Report, _ *sbom.Options) { r.Files[0].Mode = 1 },
			"a package":   func(r *report.Report, _ *sbom.Options) { r.Packages[0].Version = "3" },
			"no files":    func(_ *report.Report, o *sbom.Options) { o.Files = false },
			"the time":    func(_ *report.Report, o *sbom.Options) { o.Created = time.Unix(1, 0) },
			"the program": func(_ *report.Report, o *sbom.Options) { o.Version = "1.1" },
		} {
			r, o := sample(), o
			change(r, &o)
			id := idOf(render(t, write, r, o))
			if other, taken := seen[id]; taken {
				t.Errorf("%s: %s has the identity of %s", name, what, other)
			}
			seen[id] = what
		}
	}
}

// idOf is the namespace or serial number.
func idOf(text string) string {
	for _, key := range []string{`"documentNamespace": "`, `"serialNumber": "`, `"spdxId":"`} {
		if _, rest, ok := strings.Cut(text, key); ok {
			id, _, _ := strings.Cut(rest, `"`)
			return id
		}
	}
	return ""
}

// The time stays one that all formats can say.
func TestTimes(t *testing.T) {
	for _, c := range []struct {
		mtime, created time.Time
		want           string
	}{
		{time.Unix(-5, 0), time.Time{}, "1970-01-01T00:00:00Z"},
		{time.Unix(5, 0), time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), "9999-12-31T23:59:59Z"},
		{time.Unix(5, 999), time.Time{}, "1970-01-01T00:00:05Z"},
		{time.Unix(5, 0), time.Unix(1_579_910_400, 0), "2020-01-25T00:00:00Z"},
	} {
		r := &report.Report{Files: []report.Entry{{Path: "/", Mtime: c.mtime}}}
		for name, write := range writers() {
			if text := render(t, write, r, sbom.Options{Created: c.created}); !strings.Contains(text, `"`+c.want+`"`) {
				t.Errorf("%s: no %s in\n%s", name, c.want, text)
			}
		}
	}
}

// The document is never in memory as a whole.
func TestStreams(t *testing.T) {
	r := sample()
	r.Files = nil
	for i := range 20_000 {
		r.Files = append(r.Files, report.Entry{Path: report.Raw(fmt.Sprintf("/usr/%06d", i)), Type: report.File, SHA256: strings.Repeat("0", 64)})
	}
	for name, write := range map[string]writer{"spdx": sbom.WriteSPDX, "cyclonedx": sbom.WriteCycloneDX} {
		var largest largestWrite
		if err := write(&largest, r, sbom.Options{Files: true}); err != nil {
			t.Fatal(err)
		}
		if largest > 4<<10 {
			t.Errorf("%s: %d bytes were written at once", name, largest)
		}
	}
}

type largestWrite int

func (l *largestWrite) Write(p []byte) (int, error) {
	*l = max(*l, largestWrite(len(p)))
	return len(p), nil
}
