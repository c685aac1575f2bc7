package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Contents are what a bundle is made of.
type Contents struct {
	// Document is the osbuild manifest.
	Document []byte
	// Checksums are of all that it needs, in any order.
	Checksums []string
	// Source finds the file with a content.
	Source func(checksum string) (path string, ok bool)
}

// A Summary is what a bundle has.
type Summary struct {
	// Digest is of the artifact's manifest: "sha256:…".
	Digest string
	// Contents counts what was packed beside the osbuild manifest, Bytes all blobs.
	Contents int
	Bytes    int64
}

// A blob is one file of the layout: data, or the content of the file at path.
type blob struct {
	data []byte
	path string
	size int64
}

func dataBlob(data []byte) blob { return blob{data: data, size: int64(len(data))} }

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Write writes a bundle. Every content is read twice: for its digest, and,
// checked against that, into the bundle.
func Write(ctx context.Context, w io.Writer, c Contents) (*Summary, error) {
	p := packer{ctx: ctx, blobs: map[string]blob{}}
	p.artifact = artifact{
		SchemaVersion: 2, MediaType: typeManifest, ArtifactType: typeBundle,
		Config: p.add(typeEmpty, dataBlob([]byte("{}")), digestOf([]byte("{}"))),
	}
	p.artifact.Layers = []descriptor{p.add(typeDocument, dataBlob(c.Document), digestOf(c.Document))}
	sums := slices.Compact(slices.Sorted(slices.Values(c.Checksums)))
	for _, sum := range sums {
		if err := p.content(sum, c.Source); err != nil {
			return nil, fmt.Errorf("pack %s: %w", sum, err)
		}
	}
	s, err := p.write(w)
	if err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	s.Contents = len(sums)
	return s, nil
}

type packer struct {
	ctx      context.Context
	blobs    map[string]blob
	artifact artifact
}

func (p *packer) add(mediaType string, b blob, digest string) descriptor {
	p.blobs[digest] = b
	return descriptor{MediaType: mediaType, Digest: digest, Size: b.size}
}

func (p *packer) content(sum string, source func(string) (string, bool)) error {
	path, ok := source(sum)
	if !ok {
		return os.ErrNotExist
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading: nothing to lose
	h := sha256.New()
	size, err := io.Copy(h, &contextReader{p.ctx, f})
	if err != nil {
		return err
	}
	d := p.add(typeSource, blob{path: path, size: size}, "sha256:"+hex.EncodeToString(h.Sum(nil)))
	d.Annotations = map[string]string{checksumKey: sum}
	p.artifact.Layers = append(p.artifact.Layers, d)
	return nil
}

// write writes the layout: its two files, then the blobs by name.
func (p *packer) write(w io.Writer) (*Summary, error) {
	manifest, err := json.Marshal(p.artifact)
	if err != nil {
		return nil, err
	}
	digest := digestOf(manifest)
	entry := p.add(typeManifest, dataBlob(manifest), digest)
	entry.ArtifactType = typeBundle
	entries, err := json.Marshal(index{2, typeIndex, []descriptor{entry}})
	if err != nil {
		return nil, err
	}
	t := tar.NewWriter(w)
	for _, file := range []struct {
		name string
		data string
	}{{layoutFile, layoutJSON}, {indexFile, string(entries)}} {
		if err := p.file(t, file.name, dataBlob([]byte(file.data))); err != nil {
			return nil, err
		}
	}
	s := &Summary{Digest: digest}
	for _, digest := range slices.Sorted(maps.Keys(p.blobs)) {
		s.Bytes += p.blobs[digest].size
		if err := p.file(t, blobDir+strings.TrimPrefix(digest, "sha256:"), p.blobs[digest]); err != nil {
			return nil, err
		}
	}
	return s, t.Close()
}

// file writes one file of the layout. Nothing of this machine is in its header.
func (p *packer) file(t *tar.Writer, name string, b blob) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: b.size, Mode: 0o644, ModTime: time.Unix(0, 0)}
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	var in io.Reader = bytes.NewReader(b.data)
	if b.path != "" {
		f, err := os.Open(b.path)
		if err != nil {
			return err
		}
		defer f.Close() // opened for reading: nothing to lose
		in = f
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(t, h), &contextReader{p.ctx, in}); err != nil {
		return err
	}
	want, isBlob := strings.CutPrefix(name, blobDir)
	if got := hex.EncodeToString(h.Sum(nil)); isBlob && got != want {
		return fmt.Errorf("%s changed while it was packed", b.path)
	}
	return nil
}

// A contextReader ends a copy when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
