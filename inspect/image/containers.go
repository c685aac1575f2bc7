package image

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/qcow2"
	"github.com/assay-os/assay/inspect/image/vdi"
	"github.com/assay-os/assay/inspect/image/vhd"
	"github.com/assay-os/assay/inspect/image/vhdx"
	"github.com/assay-os/assay/inspect/image/vmdk"
)

// A container is a format that a disk is kept in.
type container struct {
	name string
	// detect tells by the content whether a file is one. Head are its first
	// bytes, as many as [headSize].
	detect func(f Device, head []byte) bool
	// open gives the disk. What it opens besides f is closed with the image.
	open func(i *Image, f Device, at place) (Device, error)
}

// A place is where a file was found.
type place struct {
	Options
	// beside is the directory that the file lies in; empty where no file may be
	// opened beside this one.
	beside string
	// layers are what the file was taken out of, the outermost first.
	layers []string
}

// inside is the place of what a layer of that name holds.
func (p place) inside(name string) place {
	p.beside = ""
	p.layers = append(p.layers[:len(p.layers):len(p.layers)], name)
	return p
}

// containers are in the order in which they are asked.
func containers() []container {
	return []container{
		{"qcow2", magicOf(qcow2.Magic), func(i *Image, f Device, at place) (Device, error) { return i.openQCOW2(f, at, 0) }},
		{"vmdk", headOf(vmdk.Detect), func(i *Image, f Device, at place) (Device, error) {
			return opened(vmdk.Open(f, f.Size(), i.vmdkExtent(at)))
		}},
		{"vdi", headOf(vdi.Detect), opens(vdi.Open)},
		{"vhdx", headOf(vhdx.Detect), opens(vhdx.Open)},
		{"vhd", func(f Device, _ []byte) bool { return vhd.Detect(f, f.Size()) }, opens(vhd.Open)},
		unread("VMware snapshot (COWD)", magicOf("COWD")),
		unread("QED", magicOf("QED\x00")),
		unread("Parallels", magicOf("WithoutFreeSpace")),
		unread("Parallels", magicOf("WithouFreSpacExt")),
		unread("cloop", magicOf("#!/bin/sh\n#V2.0 Format\n")),
		unread("Bochs", magicOf("Bochs Virtual HD Image")),
		unread("dmg", func(f Device, _ []byte) bool {
			return f.Size() >= 512 && bytes.Equal(bytesAt(f, f.Size()-512, 8), []byte("koly\x00\x00\x00\x04"))
		}),
	}
}

// headSize is how much of a file is looked at to tell what it is.
const headSize = 64 << 10

func magicOf(magic string) func(Device, []byte) bool {
	return func(_ Device, head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }
}

func headOf(detect func([]byte) bool) func(Device, []byte) bool {
	return func(_ Device, head []byte) bool { return detect(head) }
}

// opened lets a package return its own type.
func opened[D Device](dev D, err error) (Device, error) {
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// opens is for formats that need nothing but the file.
func opens[D Device](open func(io.ReaderAt, int64) (D, error)) func(*Image, Device, place) (Device, error) {
	return func(_ *Image, f Device, _ place) (Device, error) { return opened(open(f, f.Size())) }
}

// unread names a container that has no reader.
func unread(name string, detect func(Device, []byte) bool) container {
	return container{name, detect, func(*Image, Device, place) (Device, error) {
		return nil, fmt.Errorf("it is a %s image, which is not read; qemu-img convert -O raw makes a file that is", name)
	}}
}

// openContainer opens what the file is a container of; its first result is
// false when it is none.
func (i *Image) openContainer(ctx context.Context, f Device, head []byte, at place) (bool, error) {
	for _, c := range containers() {
		if !c.detect(f, head) {
			continue
		}
		dev, err := c.open(i, f, at)
		if err != nil {
			return true, err
		}
		if err := i.openDisk(ctx, dev, at.format(c.name)); err != nil {
			return true, err
		}
		if d, ok := dev.(interface{ Problems() []error }); ok {
			i.Problems = append(i.Problems, d.Problems()...)
		}
		return true, nil
	}
	return false, nil
}
