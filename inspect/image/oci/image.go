package oci

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// An Image is one container image with its layers applied. Its [Image.Tree]
// implements fsys.Tree, and may be used concurrently.
//
// What the specification leaves open is decided so, as container engines do:
//
//   - members of a layer are applied in their order; a whiteout takes away what
//     lower layers brought, wherever in its layer it stands;
//   - a name leads through symbolic links of the tree so far, which never leave it;
//   - a directory that no layer describes is implied: 0755, 0:0, 1970-01-01;
//   - a directory again changes owner, mode, time and attributes, not what is in it;
//     anything else takes the place of what was there;
//   - a hard link is another name of what its target is at that point.
type Image struct {
	// Container is what the configuration says; nil when it could not be read.
	Container *report.Container
	// Err is why there is no tree.
	Err  error
	tree *merged
	// close lets go of the unpacked layers.
	close func() error
}

// Tree is the merged tree; nil where Err is not.
func (i *Image) Tree() fsys.Tree {
	if i.tree == nil {
		return nil
	}
	return i.tree
}

// Close lets go of unpacked layers. The files stay open.
func (i *Image) Close() error { return i.close() }

// Open chooses an image of the files and applies its layers. An error says that
// none can be chosen; what is wrong with the chosen one is in its Err. The
// caller closes the image before the files.
func Open(ctx context.Context, f *Files, o Options) (*Image, error) {
	all, err := f.list()
	if err != nil {
		return nil, err
	}
	chosen, err := choose(all, o)
	if err != nil {
		return nil, err
	}
	img := &Image{close: func() error { return nil }}
	img.Err = img.open(ctx, f, chosen, o)
	if ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), img.Close())
	}
	return img, nil
}

func (f *Files) list() ([]*candidate, error) {
	switch f.Kind {
	case Docker:
		return f.dockerCandidates()
	case Skopeo:
		return f.skopeoCandidates()
	}
	return f.candidates()
}

// skopeoCandidates lists the one image of a dir, or those of its list.
func (f *Files) skopeoCandidates() ([]*candidate, error) {
	data, err := f.read("manifest.json", maxDocument)
	if err != nil {
		return nil, err
	}
	var doc document
	if err := decode("manifest.json", data, &doc); err != nil {
		return nil, err
	}
	if doc.Manifests != nil {
		l := lister{files: f, seen: map[digest]bool{}}
		if err := l.index(doc, nil, 0); err != nil {
			return nil, err
		}
		return l.result()
	}
	return []*candidate{{descriptor: descriptor{Digest: digestOf(data), Platform: f.platform(doc.Config)}, own: data}}, nil
}

// open reads the parts of an image and merges its layers.
func (i *Image) open(ctx context.Context, f *Files, c *candidate, o Options) error {
	if c.err != nil {
		return c.err
	}
	m, err := f.manifest(c)
	if err != nil {
		return err
	}
	conf, err := f.config(m)
	if err != nil {
		return err
	}
	i.Container = conf.container(c, m)
	if err := conf.check(len(m.layers)); err != nil {
		return err
	}
	s := &spool{files: f, left: o.MaxSize, dir: o.TempDir}
	i.close = s.close
	t := newMerged()
	for n, l := range m.layers {
		what := fmt.Sprintf("layer %d (%s)", n+1, l.label())
		if l.diffID = ""; n < len(conf.RootFS.DiffIDs) {
			l.diffID = conf.RootFS.DiffIDs[n]
		}
		data, err := s.layer(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err := t.apply(ctx, data, what); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	i.tree = t
	return nil
}

// A manifest is what describes an image, whatever arrangement it lies in.
type manifest struct {
	// digest is the manifest's; empty where docker save's list is all there is.
	digest digest
	config part
	layers []*layer
}

// A part is a file with what is promised of it.
type part struct {
	name string
	// digest and size are not known where docker save's list is all there is.
	digest digest
	size   int64
}

// manifest reads what describes the image.
func (f *Files) manifest(c *candidate) (*manifest, error) {
	if c.docker != nil {
		return c.docker.manifest()
	}
	data := c.own
	if data == nil {
		var err error
		if data, err = f.fetch(c.descriptor); err != nil {
			return nil, err
		}
	}
	var doc document
	if err := decode(string(c.Digest), data, &doc); err != nil {
		return nil, err
	}
	if err := doc.check(); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", c.Digest.short(), err)
	}
	m := &manifest{digest: c.Digest}
	var err error
	if m.config, err = f.part(doc.Config); err != nil {
		return nil, err
	}
	for _, d := range doc.Layers {
		p, err := f.part(d)
		if err != nil {
			return nil, err
		}
		m.layers = append(m.layers, &layer{part: p, mediaType: d.MediaType, foreign: len(d.URLs) > 0})
	}
	return m, f.agree(m)
}

func (f *Files) part(d descriptor) (part, error) {
	name, err := f.blob(d.Digest)
	return part{name, d.Digest, d.Size}, err
}

// check refuses what is no container image, and what is encrypted.
func (d *document) check() error {
	switch {
	case d.SchemaVersion == 1:
		return errors.New("it is of Docker's schema 1, which has no configuration: not read")
	case !slices.Contains([]string{"", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}, d.Config.MediaType):
		return fmt.Errorf("it is no container image, but holds a %.200q", d.Config.MediaType)
	case len(d.Layers) > maxLayers:
		return fmt.Errorf("it has more than %d layers", maxLayers)
	}
	for n, l := range d.Layers {
		if strings.HasSuffix(l.MediaType, "+encrypted") {
			return fmt.Errorf("layer %d is encrypted: not read", n+1)
		}
	}
	return nil
}

// manifest takes docker save's list as a manifest. The configuration is named by
// its digest; layers have theirs in the configuration alone.
func (d *dockerImage) manifest() (*manifest, error) {
	if len(d.Layers) > maxLayers {
		return nil, fmt.Errorf("manifest.json: an image has more than %d layers", maxLayers)
	}
	m := &manifest{config: part{name: path.Clean(d.Config), size: -1}}
	encoded := strings.TrimSuffix(path.Base(d.Config), ".json")
	if id := digest("sha256:" + encoded); len(encoded) == 64 {
		if _, err := id.hash(); err == nil {
			m.config.digest = id
		}
	}
	for _, name := range d.Layers {
		m.layers = append(m.layers, &layer{part: part{name: path.Clean(name), size: -1}})
	}
	return m, nil
}

// agree requires that docker save's list, where there is one beside a layout,
// describes the chosen image with the same files.
func (f *Files) agree(m *manifest) error {
	if f.Kind != Layout {
		return nil
	}
	list, err := f.dockerList()
	if err != nil {
		return nil //nolint:nilerr // there is none, or it is something else
	}
	for _, d := range list {
		if path.Clean(d.Config) != m.config.name {
			continue
		}
		same := len(d.Layers) == len(m.layers)
		for n := 0; same && n < len(d.Layers); n++ {
			same = path.Clean(d.Layers[n]) == m.layers[n].name
		}
		if !same {
			return fmt.Errorf("index.json and manifest.json name other layers for %s", m.config.name)
		}
	}
	return nil
}

// config reads the configuration and requires its digest.
func (f *Files) config(m *manifest) (*config, error) {
	var data []byte
	var err error
	if m.config.size >= 0 {
		data, err = f.fetch(descriptor{Digest: m.config.digest, Size: m.config.size})
	} else if data, err = f.read(m.config.name, maxDocument); err == nil && m.config.digest != "" {
		err = m.config.digest.verify(data)
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	c := &config{}
	if err := decode("configuration "+m.config.name, data, c); err != nil {
		return nil, err
	}
	if m.config.digest == "" {
		m.config.digest = digestOf(data)
	}
	return c, nil
}

// check requires one diff_id for each layer.
func (c *config) check(layers int) error {
	if c.RootFS.Type != "" && c.RootFS.Type != "layers" {
		return fmt.Errorf("configuration: rootfs is of the type %.100q: not read", c.RootFS.Type)
	}
	if len(c.RootFS.DiffIDs) != layers {
		return fmt.Errorf("configuration: it has %d diff_ids for %d layers", len(c.RootFS.DiffIDs), layers)
	}
	return nil
}

// container is the configuration as the report has it.
func (c *config) container(of *candidate, m *manifest) *report.Container {
	r := &report.Container{
		OS: c.OS, Architecture: c.Architecture, Variant: c.Variant, OSVersion: c.OSVersion, OSFeatures: c.OSFeatures,
		User: c.Config.User, WorkingDir: c.Config.WorkingDir, Entrypoint: c.Config.Entrypoint, Cmd: c.Config.Cmd,
		Env: c.Config.Env, Labels: c.Config.Labels, StopSignal: c.Config.StopSignal, Shell: c.Config.Shell, OnBuild: c.Config.OnBuild,
		ExposedPorts: slices.Sorted(maps.Keys(c.Config.ExposedPorts)),
		Volumes:      slices.Sorted(maps.Keys(c.Config.Volumes)),
		Digest:       string(m.digest), ConfigDigest: string(m.config.digest), Layers: len(m.layers), History: len(c.History),
		Created: c.Created, Author: c.Author,
	}
	r.Names = slices.Compact(slices.Sorted(slices.Values(of.names)))
	if h := c.Config.Healthcheck; h != nil {
		r.Healthcheck = &report.Healthcheck{Test: h.Test, Interval: h.Interval.String(), Timeout: h.Timeout.String(),
			StartPeriod: h.StartPeriod.String(), StartInterval: h.StartInterval.String(), Retries: h.Retries}
	}
	return r
}
