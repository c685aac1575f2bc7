package inspect

import (
	"errors"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// A moving content is changed by somebody while it is read.
type moving struct{ image.Content }

func (moving) Unchanged() error { return errors.New("it was changed while it was read") }

// TestChangedContents: a digest over what was changed on the way is none.
func TestChangedContents(t *testing.T) {
	img := directory(map[string]string{"/moving": "text", "/still": "text", "/etc/os-release": "ID=x\n"})
	m := img.Trees[0].Tree.(*treetest.Map)
	m.Content = func(n *image.Node) (image.Content, error) {
		c := treetest.Text(m.Files[string(n.Path)])
		if n.Path == "/still" {
			return c, nil
		}
		return moving{c}, nil
	}
	r := inspectOf(t, img, Options{})
	status(t, r, "files", report.Unread, "/etc/os-release: it was changed while it was read (and 1 more)")
	status(t, r, "os-release", report.Unread, "changed while it was read")
	for _, e := range r.Files {
		if e.Type == report.File && (e.SHA256 == "") != (e.Path != "/still") {
			t.Errorf("%s has the digest %q", e.Path, e.SHA256)
		}
	}
}
