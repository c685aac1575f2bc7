package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/assay-os/assay/inspect/image"
)

// viaKernel is the value of --via.
const viaKernel = "kernel"

// An opening is how a subject is opened: the flags that all commands share
// which look into subjects.
type opening struct {
	image.Options
	partition, via, store string
	// passphrase is the file that holds it.
	passphrase string
	// maxMemory bounds the heap: see bounded.
	maxMemory string
	// mixed says that what chooses may fit one of two subjects only.
	mixed bool
	// stdin is what was read from there, once it was.
	stdin *os.File
}

// define adds the flags.
func (o *opening) define(f *pflag.FlagSet) {
	f.StringVar(&o.partition, "partition", "", "look into partition `N`, or the mapped device of that name, alone")
	f.BoolVar(&o.AllowBacking, "allow-backing", false, "let an image read the files that it names, out of its own directory alone: what a qcow2 is based on, the extents of a vmdk")
	f.StringVar(&o.Platform, "platform", "", "of several container images take the one for `OS/ARCH[/VARIANT]`")
	f.StringVar(&o.Name, "image", "", "of several container images take the one of this `NAME`, tag or digest")
	f.StringVar(&o.maxMemory, "max-memory", defaultMaxMemory, "give up when more than `SIZE` of memory is needed")
	f.StringVar(&o.Ref, "ref", "", "of an OSTree repository take the commit of this `REF` or checksum")
	f.BoolVar(&o.CrossMounts, "cross-mounts", false, "read what is mounted in a directory from a disk, too; by default only the filesystem that it lies on")
	f.StringVar(&o.store, "store", "", "take SUBJECT for a step's output in the store `DIR`, by the beginning of its layer's id, its key or its step's id")
	f.StringVar(&o.passphrase, "passphrase-file", "", "open encrypted volumes by the passphrase in `FILE`")
	f.StringVar(&o.via, "via", "", "read filesystems by `WHOM`: kernel (root only, read-only mounts); by default assay reads them itself")
}

// rootForKernel refuses a flag that mounts where the system will not, before any
// work is done for it.
func rootForKernel(flag string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	return &exitError{exitFailed, fmt.Errorf("%s: only root reads through the kernel; leave it out, or run this as root", flag)}
}

// open opens the subject at path. What is wrong with it is the caller's fault.
func (o *opening) open(ctx context.Context, path string) (*image.Image, error) {
	if o.via != "" && o.via != viaKernel {
		return nil, usage(fmt.Errorf("--via %q: it can be %s", o.via, viaKernel))
	}
	if o.via == viaKernel {
		if err := rootForKernel("--via kernel"); err != nil {
			return nil, err
		}
	}
	if o.passphrase != "" {
		var err error
		if o.Passphrases, err = readPassphrase(o.passphrase); err != nil {
			return nil, err
		}
	}
	img, err := o.image(ctx, path)
	if err != nil {
		return nil, usage(err)
	}
	err = o.fits(img)
	if err == nil && o.partition != "" {
		err = img.Narrow(ctx, o.partition)
	}
	if err == nil && o.via == viaKernel {
		err = img.ViaKernel(ctx, o.Options)
	}
	if err != nil {
		return nil, errors.Join(usage(fmt.Errorf("open %s: %w", path, err)), img.Close())
	}
	return img, nil
}
