package store

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// A Problem is one thing in the store that is not what it was.
type Problem struct {
	// Kind is "layer", "source" or "key".
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// Removed says that a repair took it out: the next build makes it anew.
	Removed bool `json:"removed,omitempty"`
}

// VerifyOptions are for Verify; nil is the zero value.
type VerifyOptions struct {
	// Repair removes what is damaged. It waits until no build holds the store.
	Repair  bool
	Waiting func(holder string)
}

// Verify reads every byte of the store and compares it with what was recorded
// when it was stored.
func (d *Dir) Verify(ctx context.Context, o *VerifyOptions) ([]Problem, error) {
	o = cmp.Or(o, new(VerifyOptions))
	how := unix.LOCK_SH
	if o.Repair {
		how = unix.LOCK_EX
	}
	l, err := d.lockStore(ctx, how, o.Waiting)
	if err != nil {
		return nil, fmt.Errorf("verify store: %w", err)
	}
	problems, err := d.verify(ctx, o.Repair)
	if err = errors.Join(err, l.release()); err != nil {
		return nil, fmt.Errorf("verify store: %w", err)
	}
	return problems, nil
}

func (d *Dir) verify(ctx context.Context, repair bool) ([]Problem, error) {
	var problems []Problem
	for _, part := range []func(context.Context) ([]damage, error){d.verifyLayers, d.verifyKeys, d.verifySources} {
		found, err := part(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if repair {
				if err := d.drop(Thing{path: f.path, key: f.key}); err != nil {
					return nil, err
				}
				f.Removed = true
			}
			problems = append(problems, f.Problem)
		}
	}
	return problems, nil
}

// A damage is a problem, with what a repair removes.
type damage struct {
	Problem
	path, key string
}

func (d *Dir) verifyLayers(ctx context.Context) ([]damage, error) {
	names, err := os.ReadDir(d.join("layers"))
	if err != nil {
		return nil, err
	}
	var found []damage
	for _, n := range names {
		id := n.Name()
		key, delta, reason := d.recorded(id)
		reasons := []string{reason}
		if delta != nil {
			c := newLayerCheck(d.join("layers", id, "data"), delta)
			if err := c.run(ctx); err != nil {
				return nil, err
			}
			reasons = c.reasons
		}
		for _, reason := range reasons {
			found = append(found, damage{Problem{Kind: "layer", Name: id, Reason: reason}, d.join("layers", id), key})
		}
	}
	return found, nil
}

// recorded reads a layer's list, and the key that leads to the layer; or the
// reason why there is no list to compare with.
func (d *Dir) recorded(id string) (key string, _ *delta, reason string) {
	r, err := d.readRecord(id)
	if err != nil {
		return "", nil, err.Error()
	}
	if d.leadsTo(r.Key, id) {
		key = r.Key
	}
	delta, err := d.readDelta(&r.Layer)
	if err != nil {
		return key, nil, err.Error()
	}
	return key, delta, ""
}

// A layerCheck compares a layer's directory with its list.
type layerCheck struct {
	root    string
	want    map[report.Raw]*report.Entry
	removed []report.Raw
	inodes  map[report.Raw]uint64
	reasons []string
}

func newLayerCheck(root string, d *delta) *layerCheck {
	c := &layerCheck{root: root, want: make(map[report.Raw]*report.Entry), removed: d.removed, inodes: make(map[report.Raw]uint64)}
	for _, list := range [][]*item{d.changed, d.carried} {
		for _, i := range list {
			c.want[i.entry.Path] = &i.entry
		}
	}
	return c
}

func (c *layerCheck) wrong(path report.Raw, format string, args ...any) {
	c.reasons = append(c.reasons, path.String()+": "+fmt.Sprintf(format, args...))
}

func (c *layerCheck) run(ctx context.Context) error {
	seen := make(map[report.Raw]bool)
	if len(c.want) == 0 && len(c.removed) == 0 {
		return nil // nothing changed: the directory is empty and stands for nothing
	}
	err := filepath.WalkDir(c.root, func(disk string, _ fs.DirEntry, err error) error {
		path := report.Raw(cmp.Or(disk[len(c.root):], "/"))
		seen[path] = true
		if err == nil {
			err = c.name(ctx, path, disk)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			c.wrong(path, "%v", err) // what cannot be read is damage, not an end
		}
		return nil
	})
	for path := range c.want {
		if !seen[path] {
			c.wrong(path, "it is missing")
		}
	}
	slices.Sort(c.reasons)
	return err
}

func (c *layerCheck) name(ctx context.Context, path report.Raw, disk string) error {
	n, err := readInode(disk)
	if err != nil {
		return err
	}
	want, listed := c.want[path]
	if _, removed := slices.BinarySearch(c.removed, path); n.isWhiteout() && removed {
		return nil
	}
	if !listed {
		return fmt.Errorf("the layer's list does not have it")
	}
	got, err := n.entry(string(path), disk, time.Unix(1<<40, 0))
	if err != nil {
		return err
	}
	got.Mtime = time.Unix(n.st.Mtim.Unix()).UTC()
	if got.Type == report.File {
		if got.SHA256, err = hashFile(ctx, disk); err != nil {
			return err
		}
	}
	if got.Hardlink = want.Hardlink; got.Hardlink != "" {
		if first, ok := c.inodes[got.Hardlink]; ok && first != n.st.Ino {
			return fmt.Errorf("it is no hard link of %s any more", got.Hardlink)
		}
		c.inodes[got.Hardlink] = n.st.Ino
	}
	return compareEntries(&got, want)
}

// compareEntries names the first kind of difference.
func compareEntries(got, want *report.Entry) error {
	if got.SHA256 != want.SHA256 {
		return fmt.Errorf("its content has SHA-256 %.12s, not %.12s", got.SHA256, want.SHA256)
	}
	l := newLiner()
	a, err := l.line(*got)
	if err != nil {
		return err
	}
	b, err := l.line(*want)
	if err != nil {
		return err
	}
	if string(a) != string(b) {
		return fmt.Errorf("its metadata is %s, not %s", strings.TrimSpace(string(a)), strings.TrimSpace(string(b)))
	}
	return nil
}

func (d *Dir) verifyKeys(context.Context) ([]damage, error) {
	keys, err := d.danglingKeys()
	if err != nil {
		return nil, err
	}
	var found []damage
	for _, k := range keys {
		found = append(found, damage{Problem{Kind: "key", Name: k.Name, Reason: k.Reason}, k.path, ""})
	}
	return found, nil
}

func (d *Dir) verifySources(ctx context.Context) ([]damage, error) {
	things, err := d.sources()
	if err != nil {
		return nil, err
	}
	var found []damage
	for _, t := range things {
		if t.Kind != "source" {
			continue
		}
		if err := d.checkSource(ctx, t); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			found = append(found, damage{Problem{Kind: "source", Name: t.Name, Reason: err.Error()}, t.path, ""})
		}
	}
	return found, nil
}

func (d *Dir) checkSource(ctx context.Context, t Thing) error {
	c, err := parseChecksum(t.Name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(t.path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading: nothing to lose
	h := newHash(c.algorithm)
	if _, err := io.Copy(&contextWriter{ctx, h}, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != c.hex {
		return &MismatchError{Want: c.String(), Got: checksum{c.algorithm, got}.String()}
	}
	return nil
}
