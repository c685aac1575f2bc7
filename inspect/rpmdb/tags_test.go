package rpmdb_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/rpmdb"
)

// An xmlHeader is one header as rpm -qa --xml prints it.
type xmlHeader struct {
	Tags []struct {
		Name   string `xml:"name,attr"`
		Values []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	} `xml:"rpmTag"`
}

// built installs testdata/full.spec, which has something of every kind, into a
// database of rpm's own making.
func built(t *testing.T) string {
	t.Helper()
	fixtures.RequireTool(t, "rpm", "rpmbuild")
	work := t.TempDir()
	spec, err := filepath.Abs("testdata/full.spec")
	if err != nil {
		t.Fatal(err)
	}
	command(t, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+work, spec)
	db := filepath.Join(work, "db")
	command(t, "rpm", "--define", "_dbpath "+db, "--define", "_db_backend sqlite", "-i", "--justdb", "--nodeps", "--noscripts", "--notriggers",
		filepath.Join(work, "RPMS/noarch/full-2.0-1.noarch.rpm"))
	return filepath.Join(db, rpmdb.SQLiteName)
}

func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, errs.Bytes())
	}
	return out
}

// TestEveryTag compares every tag's name and values with rpm -qa --xml, of a
// package with scripts, triggers, capabilities, links, ghosts and languages, and
// of real databases.
func TestEveryTag(t *testing.T) {
	t.Run("built", func(t *testing.T) { everyTag(t, built(t)) })
	for _, path := range samples(t) {
		switch filepath.Base(filepath.Dir(path)) {
		case "libuuid":
			t.Run(path, func(t *testing.T) { everyTag(t, path) })
		case "cbl-mariner-2.0":
			t.Run(path, func(t *testing.T) {
				fixtures.RequireFull(t)
				everyTag(t, path)
			})
		}
	}
}

func everyTag(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, want := tagLines(t, data), xmlLines(t, path, data)
	if !slices.Equal(got, want) || len(want) < 70 {
		t.Errorf("%d tags, rpm has %d; the first that differ: %.300q", len(got), len(want), firstDifferent(got, want))
	}
}

// tagLines are all tags of all headers, a sorted line each.
func tagLines(t *testing.T, db []byte) []string {
	t.Helper()
	var list []string
	err := rpmdb.Headers(context.Background(), bytes.NewReader(db), nil, func(h *rpmdb.Header) error {
		for i := range h.Tags {
			list = append(list, h.Name()+" "+rpmdb.TagName(h.Tags[i].ID)+" "+tagText(&h.Tags[i]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func tagText(tag *rpmdb.Tag) string {
	if tag.Type == rpmdb.Binary {
		return fmt.Sprintf("%x", tag.Data)
	}
	if list := tag.Strings(); list != nil {
		return fmt.Sprintf("%q", list)
	}
	return fmt.Sprint(tag.Numbers())
}

func xmlLines(t *testing.T, path string, data []byte) []string {
	t.Helper()
	dir, backend := t.TempDir(), map[string]string{rpmdb.SQLiteName: "sqlite", rpmdb.BDBName: "bdb_ro"}[filepath.Base(path)]
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600); err != nil {
		t.Fatal(err)
	}
	out := command(t, "rpm", "--define", "_dbpath "+dir, "--define", "_db_backend "+backend, "-qa", "--nosignature", "--nodigest", "--xml")
	d := xml.NewDecoder(bytes.NewReader(slices.Concat([]byte("<all>"), out, []byte("</all>"))))
	var all struct {
		Headers []xmlHeader `xml:"rpmHeader"`
	}
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, h := range all.Headers {
		lines, name := xmlTags(t, h)
		for _, line := range lines {
			list = append(list, name+" "+line)
		}
	}
	slices.Sort(list)
	return list
}

func xmlTags(t *testing.T, h xmlHeader) (lines []string, name string) {
	for _, tag := range h.Tags {
		var texts []string
		text := ""
		for _, v := range tag.Values {
			texts = append(texts, v.Text)
			switch v.XMLName.Local {
			case "base64":
				data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(v.Text, "\n", ""))
				if err != nil {
					t.Fatal(err)
				}
				text = fmt.Sprintf("%x", data)
			case "string":
				text = fmt.Sprintf("%q", texts)
			case "integer":
				text = fmt.Sprint(texts)
			}
		}
		if tag.Name == "Name" {
			name = texts[0]
		}
		lines = append(lines, strings.ToUpper(tag.Name)+" "+text)
	}
	return lines, name
}
