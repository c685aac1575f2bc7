package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/oci"
	"github.com/assay-os/assay/inspect/image/tarball"
)

type member struct {
	tar.Header
	content string
}

func file(name, content string) member { return member{tar.Header{Name: name, Mode: 0o644}, content} }

func folder(name string, mode int64) member {
	return member{Header: tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode}}
}

func symlink(name, target string) member {
	return member{Header: tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777}}
}

func link(name, target string) member {
	return member{Header: tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target, Mode: 0o644}}
}

// layer is a tar of the members.
func layer(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := m.Header
		h.Size = int64(len(m.content))
		kerneltest.Must(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, m.content)
		kerneltest.Must(t, err)
	}
	kerneltest.Must(t, w.Close())
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	kerneltest.Must(t, err, w.Close())
	return b.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	kerneltest.Must(t, err)
	return w.EncodeAll(data, nil)
}

func sum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// files are what a layout or an archive holds, by name.
type files map[string][]byte

type object = map[string]any

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	kerneltest.Must(t, err)
	return data
}

// blob adds a blob and describes it.
func (f files) blob(kind string, data []byte) object {
	f["blobs/sha256/"+sum(data)] = data
	return object{"mediaType": kind, "digest": "sha256:" + sum(data), "size": len(data)}
}

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// image adds an image of layers that may be packed, and describes its manifest.
func (f files) image(t testing.TB, conf object, layers ...[]byte) object {
	t.Helper()
	diffs, blobs := []string{}, []any{}
	for _, l := range layers {
		blobs = append(blobs, f.blob(layerType+packed(l), l))
		diffs = append(diffs, "sha256:"+sum(unpacked(t, l)))
	}
	c := object{"os": "linux", "architecture": "amd64", "rootfs": object{"type": "layers", "diff_ids": diffs}}
	maps.Copy(c, conf)
	return f.blob(manifestType, encode(t, object{
		"schemaVersion": 2, "mediaType": manifestType, "config": f.blob(configType, encode(t, c)), "layers": blobs,
	}))
}

// packed is what the type of a layer ends with.
func packed(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return "+gzip"
	case bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")):
		return "+zstd"
	}
	return ""
}

func unpacked(t testing.TB, data []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(data)
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		r, err = gzip.NewReader(r)
	case bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")):
		r, err = zstd.NewReader(r)
	}
	kerneltest.Must(t, err)
	plain, err := io.ReadAll(r)
	kerneltest.Must(t, err)
	return plain
}

// layout makes a layout of images as image describes them.
func (f files) layout(t testing.TB, images ...object) files {
	t.Helper()
	f["oci-layout"] = []byte(`{"imageLayoutVersion":"1.0.0"}`)
	f["index.json"] = encode(t, object{"schemaVersion": 2, "mediaType": indexType, "manifests": images})
	return f
}

func tagged(d object, name string) object {
	d["annotations"] = object{"org.opencontainers.image.ref.name": name}
	return d
}

func on(d object, os, arch, variant string) object {
	d["platform"] = object{"os": os, "architecture": arch, "variant": variant}
	return d
}

// layoutOf is a layout of one image.
func layoutOf(t testing.TB, layers ...[]byte) files {
	t.Helper()
	f := files{}
	return f.layout(t, tagged(f.image(t, nil, layers...), "latest"))
}

func (f files) write(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for name, data := range f {
		path := filepath.Join(root, name)
		kerneltest.Must(t, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644))
	}
	return root
}

func (f files) tar(t testing.TB) []byte {
	t.Helper()
	var members []member
	for name, data := range f {
		members = append(members, file(name, string(data)))
	}
	return layer(t, members...)
}

// detect finds the images of an archive.
func detect(t testing.TB, archive []byte) *oci.Files {
	t.Helper()
	tree, err := tarball.Open(context.Background(), bytes.NewReader(archive), int64(len(archive)))
	kerneltest.Must(t, err)
	f, err := oci.Detect(context.Background(), tree)
	kerneltest.Must(t, err)
	return f
}

const limit = 1 << 30

// open opens an image of an archive, which must work.
func open(t testing.TB, archive []byte, o oci.Options) *oci.Image {
	t.Helper()
	f := detect(t, archive)
	if f == nil {
		t.Fatal("no images are found")
	}
	o.MaxSize = limit
	img, err := oci.Open(context.Background(), f, o)
	kerneltest.Must(t, err)
	t.Cleanup(func() { kerneltest.Must(t, img.Close()) })
	return img
}

// contents is the tree of an archive's image.
func contents(t testing.TB, archive []byte, o oci.Options) map[string]string {
	t.Helper()
	img := open(t, archive, o)
	kerneltest.Must(t, img.Err)
	return fsystest.Contents(t, img.Tree())
}

// openDir opens an image that lies in a directory.
func openDir(t testing.TB, path string, o oci.Options) *oci.Image {
	t.Helper()
	tree, err := dir.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { kerneltest.Must(t, tree.Close()) })
	f, err := oci.Detect(context.Background(), tree)
	kerneltest.Must(t, err)
	if f == nil {
		t.Fatalf("%s holds no images", path)
	}
	o.MaxSize = limit
	img, err := oci.Open(context.Background(), f, o)
	kerneltest.Must(t, err)
	t.Cleanup(func() { kerneltest.Must(t, img.Close()) })
	return img
}
