package image_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/blockmap/blockmaptest"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// archive makes a tar of files, in the order of names, without an ending that tells.
func archive(t testing.TB, files map[string]string, names []string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range files {
		data, err := os.ReadFile(from)
		kerneltest.Must(t, err)
		path := filepath.Join(dir, name)
		kerneltest.Must(t, os.WriteFile(path, nil, 0o644), os.Truncate(path, int64(len(data))))
		lay(t, path, 0, data) // with holes, for tar -S
	}
	out := filepath.Join(t.TempDir(), "packed")
	kerneltest.Run(t, "tar", append(append(flags, "-cf", out, "-C", dir), names...)...)
	return out
}

func TestDisksInArchives(t *testing.T) {
	fs := smallFS(t)
	want := fsystest.Contents(t, openImage(t, fs).Trees[0].Tree)
	one := func(name, path string, flags ...string) string {
		return archive(t, map[string]string{name: path}, []string{name}, flags...)
	}
	gce := one("disk.raw", fs, "--format=oldgnu", "-S")
	for format, path := range map[string]string{
		"tar+raw":           one("disk.raw", fs),
		"gzip+tar+raw":      compress(t, gce, "gzip", "-1", "-k"),
		"xz+tar+raw":        compress(t, gce, "xz", "-0", "-k"),
		"zstd+tar+raw":      compress(t, gce, "zstd", "-1", "-q"),
		"bzip2+tar+raw":     compress(t, gce, "bzip2", "-1", "-k"),
		"tar+qcow2":         one("x", convert(t, fs, "compat=1.1", "-c")),
		"tar+vmdk":          one("x", blockmaptest.Convert(t, fs, "vmdk", "subformat=streamOptimized"), "--format=pax", "-S"),
		"tar+vhd":           one("x", blockmaptest.Convert(t, fs, "vpc", "subformat=fixed"), "--format=pax", "-S"),
		"tar+vhdx":          one("x", blockmaptest.Convert(t, fs, "vhdx", "block_size=1M")),
		"tar+vdi":           one("x", blockmaptest.Convert(t, fs, "vdi", "")),
		"gzip+vdi":          compress(t, blockmaptest.Convert(t, fs, "vdi", ""), "gzip", "-1"),
		"zstd+qcow2":        compress(t, convert(t, fs, "compat=1.1"), "zstd", "-1", "-q"),
		"xz+vhd":            compress(t, blockmaptest.Convert(t, fs, "vpc", ""), "xz", "-0"),
		"bzip2+vhdx":        compress(t, blockmaptest.Convert(t, fs, "vhdx", "block_size=1M"), "bzip2", "-1"),
		"gzip+xz+raw":       compress(t, compress(t, fs, "xz", "-0", "-k"), "gzip", "-1"),
		"xz+tar+gzip+raw":   compress(t, one("disk.raw", compress(t, fs, "gzip", "-1", "-k")), "xz", "-0"),
		"gzip+gzip+zstd+xz": compress(t, compress(t, compress(t, compress(t, fs, "xz", "-0", "-k"), "zstd", "-q"), "gzip"), "gzip"),
	} {
		t.Run(format, func(t *testing.T) {
			img, err := image.Open(context.Background(), path, image.Options{})
			if format == "gzip+gzip+zstd+xz" {
				if err == nil || !strings.Contains(err.Error(), "more than 3 times") {
					t.Errorf("%v", err)
				}
				return
			}
			kerneltest.Must(t, err)
			defer img.Close()
			if img.Subject.Format != format || img.Disk.Format != format || len(img.Problems) > 0 {
				t.Errorf("%+v, problems %v", img.Subject, img.Problems)
			}
			fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
			runs, err := img.Device.Extents()
			kerneltest.Must(t, err)
			held := int64(0)
			for _, r := range runs {
				held += r.Length
			}
			if held > 6<<20 && format != "tar+raw" { // that is not a sparse one
				t.Errorf("%d bytes of %d are held: the holes are lost", held, img.Device.Size())
			}
		})
	}
}

// An archive that is not there for one disk is a tree.
func TestArchivesThatAreTrees(t *testing.T) {
	fs := smallFS(t)
	text := filepath.Join(t.TempDir(), "text")
	kerneltest.Must(t, os.WriteFile(text, []byte("text"), 0o644))
	qcow := convert(t, fs, "compat=1.1")
	for name, path := range map[string]string{
		"another name": archive(t, map[string]string{"disk.img": fs}, []string{"disk.img"}),
		"two files":    archive(t, map[string]string{"disk.raw": fs, "text": text}, []string{"disk.raw", "text"}),
		"two disks":    archive(t, map[string]string{"a": qcow, "b": qcow}, []string{"a", "b"}),
		"no ovf":       archive(t, map[string]string{"a.ovf": text, "b": qcow}, []string{"a.ovf", "b"}),
		"with a root":  archive(t, map[string]string{"text": text}, []string{"."}),
	} {
		if img := openImage(t, path); img.Subject.Kind != "tar" || img.Disk != nil {
			t.Errorf("%s: %+v", name, img.Subject)
		}
	}
	broken := archive(t, map[string]string{"disk.raw": text}, []string{"disk.raw"})
	if _, err := image.Open(context.Background(), broken, image.Options{}); err == nil || !strings.Contains(err.Error(), "no image") {
		t.Errorf("a disk.raw that is none: %v", err)
	}
	cut := archive(t, map[string]string{"disk.raw": fs}, []string{"disk.raw"})
	kerneltest.Must(t, os.Truncate(cut, 5<<20))
	if _, err := image.Open(context.Background(), cut, image.Options{}); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("cut off: %v", err)
	}
}

const ovf = `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References>
    <File ovf:href="second.vmdk" ovf:id="file2" ovf:size="1"/>
    <File ovf:href="system.vmdk" ovf:id="file1" ovf:size="1"/>
  </References>
  <DiskSection>
    <Info>disks</Info>
    <Disk ovf:capacity="1" ovf:diskId="empty"/>
    <Disk ovf:capacity="8" ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
    <Disk ovf:capacity="8" ovf:diskId="vmdisk2" ovf:fileRef="file2"/>
  </DiskSection>
</Envelope>
`

func TestOVA(t *testing.T) {
	fs := smallFS(t)
	want := fsystest.Contents(t, openImage(t, fs).Trees[0].Tree)
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		kerneltest.Must(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	system := blockmaptest.Convert(t, fs, "vmdk", "subformat=streamOptimized")
	data, err := os.ReadFile(system)
	kerneltest.Must(t, err)
	packed := compress(t, system, "gzip", "-1", "-k")
	sum := fmt.Sprintf("%x", sha256.Sum256(data))
	first := strings.Replace(ovf, `<Disk ovf:capacity="8" ovf:diskId="vmdisk2" ovf:fileRef="file2"/>`, "", 1)
	for name, c := range map[string]struct {
		ovf, manifest, disk string
		format, problem     string
	}{
		"one disk":     {first, "", system, "ova+vmdk", ""},
		"sha256":       {first, "SHA256(system.vmdk)= " + sum + "\n", system, "ova+vmdk", ""},
		"sha1":         {first, fmt.Sprintf("SHA1 (system.vmdk) = %X\r\n", sha1.Sum(data)), system, "ova+vmdk", ""},
		"wrong sum":    {first, "SHA256(system.vmdk)= " + strings.Repeat("0", 64), system, "ova+vmdk", "its SHA256 is " + sum},
		"not there":    {first, "SHA256(other.vmdk)= 00", system, "ova+vmdk", `"other.vmdk": it is not in the archive`},
		"no manifest":  {first, "what", system, "ova+vmdk", "malformed"},
		"two disks":    {ovf, "", system, "ova+vmdk", `"second.vmdk" is not read`},
		"gzip":         {first, "", packed, "ova+gzip+vmdk", ""},
		"absent":       {strings.Replace(first, "system.vmdk", "else.vmdk", 1), "", system, "", `"else.vmdk" is not in the archive`},
		"outside":      {strings.Replace(first, "system.vmdk", "../system.vmdk", 1), "", system, "", "is not in the archive"},
		"no reference": {strings.Replace(first, `ovf:id="file1"`, "", 1), "", system, "", "is not listed"},
		"chunks":       {strings.Replace(first, `ovf:id="file1"`, `ovf:id="file1" ovf:chunkSize="1"`, 1), "", system, "", "chunks"},
		"no disk":      {strings.Replace(first, `ovf:fileRef="file1"`, "", 1), "", system, "", "no disk"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"a.ovf": put("ovf", c.ovf), "system.vmdk": c.disk}
			names := []string{"a.ovf", "system.vmdk"}
			if c.manifest != "" {
				files["a.mf"] = put("mf", c.manifest)
				names = append(names, "a.mf")
			}
			img, err := image.Open(context.Background(), archive(t, files, names), image.Options{})
			if c.format == "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("%v, want %q", err, c.problem)
				}
				return
			}
			kerneltest.Must(t, err)
			defer img.Close()
			if p := fmt.Sprint(img.Problems); img.Subject.Format != c.format || c.problem == "" && len(img.Problems) > 0 || !strings.Contains(p, c.problem) {
				t.Errorf("%+v, problems %s", img.Subject, p)
			}
			fsystest.Compare(t, fsystest.Contents(t, img.Trees[0].Tree), want)
		})
	}
}
