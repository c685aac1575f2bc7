package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// chooseMode settles Auto by a trial: what a filesystem says of itself is not
// what an overlay over it does.
func (d *Dir) chooseMode() (Mode, error) {
	switch d.options.Mode {
	case Copy:
		return Copy, nil
	case Overlay, Auto, "":
	default:
		return "", fmt.Errorf("store mode %q is none of auto, overlay, copy", d.options.Mode)
	}
	err := d.tryOverlay()
	if err == nil {
		return Overlay, nil
	}
	if d.options.Mode == Overlay {
		return "", fmt.Errorf("the store cannot use overlay mounts here: %w", err)
	}
	return Copy, nil
}

var errMisbehaves = errors.New("hard links do not stay together in an overlay here")

// tryOverlay makes a small overlay as Begin does, and does in it what only a
// whole one can: change a file that has two names, and remove one.
func (d *Dir) tryOverlay() (err error) {
	w, err := d.newWork()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Discard()) }()
	lower, target := filepath.Join(w.path, "layer"), filepath.Join(w.path, "files")
	if err := os.WriteFile(filepath.Join(lower, "a"), nil, 0o644); err != nil {
		return err
	}
	for _, name := range []string{"b", "c"} {
		if err := os.Link(filepath.Join(lower, "a"), filepath.Join(lower, name)); err != nil {
			return err
		}
	}
	view := View{Base: w.path, Lower: []string{"layer"}, Upper: "upper", Work: "ovl"}
	return inMountNamespace(func() error {
		if err := view.Mount(target); err != nil {
			return err
		}
		return errors.Join(tryLinks(target), unix.Unmount(target, 0))
	})
}

func tryLinks(dir string) error {
	if err := os.Chmod(filepath.Join(dir, "a"), 0o600); err != nil {
		return err
	}
	info, err := os.Lstat(filepath.Join(dir, "b"))
	if err != nil {
		return err
	}
	if info.Mode().Perm() != 0o600 {
		return errMisbehaves
	}
	return os.Remove(filepath.Join(dir, "c"))
}

// inMountNamespace runs f on a thread with a mount namespace of its own, whose
// mounts nobody else sees. The thread ends with f.
func inMountNamespace(f func() error) error {
	done := make(chan error)
	go func() {
		// Never unlocked: the runtime ends the thread with the goroutine.
		runtime.LockOSThread()
		// CLONE_NEWNS wants CLONE_FS, which the runtime's threads share.
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			done <- fmt.Errorf("make a mount namespace: %w", err)
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			done <- fmt.Errorf("make mounts private: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}
