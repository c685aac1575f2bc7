package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// rpmDirs are where rpm's database lies, the first that exists counts: since
// Fedora 36, before, and on ostree systems.
func rpmDirs() []string {
	return []string{"/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"}
}

// rpm lists the packages of the first database, and marks what each owns.
func rpm(ctx context.Context, t *tree.Tree, r *report.Report) error {
	f, err := findRPM(t)
	if err != nil {
		return err
	}
	list, err := readRPM(ctx, t, f)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	r.Packages = append(r.Packages, list...)
	return nil
}

// findRPM finds the database's file. Which of two forms rpm takes is for its
// configuration to say, so two in one directory are an error.
func findRPM(t *tree.Tree) (*tree.File, error) {
	for _, dir := range rpmDirs() {
		var found *tree.File
		for _, name := range []string{rpmdb.SQLiteName, rpmdb.NDBName, rpmdb.BDBName} {
			f, err := t.Lookup(dir + "/" + name)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				return nil, err
			case f.Node.Type != report.File:
				return nil, fmt.Errorf("read %s: it is a %s, not a file", f.Path, f.Node.Type)
			case found != nil:
				return nil, fmt.Errorf("%s and %s: which of the two databases rpm uses is not known", found.Path, f.Path)
			default:
				found = f
			}
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, fmt.Errorf("find rpm database: %w", fs.ErrNotExist)
}

// readRPM reads the headers, those in an sqlite database's log included.
func readRPM(ctx context.Context, t *tree.Tree, f *tree.File) (list []report.Package, err error) {
	file, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	wal, err := openLog(t, f)
	if err != nil {
		return nil, err
	}
	var log rpmdb.Content
	if wal != nil {
		defer wal.Close()
		log = wal
	}
	o := newOwner(t)
	err = rpmdb.Headers(ctx, file, log, func(h *rpmdb.Header) error {
		if len(list) == section.MaxRecords {
			return fmt.Errorf("more than %d packages", section.MaxRecords)
		}
		if h.Name() == "" {
			return errors.New("a package has no name")
		}
		list = append(list, report.Package{Name: h.Name(), Version: h.EVR(), Arch: h.Arch(), Manager: "rpm"})
		return ownFiles(o, h)
	})
	if err == nil {
		err = image.Unchanged(file)
	}
	return list, err
}

// openLog opens the log beside an sqlite database; nil where there is none. A
// rollback journal with content would have to be replayed.
func openLog(t *tree.Tree, f *tree.File) (image.Content, error) {
	if f.Name() != rpmdb.SQLiteName {
		return nil, nil
	}
	journal, err := t.Lookup(f.Path + "-journal")
	if err == nil && journal.Node.Size > 0 {
		err = fmt.Errorf("%s: a transaction is to be rolled back", journal.Path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	log, err := t.Lookup(f.Path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return log.Open()
}

// ownFiles marks what a package owns.
func ownFiles(o *owner, h *rpmdb.Header) error {
	names, err := h.Files()
	if err != nil {
		return fmt.Errorf("package %s: list files: %w", h.Name(), err)
	}
	for _, name := range names {
		if err := o.own(name, h.Name()); err != nil {
			return fmt.Errorf("package %s: %w", h.Name(), err)
		}
	}
	return nil
}
