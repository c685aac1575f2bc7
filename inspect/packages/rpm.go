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

// readRPM lists the packages of the first database, marks what each owns, and
// keeps what the sections tell.
func readRPM(ctx context.Context, t *tree.Tree, c *catalogue) *database {
	d := &database{manager: "rpm"}
	f, err := findRPM(t)
	if err != nil {
		d.err = err
		return d
	}
	var list []report.Package
	files, teller := &rpmFileTable{owned: c.owned}, newRPMTeller()
	err = eachRPM(ctx, t, f, func(h *rpmdb.Header) error {
		if len(list) == section.MaxRecords {
			return fmt.Errorf("more than %d packages", section.MaxRecords)
		}
		if h.Name() == "" {
			return errors.New("a package has no name")
		}
		list = append(list, report.Package{Name: text(h.Name()), Version: text(h.EVR()), Arch: text(h.Arch()), Manager: d.manager})
		facts, err := teller.facts(h)
		d.rpm, d.factsErr = append(d.rpm, facts), firstError(d.factsErr, err)
		d.keys = append(d.keys, rpmKeys(h, f)...)
		if c.Contents {
			files.checkHeader(h)
		}
		return files.add(h)
	})
	if err != nil {
		d.err, d.rpm = fmt.Errorf("%s: %w", f.Path, err), nil
		return d
	}
	d.packages, d.verify = list, files.verify
	return d
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

// eachRPM reads the headers, those in an sqlite database's log included.
func eachRPM(ctx context.Context, t *tree.Tree, f *tree.File, fn func(*rpmdb.Header) error) error {
	file, err := f.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	wal, err := openLog(t, f)
	if err != nil {
		return err
	}
	var log rpmdb.Content
	if wal != nil {
		defer wal.Close()
		log = wal
	}
	if err := rpmdb.Headers(ctx, file, log, fn); err != nil {
		return err
	}
	return image.Unchanged(file)
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
