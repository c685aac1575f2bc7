// Package oci reads container images that lie in files: OCI image layouts and the
// archives of docker save, as one merged tree.
//
// It takes the files as a tree (a directory, or an archive that package tarball
// has indexed) and reads three arrangements of them:
//
//   - an OCI image layout: oci-layout, index.json, blobs/ALGORITHM/DIGEST;
//   - docker save: manifest.json, a configuration and the layers. What newer
//     versions write is a layout too, and is read as one where both name the same image;
//   - skopeo's dir: version, manifest.json, files named by digests.
//
// Manifest, configuration and layers must have the digests and sizes by which
// they are named, and each layer, unpacked, the diff_id of the configuration.
// Layers are applied in order, as the OCI image specification says
// (layer.md): see [Image] for what it leaves open.
//
// The package fetches nothing, runs nothing, and reads no signatures.
package oci

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The bounds of what is read whole or held in memory.
const (
	// maxDocument bounds an index, a manifest and a configuration: registries
	// take manifests of 4 MiB.
	maxDocument = 8 << 20
	// maxLayers bounds the layers of an image; container engines stop at 128.
	maxLayers = 1024
	// maxManifests bounds the images of an index, maxNesting how deep indexes may lie
	// in each other.
	maxManifests = 4096
	maxNesting   = 8
	// maxFiles bounds the files of an arrangement.
	maxFiles = 1 << 20
)

// The arrangements of files, by the names that a report gives them.
const (
	Layout = "oci"
	Docker = "docker-archive"
	Skopeo = "dir"
)

// Options say which image is wanted and how it is unpacked.
type Options struct {
	// Platform is "os/architecture" or "os/architecture/variant"; empty where the
	// files hold one image.
	Platform string
	// Name is a name or tag that the files give an image, or its digest.
	Name string
	// MaxSize bounds the layers, unpacked, in bytes.
	MaxSize int64
	// TempDir is where layers are unpacked to, into a file without a name.
	TempDir string
}

// Files are the files of an arrangement.
type Files struct {
	// Kind is the arrangement: [Layout], [Docker] or [Skopeo].
	Kind  string
	tree  fsys.Tree
	nodes map[string]*fsys.Node
}

// errTooMany ends the listing of a tree.
var errTooMany = fmt.Errorf("there are more than %d files", maxFiles)

// Detect tells whether a tree is one of the arrangements; nil says that it is not. It
// needs the tree's names, and reads some small files of it.
func Detect(ctx context.Context, tree fsys.Tree) (*Files, error) {
	f := &Files{tree: tree, nodes: map[string]*fsys.Node{}}
	err := tree.Walk(ctx, func(n *fsys.Node) error {
		if len(f.nodes) == maxFiles {
			return errTooMany
		}
		if n.Path != "/" && (n.Type == report.File || n.Type == report.Symlink) {
			f.nodes[string(n.Path[1:])] = n
		}
		return nil
	})
	if errors.Is(err, errTooMany) {
		return nil, nil // a tree of files, and none of images
	}
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		name string
		is   func() bool
	}{{Layout, f.isLayout}, {Docker, f.isDocker}, {Skopeo, f.isSkopeo}} {
		if kind.is() {
			f.Kind = kind.name
			return f, nil
		}
	}
	return nil, nil
}

// isLayout requires the file that image-layout.md has every layout begin with.
func (f *Files) isLayout() bool {
	var layout struct {
		Version string `json:"imageLayoutVersion"`
	}
	return f.decode("oci-layout", &layout) == nil && layout.Version != ""
}

func (f *Files) isDocker() bool {
	list, err := f.dockerList()
	if err != nil {
		return false
	}
	for _, d := range list {
		if _, err := f.find(d.Config); err != nil || d.Config == "" || d.Layers == nil {
			return false
		}
	}
	return len(list) > 0
}

func (f *Files) isSkopeo() bool {
	const mark = "Directory Transport Version: 1."
	head, err := f.read("version", 64)
	if err != nil || len(head) < len(mark) || string(head[:len(mark)]) != mark {
		return false
	}
	_, err = f.find("manifest.json")
	return err == nil
}

// find gives the node of a file; links are followed, as those that older versions
// of Docker write in the place of a layer that comes again.
func (f *Files) find(name string) (*fsys.Node, error) {
	for range 8 {
		n := f.nodes[name]
		switch {
		case n == nil:
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		case n.Type == report.File:
			return n, nil
		}
		name = beside(name, string(n.Target))
	}
	return nil, fmt.Errorf("%s: too many symbolic links", name)
}

// open gives the content of a file.
func (f *Files) open(name string) (fsys.Content, error) {
	n, err := f.find(name)
	if err != nil {
		return nil, err
	}
	if n.Err != nil {
		return nil, fmt.Errorf("%s: %w", name, n.Err)
	}
	return f.tree.Open(n)
}
