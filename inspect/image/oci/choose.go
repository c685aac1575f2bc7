package oci

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// A platform is what an image runs on.
type platform struct {
	OS           string   `json:"os"`
	Architecture string   `json:"architecture"`
	Variant      string   `json:"variant"`
	OSVersion    string   `json:"os.version"`
	OSFeatures   []string `json:"os.features"`
}

func (p platform) String() string {
	s := cmp.Or(p.OS, "unknown") + "/" + cmp.Or(p.Architecture, "unknown")
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// matches tells whether p is what was asked for. Where no variant is asked for,
// each serves; that of arm64 is v8 where none is named (containerd's platforms).
func (p platform) matches(asked string) bool {
	parts := strings.Split(asked, "/")
	if len(parts) < 2 || parts[0] != p.OS || parts[1] != p.Architecture {
		return false
	}
	variant := p.Variant
	if p.Architecture == "arm64" {
		variant = cmp.Or(variant, "v8")
	}
	return len(parts) == 2 || parts[2] == variant
}

// A candidate is one image of the files.
type candidate struct {
	descriptor
	names []string
	// docker is set where docker save's manifest.json alone describes the image.
	docker *dockerImage
	// own is the manifest where it is no blob.
	own []byte
	// err is why the image cannot be read.
	err error
}

func (c *candidate) String() string {
	parts := append(slices.Clone(c.names), c.Digest.short())
	if c.Platform != nil {
		parts = append([]string{c.Platform.String()}, parts...)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// named tells whether name stands for the image: a whole name, its tag, or the
// start of its digest.
func (c *candidate) named(name string) bool {
	if c.Digest != "" && (string(c.Digest) == name || len(name) > len("sha256:")+6 && strings.HasPrefix(string(c.Digest), name)) {
		return true
	}
	return slices.ContainsFunc(c.names, func(n string) bool {
		return n == name || strings.TrimPrefix(n, "docker.io/library/") == name || strings.TrimPrefix(n, "docker.io/") == name
	})
}

// choose picks the image that is asked for, or the only one.
func choose(all []*candidate, o Options) (*candidate, error) {
	if o.Platform != "" && (strings.Count(o.Platform, "/") < 1 || strings.Count(o.Platform, "/") > 2) {
		return nil, fmt.Errorf("platform %q is not of the form os/architecture or os/architecture/variant", o.Platform)
	}
	var fit []*candidate
	for _, c := range all {
		if o.Name != "" && !c.named(o.Name) || o.Platform != "" && (c.Platform == nil || !c.Platform.matches(o.Platform)) {
			continue
		}
		if !slices.ContainsFunc(fit, func(f *candidate) bool { return f.Digest != "" && f.Digest == c.Digest }) {
			fit = append(fit, c)
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(all) == 0:
		return nil, errors.New("it holds no container image")
	case len(fit) == 0:
		return nil, fmt.Errorf("it holds no such image; there are: %s", listed(all))
	}
	return nil, fmt.Errorf("it holds %d images; choose one by its platform (os/architecture) or its name: %s", len(fit), listed(fit))
}

// listed names candidates, up to a screenful.
func listed(all []*candidate) string {
	const shown = 20
	var out []string
	for _, c := range all[:min(shown, len(all))] {
		out = append(out, c.String())
	}
	if len(all) > shown {
		out = append(out, fmt.Sprintf("and %d more", len(all)-shown))
	}
	return strings.Join(out, "; ")
}

// candidates lists the images of a layout: those of its index, and of the indexes
// in it. What is no image that runs (an attestation) is left out, and so is an
// image whose manifest is not there: save writes the index of all platforms, and
// the blobs of one.
func (f *Files) candidates() ([]*candidate, error) {
	var index document
	if err := f.decode("index.json", &index); err != nil {
		return nil, err
	}
	if index.Manifests == nil {
		return nil, errors.New("index.json: it lists no manifests")
	}
	l := lister{files: f, seen: map[digest]bool{}}
	if err := l.index(index, nil, 0); err != nil {
		return nil, err
	}
	return l.result()
}

// result is what was found; where there is nothing because of what is not there,
// it says so.
func (l *lister) result() ([]*candidate, error) {
	if len(l.found) == 0 && l.absent != nil {
		return nil, l.absent
	}
	return l.found, nil
}

// A lister collects the images of nested indexes.
type lister struct {
	files *Files
	found []*candidate
	// seen are the indexes on the way here, count is of all descriptors.
	seen   map[digest]bool
	count  int
	absent error
}

func (l *lister) index(index document, names []string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("index.json: more than %d indexes lie in each other", maxNesting)
	}
	for _, d := range *index.Manifests {
		if l.count++; l.count > maxManifests {
			return fmt.Errorf("index.json: it lists more than %d manifests", maxManifests)
		}
		if d.Annotations["vnd.docker.reference.type"] != "" {
			continue // what a builder attests of another image
		}
		if err := l.descriptor(d, append(slices.Clone(names), namesOf(d)...), depth); err != nil {
			return err
		}
	}
	return nil
}

// namesOf are the names that an index gives an image: annotations.md, and
// containerd's own.
func namesOf(d descriptor) []string {
	var names []string
	for _, key := range []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"} {
		if n := d.Annotations[key]; n != "" {
			names = append(names, n)
		}
	}
	return names
}

// descriptor takes one entry of an index. What is wrong with an image is told when
// it is chosen.
func (l *lister) descriptor(d descriptor, names []string, depth int) error {
	data, err := l.files.fetch(d)
	if errors.Is(err, fs.ErrNotExist) {
		l.absent = err
		return nil
	}
	c := &candidate{descriptor: d, names: names, err: err}
	var doc document
	if err == nil {
		c.err = decode(string(d.Digest), data, &doc)
	}
	if c.err == nil && doc.Manifests != nil {
		if l.seen[d.Digest] {
			return nil
		}
		l.seen[d.Digest] = true
		return l.index(doc, names, depth+1)
	}
	if c.err == nil && d.Platform == nil {
		c.Platform = l.files.platform(doc.Config)
	}
	l.found = append(l.found, c)
	return nil
}

// platform is what the configuration says of an image whose descriptor says
// nothing; nil where it cannot be read.
func (f *Files) platform(d descriptor) *platform {
	var conf config
	data, err := f.fetch(d)
	if err != nil || decode("", data, &conf) != nil || conf.OS == "" {
		return nil
	}
	return &conf.platform
}

// dockerCandidates lists the images of docker save's manifest.json.
func (f *Files) dockerCandidates() ([]*candidate, error) {
	list, err := f.dockerList()
	if err != nil {
		return nil, err
	}
	var out []*candidate
	for _, d := range list {
		c := &candidate{names: d.RepoTags, docker: &d}
		var conf config
		if c.err = f.decode(d.Config, &conf); c.err == nil {
			c.Platform = &conf.platform
		}
		out = append(out, c)
	}
	return out, nil
}
