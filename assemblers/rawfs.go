package assemblers

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"strings"

	"github.com/assay-os/assay/assemblers/ext4"
	"github.com/assay-os/assay/build/step"
)

//go:embed org.osbuild.rawfs.json
var rawfsSchema []byte

func rawfsAssembler() *step.Definition {
	return &step.Definition{
		Name:    "org.osbuild.rawfs",
		Kind:    step.Assembler,
		Summary: "Make a filesystem image of the tree, without a partition table",
		Description: "Writes a sparse file of `size` bytes that is one ext4 filesystem and holds exactly the tree.\n\n" +
			"```json\n" +
			`{"filename": "root.ext4", "root_fs_uuid": "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75", "size": 1073741824}` +
			"\n```",
		Schema: rawfsSchema,
		Inputs: takesTree("the tree that the filesystem holds"),
		Tools:  []string{"mke2fs", "debugfs"},
		Since:  "0.1.0",
		Check:  checked(checkRawfs),
		Run:    withOptions(makeRawfs),
	}
}

type rawfsOptions struct {
	Filename string `json:"filename"`
	UUID     string `json:"root_fs_uuid"`
	Size     int64  `json:"size"`
	Type     string `json:"fs_type"`
}

// rawfsUnit is what the size is a multiple of: ext4's block.
const rawfsUnit = 4096

func checkRawfs(o rawfsOptions) []step.Problem {
	problems := checkName(o.Filename)
	if o.Type != "" && o.Type != "ext4" {
		problems = append(problems, unsupported("fs_type", o.Type, "ext4"))
	}
	if o.Size%rawfsUnit != 0 || o.Size < ext4.MinSize || o.Size > ext4.MaxSize {
		problems = append(problems, step.Problem{Path: step.OptionPath("size"), Message: fmt.Sprintf(
			"%d is not a multiple of %d from %d to %d", o.Size, rawfsUnit, int64(ext4.MinSize), int64(ext4.MaxSize))})
	}
	if strings.Trim(o.UUID, "0-") == "" {
		problems = append(problems, step.Problem{Path: step.OptionPath("root_fs_uuid"), Message: "the nil UUID names no filesystem"})
	}
	return problems
}

func makeRawfs(ctx context.Context, c *step.Context, o rawfsOptions) error {
	in, err := tree(c)
	if err != nil {
		return err
	}
	image, err := createEmpty(c, o.Filename)
	if err != nil {
		return err
	}
	if err := os.Truncate(image, o.Size); err != nil {
		return err
	}
	return withScratch(func(dir string) error {
		return ext4.Make(ctx, ext4.Spec{
			Image: image, Size: o.Size, UUID: strings.ToLower(o.UUID), Source: in.Path, Entries: in.Entries,
			Epoch: c.Epoch, Scratch: dir, Step: c,
		})
	})
}

// unsupported is the problem of an option's value that upstream has and this
// project has not yet.
func unsupported(option, value string, instead ...string) step.Problem {
	return step.Problem{
		Path:    step.OptionPath(option),
		Message: fmt.Sprintf("%s is not supported yet; use %s", value, strings.Join(instead, " or ")),
	}
}
