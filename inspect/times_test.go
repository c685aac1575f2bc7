package inspect

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

// TestTimesOfAnyYear holds that a time which JSON cannot hold is an error of its
// entry, and not the end of the report.
func TestTimesOfAnyYear(t *testing.T) {
	for sec, want := range map[int64]string{
		0: "1970-01-01T00:00:00Z", -62167219200: "0000-01-01T00:00:00Z", 253402300799: "9999-12-31T23:59:59Z",
		-62167219201: "0000-01-01T00:00:00Z!", 253402300800: "9999-12-31T23:59:59.999999999Z!",
		math.MinInt64: "0000-01-01T00:00:00Z!", math.MaxInt64: "9999-12-31T23:59:59.999999999Z!", 1 << 40: "9999-12-31T23:59:59.999999999Z!",
	} {
		img := directory(map[string]string{"/a": "1"})
		source := img.Trees[0].Tree.(*treetest.Map)
		source.Change = func(n *image.Node) {
			if n.Path == "/a" {
				n.Mtime = time.Unix(sec, 0).UTC()
			}
		}
		r := inspectOf(t, img, Options{})
		var b bytes.Buffer
		if err := r.Encode(&b); err != nil {
			t.Fatalf("%d: %v", sec, err)
		}
		want, told := strings.CutSuffix(want, "!")
		if got := r.Files[len(r.Files)-1].Mtime.Format(time.RFC3339Nano); got != want {
			t.Errorf("%d: %s, not %s", sec, got, want)
		}
		if s := r.Sections["files"]; (s.Status == report.Unread) != told || told && !strings.Contains(s.Reason, "/a: its time, ") {
			t.Errorf("%d: %+v", sec, s)
		}
	}
}
