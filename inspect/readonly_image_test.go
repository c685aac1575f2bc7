package inspect_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/diff"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// packers are the programs that put a tree into a filesystem that cannot be written;
// IMAGE and TREE stand for the paths. The second is whether it holds extended
// attributes.
func packers() map[string]struct {
	command    string
	attributes bool
} {
	type packer = struct {
		command    string
		attributes bool
	}
	return map[string]packer{
		"erofs":          {"mkfs.erofs IMAGE TREE", true},
		"erofs-lz4":      {"mkfs.erofs -zlz4hc IMAGE TREE", true},
		"squashfs":       {"mksquashfs TREE IMAGE -no-progress -quiet", true},
		"squashfs-plain": {"mksquashfs TREE IMAGE -no-progress -quiet -noI -noD -noF -comp zstd", true},
		"iso":            {"xorriso -as mkisofs -quiet -R -o IMAGE TREE", false},
		"iso-gen":        {"genisoimage -quiet -R -input-charset iso8859-1 -output-charset iso8859-1 -o IMAGE TREE", false},
	}
}

// TestReadOnlyFilesystemsHoldTheirTree holds that a tree means the same in a
// filesystem that cannot be written, in its directory, in a tar, and as the
// kernel shows that filesystem: that nothing can be changed in it is of the
// filesystem, not of the entries.
func TestReadOnlyFilesystemsHoldTheirTree(t *testing.T) {
	fixtures.RequireRoot(t)
	for name, p := range packers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			root, path, archive := filepath.Join(work, "tree"), filepath.Join(work, "image"), filepath.Join(work, "tar")
			check(t, os.Mkdir(root, 0o755))
			systemTree(t, root)
			if !p.attributes {
				withoutAttributes(t, root)
			}
			argv := strings.Fields(strings.NewReplacer("IMAGE", path, "TREE", root).Replace(p.command))
			packWith(t, argv...)
			packWith(t, "tar", "--xattrs", "--xattrs-include=*", "-C", root, "-cf", archive, ".")
			image := inspectPath(t, path)
			sides := map[string]*report.Report{"directory": inspectPath(t, root), "tar": inspectPath(t, archive)}
			if p.attributes { // the others are of drivers that not every kernel has
				sides["kernel"] = inspectViaKernel(t, path)
			}
			for side, r := range sides {
				sameTree(t, side, image, r)
			}
		})
	}
}

// withoutAttributes takes away what Rock Ridge does not hold: attributes, and the
// slash behind the target of a link.
func withoutAttributes(t *testing.T, root string) {
	t.Helper()
	check(t, unix.Removexattr(filepath.Join(root, "etc"), "user.note"))
	check(t, unix.Removexattr(filepath.Join(root, "usr/bin/sh"), "security.capability"))
	link := filepath.Join(root, "long")
	check(t, os.Remove(link))
	check(t, os.Symlink(strings.Repeat("long/", 39)+"end", link))
}

func packWith(t *testing.T, argv ...string) {
	t.Helper()
	fixtures.RequireTool(t, argv[0])
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", argv[0], err, out)
	}
}

// sameTree holds that no set of rules finds a difference.
func sameTree(t *testing.T, name string, image, other *report.Report) {
	t.Helper()
	a := *image
	a.Disk = nil // as a tree
	for version := 1; version <= diff.RulesVersion; version++ {
		got := diff.CompareBy(version, &a, other)
		if got.Verdict != diff.Identical && got.Verdict != diff.Equivalent || got.Scope != diff.Tree || got.DigestA == "" || got.DigestA != got.DigestB {
			t.Errorf("%s, rules %d: %s, scope %s, %v", name, version, got.Verdict, got.Scope, got.Unread)
		}
		for i, c := range got.Changes {
			if c.Rule == "" && i < 20 {
				t.Errorf("%s: %s", name, fmt.Sprint(c))
			}
		}
	}
}
