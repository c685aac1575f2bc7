package inspect

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// directory is an image of one tree.
func directory(files map[string]string) *image.Image {
	return &image.Image{
		Subject: report.Subject{Kind: "directory"},
		Trees:   []image.Volume{{Filesystem: report.Filesystem{Type: "directory"}, Tree: &treetest.Map{Files: files}}},
	}
}

// inspectOf runs the inspection of an image in memory.
func inspectOf(t *testing.T, img *image.Image, o Options) *report.Report {
	t.Helper()
	r, err := Inspect(context.Background(), img, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// status requires the state of a section, and words in its reason.
func status(t *testing.T, r *report.Report, section string, want report.Status, words ...string) {
	t.Helper()
	s := r.Sections[section]
	if s.Status != want {
		t.Errorf("section %s is %q (%s), want %q", section, s.Status, s.Reason, want)
	}
	for _, w := range words {
		if !strings.Contains(s.Reason, w) {
			t.Errorf("section %s: reason %q does not tell %q", section, s.Reason, w)
		}
	}
}

// A sparse content is bytes at places, and holes.
type sparse struct {
	size    int64
	data    map[int64]string
	fail    int64 // reading at or over this place fails
	noTouch bool  // reading a hole is an error
}

func (s *sparse) Close() error { return nil }
func (s *sparse) Size() int64  { return s.size }

func (s *sparse) Extents() ([]image.Extent, error) {
	var list []image.Extent
	for _, off := range slices.Sorted(maps.Keys(s.data)) {
		list = append(list, image.Extent{Offset: off, Length: int64(len(s.data[off])), Physical: off})
	}
	return list, nil
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	if s.fail > 0 && off+int64(len(p)) > s.fail {
		return 0, errors.New("medium error")
	}
	n := int(min(int64(len(p)), s.size-off))
	clear(p[:n])
	touched := false
	for at, data := range s.data {
		from, to := max(at, off), min(at+int64(len(data)), off+int64(n))
		if from < to {
			copy(p[from-off:to-off], data[from-at:to-at])
			touched = true
		}
	}
	if s.noTouch && !touched && n > 0 {
		return 0, errors.New("a hole was read")
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
