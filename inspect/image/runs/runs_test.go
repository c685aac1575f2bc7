package runs_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/runs"
)

func TestAppendJoins(t *testing.T) {
	var list []fsys.Extent
	for _, e := range []fsys.Extent{{Offset: 0, Length: 4, Physical: 10}, {Offset: 4, Length: 4, Physical: 14}, {Offset: 8, Length: 4, Physical: 30}, {Offset: 20, Length: 4, Physical: 34}} {
		list = runs.Append(list, e)
	}
	if len(list) != 3 || list[0].Length != 8 {
		t.Errorf("%v", list)
	}
}

func TestContent(t *testing.T) {
	device := strings.NewReader("0123456789abcdefghij")
	list := []fsys.Extent{{Offset: 2, Length: 3, Physical: 10}, {Offset: 8, Length: 10, Physical: 0}, {Offset: 30, Length: 1, Physical: 0}}
	f := runs.New(device, list, 12)
	got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if want := "\x00\x00abc\x00\x00\x000123"; string(got) != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for at := range got {
		b := make([]byte, 5)
		n, err := f.ReadAt(b, int64(at))
		if !bytes.Equal(b[:n], got[at:min(at+5, len(got))]) || (err == io.EOF) != (n < 5) {
			t.Errorf("at %d: %q, %v", at, b[:n], err)
		}
	}
	extents, err := f.Extents()
	if err != nil || len(extents) != 2 || extents[1].Length != 4 {
		t.Errorf("%v, %v", extents, err)
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Error(err)
	}
	if _, err := f.ReadAt(make([]byte, 1), 12); err != io.EOF {
		t.Error(err)
	}
}

// A device that ends within a run is an error, never the end of the file.
func TestTruncatedDevice(t *testing.T) {
	f := runs.New(strings.NewReader("short"), []fsys.Extent{{Length: 10, Physical: 0}}, 10)
	if _, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size())); err == nil {
		t.Error("the end of the device is the end of the file")
	}
}
