package image

import (
	"context"
	"crypto/sha1" // what manifests have
	"crypto/sha256"
	"crypto/sha512"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"strings"
)

// An envelope is what an OVF descriptor says of its disks: DMTF DSP0243.
type envelope struct {
	XMLName xml.Name `xml:"Envelope"`
	Files   []struct {
		ID        string `xml:"id,attr"`
		Href      string `xml:"href,attr"`
		ChunkSize string `xml:"chunkSize,attr"`
	} `xml:"References>File"`
	Disks []struct {
		ID      string `xml:"diskId,attr"`
		FileRef string `xml:"fileRef,attr"`
	} `xml:"DiskSection>Disk"`
}

// The bounds of what is read into memory.
const (
	maxDescriptor = 16 << 20
	maxManifest   = 1 << 20
)

// openOVA opens the first disk that the OVF descriptor in an archive names. What else
// the appliance holds, and what its manifest says against it, are problems.
func (i *Image) openOVA(ctx context.Context, p parcel, at place) (bool, error) {
	var descriptor *Node
	for _, n := range p.members {
		if strings.HasSuffix(string(n.Path), ".ovf") && descriptor == nil {
			descriptor = n
		}
	}
	if descriptor == nil {
		return false, nil
	}
	data, err := p.read(descriptor, maxDescriptor)
	if err != nil {
		return false, err
	}
	var e envelope
	if xml.Unmarshal(data, &e) != nil {
		return false, nil //nolint:nilerr // another archive with such a name in it
	}
	names, err := e.disks()
	if err != nil {
		return true, fmt.Errorf("ova %s: %w", descriptor.Path, err)
	}
	first := p.member(names[0])
	if first == nil {
		return true, fmt.Errorf("ova: the disk %q is not in the archive", names[0])
	}
	for _, name := range names[1:] {
		i.Problems = append(i.Problems, fmt.Errorf("ova: the disk %q is not read: only the first is", name))
	}
	if p.broken != nil {
		i.Problems = append(i.Problems, fmt.Errorf("ova: %w", p.broken))
	}
	problems, err := p.verify(ctx)
	if err != nil {
		return true, err
	}
	i.Problems = append(i.Problems, problems...)
	return true, i.openMember(ctx, p.tree, first, at.inside("ova"))
}

// disks are the names of the files that hold disks, at least one.
func (e *envelope) disks() ([]string, error) {
	var out []string
	for _, d := range e.Disks {
		if d.FileRef == "" {
			continue // an empty disk has no file
		}
		found := false
		for _, f := range e.Files {
			if f.ID != d.FileRef {
				continue
			}
			if f.ChunkSize != "" {
				return nil, fmt.Errorf("the file %q is in several chunks: not read", f.Href)
			}
			found = true
			out = append(out, f.Href)
			break
		}
		if !found {
			return nil, fmt.Errorf("the disk %q refers to the file %q, which is not listed", d.ID, d.FileRef)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("it names no disk with a file")
	}
	return out, nil
}

// member finds a file by its name; nil where it is not there.
func (p *parcel) member(name string) *Node {
	for _, n := range p.members {
		if string(n.Path) == "/"+name {
			return n
		}
	}
	return nil
}

// read gives a small file.
func (p *parcel) read(n *Node, limit int64) ([]byte, error) {
	if n.Size > limit {
		return nil, fmt.Errorf("%s: %d bytes are more than %d", n.Path, n.Size, limit)
	}
	c, err := p.tree.Open(n)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	data, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Path, err)
	}
	return data, nil
}

// manifestLine is "SHA256(disk.vmdk)= 0123…", as ovftool and openssl write it.
var manifestLine = regexp.MustCompile(`^(SHA1|SHA256|SHA512) ?\((.+)\) ?= ?([0-9A-Fa-f]+)$`)

// verify compares the files with the manifest, where there is one. The problems are
// what does not match.
func (p *parcel) verify(ctx context.Context) (problems []error, err error) {
	for _, n := range p.members {
		if !strings.HasSuffix(string(n.Path), ".mf") {
			continue
		}
		text, err := p.read(n, maxManifest)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			m := manifestLine.FindStringSubmatch(line)
			if m == nil {
				problems = append(problems, fmt.Errorf("ova manifest %s: the line %q is malformed", n.Path, line))
				break
			}
			if seen[m[2]] {
				continue
			}
			seen[m[2]] = true
			problem, err := p.compare(ctx, m[1], m[2], m[3])
			if err != nil {
				return nil, err
			}
			if problem != nil {
				problems = append(problems, fmt.Errorf("ova manifest %s: %q: %w", n.Path, m[2], problem))
			}
		}
	}
	return problems, nil
}

// compare tells what is wrong with one file.
func (p *parcel) compare(ctx context.Context, kind, name, want string) (problem, err error) {
	n := p.member(name)
	if n == nil {
		return errors.New("it is not in the archive"), nil
	}
	c, err := p.tree.Open(n)
	if err != nil {
		return err, nil
	}
	defer c.Close()
	h := map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}[kind]()
	if _, err := io.CopyBuffer(h, contextReader{ctx, io.NewSectionReader(c, 0, c.Size())}, make([]byte, 1<<20)); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return err, nil
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); !strings.EqualFold(got, want) {
		return fmt.Errorf("its %s is %s, the manifest says %s", kind, got, strings.ToLower(want)), nil
	}
	return nil, nil
}

// A contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
