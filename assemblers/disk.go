package assemblers

import (
	"context"
	_ "embed"

	"github.com/assay-os/assay/assemblers/disk"
	"github.com/assay-os/assay/assemblers/layout"
	"github.com/assay-os/assay/build/step"
)

//go:embed dev.assay.disk.json
var diskSchema []byte

func diskStage() *step.Definition {
	return &step.Definition{
		Name:    "dev.assay.disk",
		Kind:    step.Stage,
		Summary: "Make a bootable raw disk image of a tree",
		Description: `Writes a sparse disk image with a partition table, an ext4 filesystem that holds exactly the tree of the input,
and GRUB for BIOS machines. The same tree, options and tools give the same bytes; nothing is mounted.

The disk is described by one object, ` + "`layout`" + `, in bytes. Every id is given, because a random one would make every
build differ. Only the last partition may leave out its size.

` + "```json" + `
{
  "filename": "disk.raw",
  "layout": {
    "label": "gpt",
    "uuid": "d209c89e-ea5e-4fbd-b161-b461cce297e0",
    "size": 2147483648,
    "partitions": [
      {"name": "bios", "type": "bios-boot", "uuid": "fac7f1fb-3e8d-4137-a512-961de09a5549", "size": 1048576},
      {"name": "root", "type": "linux", "uuid": "cb07c243-bc44-4717-853e-28852021225b",
       "filesystem": {"type": "ext4", "uuid": "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75", "label": "root", "mountpoint": "/"}}
    ]
  },
  "bootloader": {"type": "grub2", "platform": "i386-pc"}
}
` + "```",
		Schema: diskSchema,
		Inputs: takesTree("the tree that the image holds"),
		Tools:  []string{"sfdisk", "mke2fs", "debugfs", "grub-mkimage"},
		Since:  "0.1.0",
		Check:  checked(checkDisk),
		Run:    withOptions(makeDisk),
	}
}

type diskOptions struct {
	Filename   string            `json:"filename"`
	Layout     layout.Layout     `json:"layout"`
	Bootloader *diskLoaderOption `json:"bootloader"`
}

type diskLoaderOption struct {
	Type     string `json:"type"`
	Platform string `json:"platform"`
	Prefix   string `json:"prefix"`
}

func (o *diskLoaderOption) loader() *disk.Loader {
	if o == nil {
		return nil
	}
	return &disk.Loader{Prefix: o.Prefix}
}

func checkDisk(o diskOptions) []step.Problem {
	problems := checkName(o.Filename)
	for _, p := range disk.Check(&o.Layout, o.Bootloader.loader()) {
		problems = append(problems, step.Problem{Path: "options.layout." + p.Path, Message: p.Message})
	}
	return problems
}

func makeDisk(ctx context.Context, c *step.Context, o diskOptions) error {
	image, err := createEmpty(c, o.Filename)
	if err != nil {
		return err
	}
	return pack(ctx, c, image, &o.Layout, o.Bootloader.loader())
}

// pack makes a disk image of the tree input in a file that exists.
func pack(ctx context.Context, c *step.Context, image string, l *layout.Layout, loader *disk.Loader) error {
	in, err := tree(c)
	if err != nil {
		return err
	}
	return withScratch(func(dir string) error {
		return disk.Make(ctx, disk.Spec{
			Image: image, Layout: l, Loader: loader, Source: in.Path, Entries: in.Entries,
			Epoch: c.Epoch, Scratch: dir, Step: c,
		})
	})
}
