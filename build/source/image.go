package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// An Image is a container image, or an index of images, in a registry.
type Image struct {
	Repository name.Repository
	// Digest is of its manifest; an index has none here: its item's checksum
	// is the digest.
	Digest string
	// Insecure takes plain http and certificates of nobody.
	Insecure bool
}

// readImage reads {"image": {"name", "digest", "tls-verify", …}}.
func readImage(value json.RawMessage, pinned bool) (*Image, error) {
	var v struct {
		Image struct {
			Name      string `json:"name"`
			Digest    string `json:"digest"`
			TLSVerify *bool  `json:"tls-verify"`
			Transport string `json:"containers-transport"`
		} `json:"image"`
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return nil, fmt.Errorf("read the image: %w", err)
	}
	if v.Image.Transport != "" && v.Image.Transport != "docker" {
		return nil, fmt.Errorf("the transport %q takes the containers of this machine, which no other has; a registry (docker) can be fetched from", v.Image.Transport)
	}
	image := &Image{Digest: v.Image.Digest, Insecure: v.Image.TLSVerify != nil && !*v.Image.TLSVerify}
	if _, err := v1.NewHash(image.Digest); pinned && err != nil {
		return nil, fmt.Errorf("read the image's digest: %w", err)
	}
	var options []name.Option
	if image.Insecure {
		options = append(options, name.Insecure)
	}
	var err error
	if image.Repository, err = name.NewRepository(v.Image.Name, options...); err != nil {
		return nil, fmt.Errorf("read the image's name: %w", err)
	}
	return image, nil
}

// The kinds of things that a registry has, as its URLs call them: the OCI
// distribution specification, "Pulling manifests" and "Pulling blobs".
const (
	manifests = "manifests"
	blobs     = "blobs"
)

// image brings a container image: its manifest, its layers, and last its
// configuration, by whose checksum the item goes.
func (f *fetcher) image(ctx context.Context, item Item) error {
	if err := f.imageParts(ctx, item); err != nil {
		return fmt.Errorf("image %s@%s: %w", item.Image.Repository, item.Image.Digest, err)
	}
	return nil
}

func (f *fetcher) imageParts(ctx context.Context, item Item) error {
	part := func(kind, sum string) error {
		return f.content(ctx, sum, func() ([]Link, error) { return f.registryLink(ctx, item.Image, kind, sum) })
	}
	if err := part(manifests, item.Image.Digest); err != nil {
		return err
	}
	m, err := readManifest(f.dest, item)
	if err != nil {
		return err
	}
	for _, layer := range m.Layers {
		if err := part(blobs, layer.Digest.String()); err != nil {
			return err
		}
	}
	version := func(w io.Writer) error { _, err := io.WriteString(w, dirVersion); return err }
	if err := f.dest.AddSource(ctx, dirVersionSum, version); err != nil {
		return err
	}
	return part(blobs, item.Checksum)
}

// index brings the list of the images of several architectures.
func (f *fetcher) index(ctx context.Context, item Item) error {
	err := f.content(ctx, item.Checksum, func() ([]Link, error) { return f.registryLink(ctx, item.Index, manifests, item.Checksum) })
	if err == nil {
		err = checkIndex(f.dest, item.Checksum)
	}
	if err != nil {
		return fmt.Errorf("index %s@%s: %w", item.Index.Repository, item.Checksum, err)
	}
	return nil
}

// document reads a registry's document that is in the store.
func document(dest Dest, sum string) ([]byte, error) {
	path, ok := dest.Source(sum)
	if !ok {
		return nil, fmt.Errorf("%s: %w", sum, os.ErrNotExist)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close() // opened for reading: nothing to lose
	data, err := io.ReadAll(io.LimitReader(in, maxList+1))
	if err == nil && len(data) > maxList {
		err = fmt.Errorf("the document has more than %d bytes", maxList)
	}
	return data, err
}

// readManifest reads the manifest of the item's image, which must name the
// item's checksum as its configuration.
func readManifest(dest Dest, item Item) (*v1.Manifest, error) {
	data, err := document(dest, item.Image.Digest)
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the image's manifest: %w", err)
	}
	switch {
	case isIndex(data):
		return nil, errors.New("the digest is of an index, from which each machine would take another image; name the digest of one image's manifest")
	case m.SchemaVersion != 2:
		return nil, fmt.Errorf("the image's manifest has the schema version %d; 2 can be read", m.SchemaVersion)
	case m.Config.Digest.String() != item.Checksum:
		return nil, fmt.Errorf("the image has the id %s, not %s: make the manifest anew", m.Config.Digest, item.Checksum)
	}
	return m, nil
}

func checkIndex(dest Dest, sum string) error {
	data, err := document(dest, sum)
	if err == nil && !isIndex(data) {
		err = errors.New("what the registry has is not an index of images")
	}
	return err
}

// isIndex tells an index by its media type, or where it has none, as OCI
// allows, by what it holds.
func isIndex(data []byte) bool {
	var d struct {
		MediaType types.MediaType   `json:"mediaType"`
		Manifests []json.RawMessage `json:"manifests"`
	}
	return json.Unmarshal(data, &d) == nil && (d.MediaType.IsIndex() || d.MediaType == "" && d.Manifests != nil)
}
