package boot

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func kernels() section.Section {
	return section.Section{
		Name: "kernels", Source: "vmlinuz*, vmlinux*, linux, Image*, bzImage* in /boot, /efi, /boot/efi, their machines' directories, and /usr/lib/modules/*",
		Oracle: "file",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := regular(t, below("vmlinu[xz]*", "linux", "Image*", "bzImage*")...)
			if err != nil {
				return err
			}
			for _, f := range files {
				k, err := describeKernel(t, f)
				if err != nil {
					return fmt.Errorf("%s: %w", f.Path, err)
				}
				r.Kernels = append(r.Kernels, k)
			}
			if len(r.Kernels) == 0 {
				return section.Absent("no kernel in /boot, an EFI partition or /usr/lib/modules")
			}
			return nil
		},
	}
}

// kernelHead is enough for the header of a kernel for x86 with its version: at most 64 sectors of setup.
const kernelHead = 64 << 10

func describeKernel(t *tree.Tree, f *tree.File) (report.Kernel, error) {
	k := report.Kernel{Path: f.Path, Release: releaseOfName(f.Path)}
	data, err := head(f, kernelHead)
	if err != nil {
		return k, err
	}
	k.Format, k.Version, k.EFI = kernelFormat(data)
	if words := strings.Fields(k.Version); len(words) > 0 {
		k.Release = words[0]
	}
	if k.Release == "" || strings.Contains(k.Release, "/") {
		return k, nil
	}
	dir, suffix := path.Dir(f.Path), releaseOfName(f.Path)
	for _, x := range []struct {
		field *string
		names []string
	}{
		{&k.Modules, []string{"/usr/lib/modules/" + k.Release, "/lib/modules/" + k.Release}},
		{&k.Config, []string{"/boot/config-" + k.Release, dir + "/config-" + k.Release, "/usr/lib/modules/" + k.Release + "/config"}},
		{&k.Initramfs, initramfsNames(dir, k.Release, suffix)},
	} {
		if *x.field, err = firstThere(t, x.names); err != nil {
			return k, err
		}
	}
	return k, nil
}

// initramfsNames are those that distributions give the image of a kernel.
func initramfsNames(dir, release, suffix string) []string {
	var list []string
	for _, dir := range []string{dir, "/boot"} {
		for _, v := range []string{release, suffix} {
			list = append(list, dir+"/initrd.img-"+v, dir+"/initramfs-"+v+".img", dir+"/initrd-"+v, dir+"/initramfs-"+v)
		}
	}
	return append(list, dir+"/initrd", dir+"/initramfs.img", dir+"/initrd.img")
}

// firstThere is the first of the names that the image has; "" for none.
func firstThere(t *tree.Tree, names []string) (string, error) {
	for _, name := range names {
		f, err := t.Lookup(name)
		if err == nil {
			return f.Path, nil
		}
		if errors.Is(err, tree.ErrUnread) {
			return "", err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			continue // a cycle of links leads nowhere
		}
	}
	return "", nil
}

// releaseOfName is what follows the kernel's name, or the directory's: "vmlinuz-RELEASE",
// "modules/RELEASE/vmlinuz", "MACHINE/RELEASE/linux".
func releaseOfName(name string) string {
	base := path.Base(name)
	if _, v, ok := strings.Cut(base, "-"); ok {
		return v
	}
	dir := path.Base(path.Dir(name))
	if strings.ContainsAny(dir, ".0123456789") {
		return dir
	}
	return ""
}

// kernelFormat tells what the first bytes are: Linux, Documentation/arch/x86/boot.rst and
// Documentation/arch/arm64/booting.rst; drivers/firmware/efi/libstub/zboot-header.S.
func kernelFormat(data []byte) (format, version string, efi bool) {
	efi = bytes.HasPrefix(data, []byte("MZ"))
	switch {
	case at(data, 0x202, "HdrS"):
		return "bzImage", bzImageVersion(data), efi
	case at(data, 4, "zimg"):
		return "zboot", "", efi
	case at(data, 0x38, "ARM\x64"), at(data, 0x38, "RSC\x05"):
		return "Image", "", efi
	case at(data, 0, "\x7fELF"):
		return "ELF", "", false
	case at(data, 0, "\x1f\x8b"):
		return "gzip", "", false
	case efi:
		return "PE", "", true
	}
	return "", "", false
}

func at(data []byte, offset int, text string) bool {
	return len(data) >= offset+len(text) && string(data[offset:offset+len(text)]) == text
}

// bzImageVersion is the text that the header points to; "" where it points nowhere.
func bzImageVersion(data []byte) string {
	if len(data) < 0x210 {
		return ""
	}
	offset := int(binary.LittleEndian.Uint16(data[0x20e:])) + 0x200
	if offset == 0x200 || offset >= len(data) {
		return ""
	}
	text, _, _ := bytes.Cut(data[offset:min(len(data), offset+512)], []byte{0})
	for _, c := range text {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(text)
}
