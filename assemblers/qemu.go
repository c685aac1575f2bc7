package assemblers

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-os/assay/assemblers/disk"
	"github.com/assay-os/assay/assemblers/layout"
	"github.com/assay-os/assay/build/step"
)

//go:embed org.osbuild.qemu.assembler.json
var qemuAssemblerSchema []byte

func qemuAssembler() *step.Definition {
	return &step.Definition{
		Name:    "org.osbuild.qemu",
		Kind:    step.Assembler,
		Summary: "Make a bootable disk image of the tree",
		Description: "The v1 form of `dev.assay.disk`. With `root_fs_uuid` alone it is an MBR disk with one partition; otherwise\n" +
			"`pttype` and `partitions` say what is on it, starts and sizes in sectors of 512 bytes. Sizes of partitions must be\n" +
			"given but for the last, and with gpt every partition needs its `uuid`.\n\n```json\n" +
			`{"format": "qcow2", "filename": "disk.qcow2", "size": 2147483648, "ptuuid": "0x14fc63d2",
 "root_fs_uuid": "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75"}` + "\n```",
		Schema: qemuAssemblerSchema,
		Inputs: takesTree("the tree that the image holds"),
		Tools:  []string{"sfdisk", "mke2fs", "debugfs"},
		Since:  "0.1.0",
		Check:  checked(checkQemu),
		Run:    withOptions(makeQemu),
	}
}

type qemuOptions struct {
	Format        string          `json:"format"`
	Filename      string          `json:"filename"`
	PTUUID        string          `json:"ptuuid"`
	PTType        string          `json:"pttype"`
	Size          int64           `json:"size"`
	RootUUID      string          `json:"root_fs_uuid"`
	RootType      string          `json:"root_fs_type"`
	Partitions    []qemuPartition `json:"partitions"`
	Bootloader    qemuLoader      `json:"bootloader"`
	Qcow2Compat   string          `json:"qcow2_compat"`
	VMDKSubformat string          `json:"vmdk_subformat"`
}

type qemuPartition struct {
	Bootable   bool               `json:"bootable"`
	Name       string             `json:"name"`
	Size       int64              `json:"size"`
	Start      int64              `json:"start"`
	Type       string             `json:"type"`
	UUID       string             `json:"uuid"`
	Filesystem *layout.Filesystem `json:"filesystem"`
}

type qemuLoader struct {
	Type string `json:"type"`
}

// layout is the disk that v1 options describe. Sectors become bytes, and
// partitions may lie at any sector, as upstream allows.
func (o qemuOptions) layout() *layout.Layout {
	l := &layout.Layout{Label: layout.MBR, UUID: o.PTUUID, Size: o.Size, Alignment: layout.DefaultSectorSize}
	if o.PTType == "gpt" {
		l.Label = layout.GPT
	}
	parts := o.Partitions
	if o.RootUUID != "" {
		root := &layout.Filesystem{Type: o.RootType, UUID: o.RootUUID, Mountpoint: "/"}
		if root.Type == "" {
			root.Type = "ext4"
		}
		parts = []qemuPartition{{Bootable: true, Type: "83", Filesystem: root}}
	}
	next := int64(layout.DefaultAlignment)
	for _, p := range parts {
		start := p.Start * layout.DefaultSectorSize
		if start == 0 {
			start = next
		}
		size := p.Size * layout.DefaultSectorSize
		l.Partitions = append(l.Partitions, layout.Partition{
			Name: p.Name, Type: p.partitionType(l.Label), UUID: p.UUID, Start: start, Size: size, Bootable: p.Bootable,
			Filesystem: p.Filesystem,
		})
		const unit = layout.DefaultAlignment
		next = (start + size + unit - 1) / unit * unit
	}
	return l
}

// partitionType is sfdisk's default, Linux, where none is given.
func (p qemuPartition) partitionType(label string) string {
	switch {
	case p.Type == "":
		return "linux"
	case label == layout.MBR:
		return strings.ToLower(p.Type)
	}
	return p.Type
}

// loader is GRUB where it is asked for, and on every MBR disk that does not
// say: upstream keeps that for old manifests.
func (o qemuOptions) loader() *disk.Loader {
	if o.Bootloader.Type == "grub2" || o.Bootloader.Type == "" && o.PTType != "gpt" {
		return &disk.Loader{}
	}
	return nil
}

func checkQemu(o qemuOptions) []step.Problem {
	problems := checkName(o.Filename)
	if o.Format != "raw" && o.Format != "raw.xz" && o.Format != "qcow2" {
		problems = append(problems, unsupported("format", o.Format, "qcow2", "raw", "raw.xz"))
	}
	if o.Bootloader.Type == "zipl" {
		problems = append(problems, step.Problem{Path: step.OptionPath("bootloader", "type"), Message: "zipl is not supported; use grub2"})
	}
	problems = append(problems, checkCompat(step.OptionPath("qcow2_compat"), o.Qcow2Compat)...)
	for i, p := range o.Partitions {
		if p.Start < 0 || p.Start > ext4Sectors || p.Size < 0 || p.Size > ext4Sectors {
			return append(problems, step.Problem{Path: step.OptionPath("partitions", i), Message: "its start or size is no number of sectors of a disk"})
		}
	}
	for _, p := range disk.Check(o.layout(), o.loader()) {
		problems = append(problems, step.Problem{Path: o.where(p.Path), Message: p.Message})
	}
	return problems
}

// ext4Sectors bounds starts and sizes (16 TiB), so that bytes do not overflow.
const ext4Sectors = 1 << 35

// where is the option that a path in the layout came from.
func (o qemuOptions) where(path string) string {
	switch {
	case path == "uuid":
		return step.OptionPath("ptuuid")
	case path == "label":
		return step.OptionPath("pttype")
	case o.RootUUID != "" && strings.HasSuffix(path, "filesystem.uuid"):
		return step.OptionPath("root_fs_uuid")
	case o.RootUUID != "" && strings.HasSuffix(path, "filesystem.type"):
		return step.OptionPath("root_fs_type")
	case o.RootUUID != "" && strings.HasPrefix(path, "partitions"):
		return step.OptionPath("size")
	}
	return "options." + path
}

func makeQemu(ctx context.Context, c *step.Context, o qemuOptions) error {
	if o.Format == "raw" {
		image, err := createEmpty(c, o.Filename)
		if err != nil {
			return err
		}
		return pack(ctx, c, image, o.layout(), o.loader())
	}
	return withScratch(func(dir string) error {
		raw := filepath.Join(dir, "disk.raw")
		if err := os.WriteFile(raw, nil, 0o600); err != nil {
			return err
		}
		if err := pack(ctx, c, raw, o.layout(), o.loader()); err != nil {
			return err
		}
		return o.convert(ctx, c, raw)
	})
}

// convert brings the raw image into the format that was asked for.
func (o qemuOptions) convert(ctx context.Context, c *step.Context, raw string) error {
	switch o.Format {
	case "qcow2":
		return qcow2(ctx, c, raw, o.Filename, o.Qcow2Compat, true)
	case "raw.xz":
		return compressPath(ctx, c, raw, o.Filename, "xz", 0)
	}
	return fmt.Errorf("format %s is not supported", o.Format)
}
