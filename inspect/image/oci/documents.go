package oci

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"time"
)

// A descriptor names a blob: descriptor.md of the OCI image specification.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      digest            `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls"`
	Platform    *platform         `json:"platform"`
	Annotations map[string]string `json:"annotations"`
}

// A document is an index or a manifest: image-index.md, manifest.md, and Docker's
// image manifest version 2, schema 2, which has the same members.
type document struct {
	SchemaVersion int           `json:"schemaVersion"`
	MediaType     string        `json:"mediaType"`
	Manifests     *[]descriptor `json:"manifests"`
	Config        descriptor    `json:"config"`
	Layers        []descriptor  `json:"layers"`
}

// A config is an image's configuration: config.md, and what Docker adds to it.
type config struct {
	platform
	Created string `json:"created"`
	Author  string `json:"author"`
	Config  struct {
		User         string
		ExposedPorts map[string]struct{}
		Env          []string
		Entrypoint   []string
		Cmd          []string
		Volumes      map[string]struct{}
		WorkingDir   string
		Labels       map[string]string
		StopSignal   string
		Shell        []string
		OnBuild      []string
		Healthcheck  *struct {
			Test                                          []string
			Interval, Timeout, StartPeriod, StartInterval time.Duration
			Retries                                       int
		}
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []digest `json:"diff_ids"`
	} `json:"rootfs"`
	History []json.RawMessage `json:"history"`
}

// dockerImage is one image of docker save's manifest.json.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// A digest is "ALGORITHM:HEX".
type digest string

// hash gives the digest's function. The specification registers these two.
func (d digest) hash() (hash.Hash, error) {
	algorithm, encoded, _ := strings.Cut(string(d), ":")
	var h hash.Hash
	switch algorithm {
	case "sha256":
		h = sha256.New()
	case "sha512":
		h = sha512.New()
	default:
		return nil, fmt.Errorf("digest %.100q: its algorithm is not known (sha256 and sha512 are)", string(d))
	}
	if len(encoded) != 2*h.Size() || strings.Trim(encoded, "0123456789abcdef") != "" {
		return nil, fmt.Errorf("digest %.200q is malformed", string(d))
	}
	return h, nil
}

// check compares the digest with what was hashed.
func (d digest) check(h hash.Hash) error {
	_, want, _ := strings.Cut(string(d), ":")
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("its content has the digest %s, not %s", got, want)
	}
	return nil
}

func digestOf(data []byte) digest {
	return digest(fmt.Sprintf("sha256:%x", sha256.Sum256(data)))
}

// short is enough of a digest to find it.
func (d digest) short() string {
	if _, encoded, _ := strings.Cut(string(d), ":"); len(encoded) > 12 {
		return string(d[:len(d)-len(encoded)+12])
	}
	return string(d)
}

// verify tells whether data is what the digest names.
func (d digest) verify(data []byte) error {
	h, err := d.hash()
	if err != nil {
		return err
	}
	h.Write(data)
	return d.check(h)
}

// read gives a whole file of at most limit bytes.
func (f *Files) read(name string, limit int64) ([]byte, error) {
	c, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if c.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes are more than the %d that are read of such a file", name, c.Size(), limit)
	}
	data := make([]byte, c.Size())
	if n, err := c.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("%s: read at byte %d: %w", name, n, err)
	}
	return data, nil
}

// decode reads a file as JSON.
func (f *Files) decode(name string, v any) error {
	data, err := f.read(name, maxDocument)
	if err != nil {
		return err
	}
	return decode(name, data, v)
}

// decode reads one JSON value; members that are not known are no error.
func decode(name string, data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: there is data after the document", name)
	}
	return nil
}

// blob is where a blob lies.
func (f *Files) blob(d digest) (string, error) {
	if _, err := d.hash(); err != nil {
		return "", err
	}
	algorithm, encoded, _ := strings.Cut(string(d), ":")
	if f.Kind == Skopeo {
		return encoded, nil
	}
	return path.Join("blobs", algorithm, encoded), nil
}

// fetch reads a small blob and requires its digest and size.
func (f *Files) fetch(d descriptor) ([]byte, error) {
	name, err := f.blob(d.Digest)
	if err != nil {
		return nil, err
	}
	if _, err := f.find(name); err != nil && f.Kind == Skopeo {
		name += ".manifest.json" // of an image of a list
	}
	data, err := f.read(name, maxDocument)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != d.Size {
		return nil, fmt.Errorf("%s: it has %d bytes, its descriptor says %d", name, len(data), d.Size)
	}
	if err := d.Digest.verify(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// dockerList reads docker save's manifest.json.
func (f *Files) dockerList() ([]dockerImage, error) {
	var list []dockerImage
	if err := f.decode("manifest.json", &list); err != nil {
		return nil, err
	}
	if len(list) > maxManifests {
		return nil, errors.New("manifest.json: it lists too many images")
	}
	return list, nil
}

// beside is the name that a link in the place of name leads to.
func beside(name, target string) string {
	if !path.IsAbs(target) {
		target = path.Join("/", path.Dir(name), target)
	}
	return path.Clean(target)[1:]
}
