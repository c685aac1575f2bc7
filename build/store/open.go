package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Mode says how trees are presented and changes are found.
type Mode string

// The modes. Auto takes overlay mounts where a trial of them behaves, and
// copies where it does not.
const (
	Auto    Mode = "auto"
	Overlay Mode = "overlay"
	Copy    Mode = "copy"
)

// Options of a store. The zero value is right for a build.
type Options struct {
	// Mode is Auto when it is empty.
	Mode Mode
	// Holder says to others who wait for a lock what this process does, for
	// example "build debian.json".
	Holder string
}

// layoutVersion is the version of the form on disk. It grows when an older
// program could not use the store any more.
const layoutVersion = 1

// cacheDirTag is the file by which backup programs know a cache:
// https://bford.info/cachedir/.
const cacheDirTag = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory is a store of assay; see docs/store.md.\n"

// A Dir is a store in a directory.
type Dir struct {
	path    string
	options Options
	mode    func() (Mode, error)
	folds   foldCache
	held    atomic.Int32
}

var _ Store = (*Dir)(nil)

// Open opens the store in the directory dir and makes it if dir does not exist
// or is empty. It refuses a directory that holds something else, and a store
// of a newer version. Work that dead processes left is cleaned away.
func Open(dir string, o Options) (*Dir, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	if path, err = create(path); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	d := &Dir{path: path, options: o}
	d.mode = sync.OnceValues(d.chooseMode)
	if err := d.clean(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return d, nil
}

// Path is the store's absolute directory, without symlinks.
func (d *Dir) Path() string { return d.path }

// Mode is the mode that is in use.
func (d *Dir) Mode() (Mode, error) { return d.mode() }

// join is a path inside of the store.
func (d *Dir) join(names ...string) string {
	return filepath.Join(append([]string{d.path}, names...)...)
}

// create makes sure that path is a store, and returns it without symlinks: a
// mount must not depend on where a symlink points later. The version comes
// first, so that a directory is a store from the first file on.
func create(path string) (string, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	found, err := checkVersion(path)
	if err != nil {
		return "", err
	}
	if !found {
		if err := checkForeign(path); err != nil {
			// Another process may have made the store between the two looks.
			if found, again := checkVersion(path); !found || again != nil {
				return "", err
			}
		}
		if err := writeFile(filepath.Join(path, "version"), []byte(strconv.Itoa(layoutVersion)+"\n")); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"sources/partial", "layers", "keys", "locks", "work", "failed", "empty"} {
		if err := os.MkdirAll(filepath.Join(path, name), 0o755); err != nil {
			return "", err
		}
	}
	tag := filepath.Join(path, "CACHEDIR.TAG")
	if _, err := os.Lstat(tag); errors.Is(err, fs.ErrNotExist) {
		return path, writeFile(tag, []byte(cacheDirTag))
	}
	return path, nil
}

// checkVersion reports whether path holds a store's version file, and refuses
// a version that this program does not know.
func checkVersion(path string) (bool, error) {
	data, err := os.ReadFile(filepath.Join(path, "version"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(data)))
	switch {
	case err != nil:
		return false, fmt.Errorf("its version file holds no number: this is not a store of assay; choose another directory")
	case v > layoutVersion:
		return false, fmt.Errorf("it is of version %d, this assay knows version %d; use a newer assay or another directory", v, layoutVersion)
	case v < 1:
		return false, fmt.Errorf("version %d never was; choose another directory", v)
	}
	return true, nil
}

// checkForeign refuses a directory that somebody else uses.
func checkForeign(path string) error {
	names, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, n := range names {
		if n.Name() != "lost+found" && !strings.HasPrefix(n.Name(), asidePrefix) {
			return fmt.Errorf("it holds %q and is not a store; choose an empty or a new directory", n.Name())
		}
	}
	return nil
}
