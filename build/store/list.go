package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// A Listing is what is in a store.
type Listing struct {
	Layers  []LayerInfo `json:"layers"`
	Sources Usage       `json:"sources"`
	// Partial are downloads that were not finished, Failed works that were kept.
	Partial Usage `json:"partial"`
	Failed  Usage `json:"failed"`
}

// A Usage is how much of something there is; Bytes is what it takes on disk.
type Usage struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
}

// A LayerInfo is a layer with what the store knows beyond it.
type LayerInfo struct {
	Layer
	// Used is when a build used it last; the zero time when no key leads to it.
	Used time.Time `json:"used,omitzero"`
	// Size is what it takes on disk.
	Size int64 `json:"size"`
	// Problem says why it cannot be used.
	Problem string `json:"problem,omitempty"`
}

// List tells what is in the store: layers by their last use, the latest first.
func (d *Dir) List() (*Listing, error) {
	l := &Listing{Layers: []LayerInfo{}}
	names, err := os.ReadDir(d.join("layers"))
	if err != nil {
		return nil, fmt.Errorf("list store: %w", err)
	}
	for _, n := range names {
		info, err := d.layerInfo(n.Name())
		if err != nil {
			return nil, fmt.Errorf("list store: %w", err)
		}
		l.Layers = append(l.Layers, *info)
	}
	slices.SortFunc(l.Layers, func(a, b LayerInfo) int { return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.ID, b.ID)) })
	things, err := d.sources()
	if err != nil {
		return nil, fmt.Errorf("list store: %w", err)
	}
	failed, err := d.inside("failed", "failed work")
	if err != nil {
		return nil, fmt.Errorf("list store: %w", err)
	}
	for _, t := range append(things, failed...) {
		u := map[string]*Usage{"source": &l.Sources, "partial source": &l.Partial, "failed work": &l.Failed}[t.Kind]
		u.Count++
		u.Bytes += t.Bytes
	}
	return l, nil
}

func (d *Dir) layerInfo(id string) (*LayerInfo, error) {
	size, err := diskUsage(d.join("layers", id))
	if err != nil {
		return nil, err
	}
	info := &LayerInfo{Layer: Layer{ID: id}, Size: size}
	d.describe(info)
	return info, nil
}

// describe fills in what the layer's record and key tell, or what is wrong
// with them.
func (d *Dir) describe(info *LayerInfo) {
	r, err := d.readRecord(info.ID)
	if err != nil {
		info.Problem = err.Error()
		return
	}
	info.Layer = r.Layer
	key, err := os.Stat(d.join("keys", r.Key))
	if err != nil || !d.leadsTo(r.Key, r.ID) {
		info.Problem = "no key leads to it"
		return
	}
	info.Used = key.ModTime()
}

func (d *Dir) leadsTo(key, id string) bool {
	data, err := os.ReadFile(d.join("keys", key))
	return err == nil && strings.TrimSuffix(string(data), "\n") == id
}

// sources gives every source and every partial one.
func (d *Dir) sources() ([]Thing, error) {
	algorithms, err := os.ReadDir(d.join("sources"))
	if err != nil {
		return nil, err
	}
	var things []Thing
	for _, a := range algorithms {
		kind := "source"
		if a.Name() == "partial" {
			kind = "partial source"
		}
		list, err := d.inside(filepath.Join("sources", a.Name()), kind)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if kind == "source" {
				t.Name = a.Name() + ":" + t.Name
			}
			things = append(things, t)
		}
	}
	return things, nil
}

// inside gives what is in a directory of the store, unfinished files left out.
func (d *Dir) inside(dir, kind string) ([]Thing, error) {
	names, err := os.ReadDir(d.join(dir))
	if err != nil {
		return nil, err
	}
	var things []Thing
	for _, n := range names {
		if strings.HasPrefix(n.Name(), asidePrefix) {
			continue
		}
		path := d.join(dir, n.Name())
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return nil, &os.PathError{Op: "lstat", Path: path, Err: err}
		}
		size, err := diskUsage(path)
		if err != nil {
			return nil, err
		}
		things = append(things, Thing{Kind: kind, Name: n.Name(), Bytes: size, path: path, used: time.Unix(st.Atim.Unix())})
	}
	return things, nil
}

// diskUsage is what du(1) gives: blocks, each inode once.
func diskUsage(path string) (int64, error) {
	var total int64
	seen := make(map[uint64]bool)
	err := filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil {
			err = unix.Lstat(p, &st)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a build goes on while we look
		}
		if err != nil {
			return err
		}
		if !seen[st.Ino] {
			seen[st.Ino] = true
			total += st.Blocks * 512
		}
		return nil
	})
	return total, err
}

// A Detail is everything about one layer.
type Detail struct {
	LayerInfo
	Form    string         `json:"form"`
	Dropped []string       `json:"dropped,omitempty"`
	Changes []report.Entry `json:"changes"`
	Gone    []report.Raw   `json:"gone"`
}

// Show finds a layer by the beginning of its id, its key or its step's id.
func (d *Dir) Show(name string) (*Detail, error) {
	id, err := d.findLayer(name)
	if err != nil {
		return nil, fmt.Errorf("show layer %s: %w", name, err)
	}
	info, err := d.layerInfo(id)
	if err != nil {
		return nil, fmt.Errorf("show layer %s: %w", name, err)
	}
	r, err := d.readRecord(id)
	if err != nil {
		return nil, fmt.Errorf("show layer %s: %w", name, err)
	}
	delta, err := d.readDelta(&r.Layer)
	if err != nil {
		return nil, fmt.Errorf("show layer %s: %w", name, err)
	}
	list := fold{items: delta.changed}
	return &Detail{*info, r.Form, r.Dropped, list.entries(), append([]report.Raw{}, delta.removed...)}, nil
}

// ErrNoLayer says that a name leads to no layer, or to more than one.
var ErrNoLayer = errors.New("no such layer")

func (d *Dir) findLayer(name string) (string, error) {
	names, err := os.ReadDir(d.join("layers"))
	if err != nil {
		return "", err
	}
	var found []string
	for _, n := range names {
		r, err := d.readRecord(n.Name())
		known := err == nil && (strings.HasPrefix(r.Key, name) || strings.HasPrefix(r.StepID, name))
		if known || strings.HasPrefix(n.Name(), name) {
			found = append(found, n.Name())
		}
	}
	switch {
	case name == "" || len(found) == 0:
		return "", fmt.Errorf("%w; assay store ls lists them", ErrNoLayer)
	case len(found) > 1:
		return "", fmt.Errorf("%w: it is the beginning of %d: %s", ErrNoLayer, len(found), strings.Join(found, ", "))
	}
	return found[0], nil
}
