package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/assay-os/assay/build/store"
)

// A history remembers, for every step by its place in a manifest, the key of
// its last build and how long its last run took. It only informs: what it
// says never changes an output, and a file of it that cannot be read is as
// good as none.
type history struct{ dir string }

// A record is what is remembered of a step.
type record struct {
	Key      Key           `json:"key"`
	Duration time.Duration `json:"duration"`
}

func openHistory(dir string) history { return history{dir} }

// path names a step by pipeline, number and type: two manifests in one store
// share what they have alike.
func (h history) path(s *Step) string {
	sum := sha256.Sum256([]byte(s.Pipeline.Name + "\x00" + strconv.Itoa(s.Index) + "\x00" + s.Type))
	return filepath.Join(h.dir, hex.EncodeToString(sum[:16])+".json")
}

func (h history) last(s *Step) *record {
	if h.dir == "" {
		return nil
	}
	data, err := os.ReadFile(h.path(s))
	if err != nil {
		return nil
	}
	var r record
	if json.Unmarshal(data, &r) != nil || r.Key.Version != keyVersion {
		return nil
	}
	return &r
}

func (h history) duration(s *Step) time.Duration {
	if r := h.last(s); r != nil && r.Duration > 0 {
		return r.Duration
	}
	return 0
}

// keep remembers r. A step that did not run keeps its earlier duration.
func (h history) keep(s *Step, r record, ran bool) error {
	if h.dir == "" {
		return nil
	}
	if !ran {
		last := h.last(s)
		if last != nil && compactKey(last.Key) == compactKey(r.Key) {
			return nil
		}
		if last != nil {
			r.Duration = last.Duration
		}
	}
	if err := h.write(h.path(s), r); err != nil {
		return fmt.Errorf("remember %s: %w", s.Place(), err)
	}
	return nil
}

// write replaces the file at once, so that a reader never sees half of it.
func (h history) write(path string, r record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(h.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func compactKey(k Key) string {
	digest, err := k.Digest()
	if err != nil {
		return ""
	}
	return digest
}

// emptyBase stands where the tree before a step is not known yet.
func emptyBase() store.Tree { return store.EmptyTree() }
