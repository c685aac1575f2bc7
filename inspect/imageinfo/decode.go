package imageinfo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// MaxDocument bounds a document. Published ones have up to 1 MB.
const MaxDocument = 64 << 20

// A Recorded is one document of upstream's, its values not yet taken apart.
type Recorded map[string]json.RawMessage

// Read reads a document, or a file of osbuild-composer's that holds one beside a
// manifest.
func Read(r io.Reader) (Recorded, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read image-info: %w", err)
	}
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("read image-info: more than %d bytes", MaxDocument)
	}
	var doc Recorded
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read image-info: %w", err)
	}
	if inner, ok := doc["image-info"]; ok {
		doc = nil
		if err := json.Unmarshal(inner, &doc); err != nil {
			return nil, fmt.Errorf("read image-info: %w", err)
		}
	}
	for _, k := range Keys() {
		if _, ok := doc[k.Name]; ok {
			return doc, nil
		}
	}
	return nil, errors.New("read image-info: it has none of image-info's keys")
}

// IsDocument tells whether a file begins as image-info's documents do, and a
// report of ours does not.
func IsDocument(data []byte) bool {
	var head struct {
		Schema *int `json:"schema_version"`
	}
	doc, err := Read(bytes.NewReader(data))
	return err == nil && len(doc) > 0 && json.Unmarshal(data, &head) == nil && head.Schema == nil
}

// Common takes out of two documents what only one of them has: whether the other
// has nothing of it, or was written by a version that did not look, cannot be
// known; and what two versions write in forms that do not compare. It gives the keys that it took, sorted.
func Common(a, b Recorded) []string {
	var gone []string
	for _, pair := range [][2]Recorded{{a, b}, {b, a}} {
		for key := range pair[0] {
			if _, ok := pair[1][key]; !ok {
				gone = append(gone, key)
			}
		}
	}
	if key := "systemd-service-dropins"; olderForm(a[key]) != olderForm(b[key]) {
		gone = append(gone, key)
	}
	for _, key := range gone {
		delete(a, key)
		delete(b, key)
	}
	slices.Sort(gone)
	return gone
}

// Pair decodes two documents as far as both say something: what [Common] takes out
// is named where the files are said to be unread.
func Pair(a, b Recorded) (x, y *report.Report, err error) {
	gone := Common(a, b)
	if x, err = Decode(a); err != nil {
		return nil, nil, err
	}
	if y, err = Decode(b); err != nil {
		return nil, nil, err
	}
	if len(gone) > 0 {
		s := report.Section{Status: report.Unread, Reason: notRecorded + "; one side alone records " + strings.Join(gone, ", ") + ", of which nothing is concluded"}
		x.Sections["files"], y.Sections["files"] = s, s
	}
	return x, y, nil
}

// olderForm tells whether drop-ins stand by sections, merged, not by files.
func olderForm(raw json.RawMessage) bool {
	var v map[string]map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &v) != nil {
		return false
	}
	for _, units := range v {
		for _, files := range units {
			for _, content := range files {
				return len(content) > 0 && content[0] == '{'
			}
		}
	}
	return false
}

// SectionName is that of the section which tells how far a document was read.
const SectionName = "image-info"

// notRecorded is the reason of everything that a document says nothing of.
const notRecorded = "not recorded by image-info"

// Decode makes a report of a document that [Read] gave.
func Decode(doc Recorded) (*report.Report, error) {
	d := &decoder{report: &report.Report{
		SchemaVersion: report.SchemaVersion, Subject: report.Subject{Kind: "directory"}, Files: []report.Entry{}, Packages: []report.Package{}, Users: []report.User{},
		Groups: []report.Group{}, OSRelease: map[string]string{}, Fstab: []report.FstabEntry{}, Boot: []report.BootEntry{},
		Services: report.Services{Enabled: []string{}, Disabled: []string{}, Masked: []string{}}, Sections: map[string]report.Section{},
	}, files: map[string][]string{}}
	for _, name := range sectionNames() {
		d.report.Sections[name] = report.Section{Status: report.Unread, Reason: notRecorded}
	}
	var unknown []string
	readers := readers()
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		read, ok := readers[key]
		if !ok {
			unknown = append(unknown, key)
			continue
		}
		if err := read(d, doc[key]); err != nil {
			return nil, fmt.Errorf("read image-info: %s: %w", key, err)
		}
	}
	d.finish(unknown)
	return d.report, nil
}

// Reduce is what is left of a report after image-info has written it down.
func Reduce(r *report.Report) (Recorded, error) {
	var b bytes.Buffer
	if err := Encode(&b, r); err != nil {
		return nil, err
	}
	doc := Recorded{}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		return nil, fmt.Errorf("reduce report: %w", err)
	}
	return doc, nil
}

// A decoder fills a report key by key.
type decoder struct {
	report *report.Report
	// files are the configuration files, by path.
	files map[string][]string
}

// sectionNames are those of all fields of a report.
func sectionNames() []string {
	var names []string
	add := func(t reflect.Type) {
		for i := range t.NumField() {
			tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			switch tag {
			case "", "schema_version", "subject", "sections", "rules", "container", "disk":
			default:
				names = append(names, strings.ReplaceAll(tag, "_", "-"))
			}
		}
	}
	t := reflect.TypeFor[report.Report]()
	add(t)
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			add(t.Field(i).Type)
		}
	}
	return names
}

// finish writes the configuration files, and says how much was known.
func (d *decoder) finish(unknown []string) {
	for _, path := range slices.Sorted(maps.Keys(d.files)) {
		d.report.ConfigFiles = append(d.report.ConfigFiles, report.ConfigText{Path: path, Lines: append([]string{}, d.files[path]...)})
	}
	d.ok("config-files")
	if f := d.report.Firewalld; f != nil {
		f.DefaultZone = cmp.Or(environment(d.files["/etc/firewalld/firewalld.conf"])["DefaultZone"], "public")
		f.Zones[0].Name = f.DefaultZone
	}
	if len(unknown) > 0 {
		d.report.Sections[SectionName] = report.Section{Status: report.Unread, Reason: "keys that are not known: " + strings.Join(unknown, ", ")}
	}
}

// ok says that image-info records all of a section that is compared.
func (d *decoder) ok(section string) { d.report.Sections[section] = report.Section{Status: report.OK} }

// partly says what of a section is not known.
func (d *decoder) partly(section, reason string) {
	d.report.Sections[section] = report.Section{Status: report.Unread, Reason: reason}
}

// into decodes a value and gives it to fn.
func into[T any](fn func(d *decoder, value T)) func(*decoder, json.RawMessage) error {
	return func(d *decoder, raw json.RawMessage) error {
		var value T
		if err := json.Unmarshal(raw, &value); err != nil {
			return err
		}
		fn(d, value)
		return nil
	}
}
