package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Thing is a part of the store that can be collected.
type Thing struct {
	// Kind is "layer", "source", "partial source", "failed work", "dead work",
	// "key" or "unfinished file".
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	// Why it goes.
	Reason string `json:"reason"`

	path string
	used time.Time
	key  string
}

// CollectOptions say what Collect may remove.
type CollectOptions struct {
	// MaxSize is how many bytes layers and sources may take together; a
	// negative number is no limit.
	MaxSize int64
	// DryRun only tells.
	DryRun bool
	// Waiting is called once while a build runs, with a word on who.
	Waiting func(holder string)
}

// A Collection is what Collect removed, and what is left.
type Collection struct {
	Removed []Thing `json:"removed"`
	Kept    Usage   `json:"kept"`
}

// Collect removes failed works, the leavings of dead processes and layers that
// no key leads to; then, while the rest is larger than MaxSize, the layers and
// sources that were used longest ago. It waits until no build holds the store.
func (d *Dir) Collect(ctx context.Context, o CollectOptions) (*Collection, error) {
	l, err := d.lockStore(ctx, unix.LOCK_EX, o.Waiting)
	if err != nil {
		return nil, fmt.Errorf("collect garbage: %w", err)
	}
	c, err := d.collect(o)
	if err = errors.Join(err, l.release()); err != nil {
		return nil, fmt.Errorf("collect garbage: %w", err)
	}
	return c, nil
}

func (d *Dir) collect(o CollectOptions) (*Collection, error) {
	garbage, err := d.garbage()
	if err != nil {
		return nil, err
	}
	used, dangling, err := d.inUse()
	if err != nil {
		return nil, err
	}
	c := &Collection{Removed: append(append([]Thing{}, garbage...), dangling...)}
	for _, t := range used {
		c.Kept.Count++
		c.Kept.Bytes += t.Bytes
	}
	slices.SortStableFunc(used, func(a, b Thing) int { return a.used.Compare(b.used) })
	for _, t := range used {
		if o.MaxSize < 0 || c.Kept.Bytes <= o.MaxSize {
			break
		}
		t.Reason = "over the size limit, last used " + t.used.UTC().Format(time.RFC3339)
		c.Removed = append(c.Removed, t)
		c.Kept.Count--
		c.Kept.Bytes -= t.Bytes
	}
	if o.DryRun {
		return c, nil
	}
	for _, t := range c.Removed {
		if err := d.drop(t); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// drop removes a thing. A layer's key goes first: a key without a layer is
// harmless, and so is the layer without the key.
func (d *Dir) drop(t Thing) error {
	if t.key != "" {
		if err := ignoreMissing(os.Remove(d.join("keys", t.key))); err != nil {
			return err
		}
	}
	return os.RemoveAll(t.path)
}

// garbage is what nobody needs: kept failures and leavings of the dead. No
// build runs now, so that whatever is unfinished stays so.
func (d *Dir) garbage() ([]Thing, error) {
	failed, err := d.inside("failed", "failed work")
	if err != nil {
		return nil, err
	}
	for n := range failed {
		failed[n].Reason = "kept after a failure"
	}
	work, err := d.inside("work", "dead work")
	if err != nil {
		return nil, err
	}
	things := failed
	for _, t := range work {
		l, err := tryLock(lockRequest{path: filepath.Join(t.path, "lock"), how: unix.LOCK_EX})
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue // somebody works without holding the store: a trial of overlay mounts
		}
		if err := l.release(); err != nil {
			return nil, err
		}
		t.Reason = "its process is dead"
		things = append(things, t)
	}
	aside, err := d.unfinished()
	return append(things, aside...), err
}

// unfinished are files that a killed process was writing.
func (d *Dir) unfinished() ([]Thing, error) {
	var things []Thing
	for _, dir := range []string{".", "keys", "sources/partial"} {
		names, err := os.ReadDir(d.join(dir))
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if strings.HasPrefix(n.Name(), asidePrefix) {
				path := d.join(dir, n.Name())
				size, err := diskUsage(path)
				if err != nil {
					return nil, err
				}
				things = append(things, Thing{Kind: "unfinished file", Name: n.Name(), Bytes: size, Reason: "its process is dead", path: path})
			}
		}
	}
	return things, nil
}

// inUse sorts layers, keys and sources into what a build can use and what it
// cannot.
func (d *Dir) inUse() (used, dangling []Thing, err error) {
	names, err := os.ReadDir(d.join("layers"))
	if err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		info, err := d.layerInfo(n.Name())
		if err != nil {
			return nil, nil, err
		}
		t := Thing{
			Kind: "layer", Name: info.ID, Bytes: info.Size, Reason: info.Problem,
			path: d.join("layers", n.Name()), used: info.Used,
		}
		if info.Problem != "" {
			dangling = append(dangling, t)
			continue
		}
		t.key = info.Key
		used = append(used, t)
	}
	keys, err := d.danglingKeys()
	if err != nil {
		return nil, nil, err
	}
	sources, err := d.sources()
	return append(used, sources...), append(dangling, keys...), err
}

// danglingKeys are keys that lead to no layer, or to another key's.
func (d *Dir) danglingKeys() ([]Thing, error) {
	keys, err := d.inside("keys", "key")
	if err != nil {
		return nil, err
	}
	var dangling []Thing
	for _, k := range keys {
		data, err := os.ReadFile(k.path)
		if err != nil {
			return nil, err
		}
		r, err := d.readRecord(strings.TrimSuffix(string(data), "\n"))
		if err == nil && r.Key == k.Name {
			continue
		}
		k.Reason = "it leads to no layer"
		dangling = append(dangling, k)
	}
	return dangling, nil
}
