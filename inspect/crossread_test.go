package inspect

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func TestCrossRead(t *testing.T) {
	base := map[string]string{"/a": "1", "/b": "2", "/l": "-> a"}
	for name, c := range map[string]struct {
		files  map[string]string
		change func(*image.Node)
		want   string
	}{
		"agree":     {base, nil, ""},
		"owner":     {base, func(n *image.Node) { n.UID = uint32(len(n.Path)) - 1 }, "/a: uid: 0 by this reader, 1 by the other|/b: uid: 0 by this reader, 1 by the other|/l: uid: 0 by this reader, 1 by the other"},
		"more":      {map[string]string{"/a": "1", "/aa": "", "/b": "2", "/l": "-> a"}, nil, "/aa: nothing by this reader, file by the other"},
		"less":      {map[string]string{"/a": "1", "/l": "-> a"}, nil, "/b: file by this reader, nothing by the other"},
		"content":   {map[string]string{"/a": "1", "/b": "3", "/l": "-> a"}, nil, `/b: sha256: "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35" by this reader, "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce" by the other`},
		"attribute": {base, func(n *image.Node) { n.Project = uint32(strings.Count(string(n.Path), "b")) }, "/b: project: nothing by this reader, 1 by the other"},
	} {
		t.Run(name, func(t *testing.T) {
			ours := inspectOf(t, directory(base), Options{})
			other := directory(c.files)
			other.Trees[0].Tree.(*treetest.Map).Change = c.change
			theirs := inspectOf(t, other, Options{})
			var got []string
			for _, d := range CrossRead(ours, theirs) {
				got = append(got, d.String())
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
			if c.want == "" {
				status(t, ours, "files", report.OK)
			} else {
				status(t, ours, "files", report.Unread, "two readers disagree")
			}
		})
	}
}

// What the second reader has not read cannot have been agreed on.
func TestCrossReadUnread(t *testing.T) {
	ours := inspectOf(t, directory(map[string]string{"/a": "1"}), Options{})
	theirs := inspectOf(t, directory(map[string]string{"/a": "1"}), Options{})
	theirs.Sections["files"] = report.Section{Status: report.Unread, Reason: "no driver"}
	CrossRead(ours, theirs)
	status(t, ours, "files", report.Unread, "the second reader: no driver")
}
