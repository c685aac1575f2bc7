package bundle

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// What a bundle may have at most: files, and bytes of a document.
const (
	maxFiles    = 1 << 20
	maxDocument = 256 << 20
)

// A Bundle is an open bundle. Several may read it at once.
type Bundle struct {
	// Document is the osbuild manifest.
	Document []byte
	// Digest is of the artifact's manifest.
	Digest string

	file  *os.File
	blobs map[string]span
	// contents are descriptors by the checksums of the osbuild manifest.
	contents map[string]descriptor
}

// A span is where a file of the layout lies.
type span struct{ offset, size int64 }

// Open opens a bundle for reading; the caller closes it. The documents are
// checked against their digests, contents are by whoever takes them.
func Open(path string) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	b := &Bundle{file: f}
	if err := b.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("read bundle %s: %w", path, err), f.Close())
	}
	return b, nil
}

// Close ends the use of the bundle.
func (b *Bundle) Close() error { return b.file.Close() }

// String names the bundle.
func (b *Bundle) String() string { return "the bundle " + b.file.Name() }

// Open is for reading one content. It is not checked against its checksum.
func (b *Bundle) Open(checksum string) (io.ReadCloser, error) {
	d, ok := b.contents[checksum]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(b.section(b.blobs[d.Digest])), nil
}

func (b *Bundle) section(s span) io.Reader { return io.NewSectionReader(b.file, s.offset, s.size) }

func (b *Bundle) read() error {
	files, err := b.scan()
	if err != nil {
		return err
	}
	b.blobs = map[string]span{}
	for name, s := range files {
		if digits, ok := strings.CutPrefix(name, blobDir); ok {
			b.blobs["sha256:"+digits] = s
		}
	}
	entry, ok := files[indexFile]
	if _, layout := files[layoutFile]; !ok || !layout {
		return fmt.Errorf("it is no bundle: %s or %s is missing", layoutFile, indexFile)
	}
	data, err := b.document(entry)
	if err != nil {
		return fmt.Errorf("%s: %w", indexFile, err)
	}
	var top index
	if err := json.Unmarshal(data, &top); err != nil {
		return fmt.Errorf("%s: %w", indexFile, err)
	}
	for _, d := range top.Manifests {
		if d.ArtifactType == typeBundle {
			return b.artifact(d)
		}
	}
	return fmt.Errorf("it is no bundle: %s names nothing of type %s", indexFile, typeBundle)
}

// scan finds every regular file of the tar by its name.
func (b *Bundle) scan() (map[string]span, error) {
	info, err := b.file.Stat()
	if err != nil {
		return nil, err
	}
	files := map[string]span{}
	t := tar.NewReader(b.file)
	for {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is no whole tar file: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name := strings.TrimPrefix(header.Name, "./")
		// The reader reads the headers only, so that the file is where the content begins.
		offset, err := b.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if _, twice := files[name]; twice {
			return nil, fmt.Errorf("it has %q twice", name)
		}
		if len(files) == maxFiles || offset+header.Size > info.Size() {
			return nil, fmt.Errorf("%q: it has more files than %d, or is cut off", name, maxFiles)
		}
		files[name] = span{offset, header.Size}
	}
}

func (b *Bundle) document(s span) ([]byte, error) {
	if s.size > maxDocument {
		return nil, fmt.Errorf("the document has %d bytes; %d are allowed", s.size, maxDocument)
	}
	data := make([]byte, s.size)
	_, err := io.ReadFull(b.section(s), data)
	return data, err
}

// pinned reads the document that d points at and checks its digest.
func (b *Bundle) pinned(d descriptor) ([]byte, error) {
	s, ok := b.blobs[d.Digest]
	if !ok {
		return nil, fmt.Errorf("%s is missing", d.Digest)
	}
	data, err := b.document(s)
	if err == nil && digestOf(data) != d.Digest {
		err = fmt.Errorf("what stands for %s has the digest %s: the bundle is damaged", d.Digest, digestOf(data))
	}
	return data, err
}

func (b *Bundle) artifact(entry descriptor) error {
	data, err := b.pinned(entry)
	if err != nil {
		return err
	}
	var a artifact
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("read %s: %w", entry.Digest, err)
	}
	if len(a.Layers) == 0 || a.Layers[0].MediaType != typeDocument {
		return fmt.Errorf("%s has no manifest to build", entry.Digest)
	}
	b.Digest = entry.Digest
	b.contents = map[string]descriptor{}
	for _, d := range a.Layers[1:] {
		if _, ok := b.blobs[d.Digest]; !ok {
			return fmt.Errorf("%s, which is the content %s, is missing", d.Digest, d.Annotations[checksumKey])
		}
		b.contents[d.Annotations[checksumKey]] = d
	}
	b.Document, err = b.pinned(a.Layers[0])
	return err
}
