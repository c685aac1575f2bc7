package assemblers

import (
	"testing"

	"github.com/assay-os/assay/assemblers/treetest"
	"github.com/assay-os/assay/build/step"
)

func TestRawfs(t *testing.T) {
	requireDiskTools(t)
	j := job{
		kind: step.Assembler, name: "org.osbuild.rawfs",
		options: `{"filename": "root.ext4", "root_fs_uuid": "6E4FF95F-F662-45EE-A82A-BDF44A2D0B75", "size": 67108864}`,
	}
	image := sameTwice(t, j, "root.ext4")
	treetest.Run(t, "e2fsck", "-fn", image)
	_, _, want := twoTrees(t)
	for _, d := range treetest.Diff(want, treetest.Mounted(t, image, 0, 64*mib)) {
		t.Error(d)
	}
}
