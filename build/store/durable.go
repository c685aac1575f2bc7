package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// asidePrefix starts the names of files that are not complete yet. What a
// killed process left under such a name is garbage.
const asidePrefix = ".aside-"

// writeFile puts a file there whole or not at all, also across a power cut.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), asidePrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// explain says what to do about an error that a full disk is behind.
func (d *Dir) explain(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: the filesystem of the store %s is full; make room, for example by assay store gc --max-size", err, d.path)
	}
	return err
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error { return withDir(path, unix.Fsync, "sync") }

// syncFilesystem makes everything on path's filesystem durable: one call,
// where fsync would be one for each of thousands of files.
func syncFilesystem(path string) error { return withDir(path, unix.Syncfs, "sync filesystem of") }

func withDir(path string, call func(fd int) error, verb string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading: nothing to lose
	if err := call(int(f.Fd())); err != nil {
		return fmt.Errorf("%s %s: %w", verb, path, err)
	}
	return nil
}
