package inspect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// A hash tree is verified when the disk's bytes are hashed, and a block that
// does not match leaves the disk unread.
func TestVerityIsVerified(t *testing.T) {
	fixtures.RequireTool(t, "mke2fs", "veritysetup")
	root, raw := t.TempDir(), filepath.Join(t.TempDir(), "disk")
	put(t, root, map[string]string{"etc/hostname": "sealed\n"})
	check(t, os.WriteFile(raw, nil, 0o644))
	makeExt4(t, raw, root, 0, "8M")
	runTool(t, "veritysetup", "format", "--hash-offset", fmt.Sprint(8<<20), "--data-blocks", "2048", raw, raw)
	for _, c := range []struct {
		verified string
		status   report.Status
	}{{"yes", report.OK}, {"no", report.Unread}} {
		r := inspectPath(t, raw)
		if m := r.Disk.Mapped[0]; m.Settings["verified"] != c.verified || r.Sections["disk"].Status != c.status || r.Sections["files"].Status != report.OK {
			t.Errorf("%+v, disk %+v", m, r.Sections["disk"])
		}
		if reason := r.Sections["disk"].Reason; c.verified == "no" && !strings.Contains(reason, "verity of disk: data: block 1792 does not match its digest") {
			t.Errorf("reason %q", reason)
		}
		f, err := os.OpenFile(raw, os.O_WRONLY, 0)
		check(t, err)
		_, err = f.WriteAt([]byte("changed"), 7<<20)
		check(t, err)
		check(t, f.Close())
	}
}
