package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	_ "github.com/glebarez/go-sqlite" // the driver that go-rpmdb opens "sqlite" with
	rpmdb "github.com/knqyf263/go-rpmdb/pkg"

	"github.com/assay-os/assay/report"
)

// rpmDirs are where rpm's database lies, the first that exists counts: since
// Fedora 36, before, and on ostree systems.
func rpmDirs() []string {
	return []string{"/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"}
}

// rpm lists the packages of the first database. Only the sqlite form goes to
// the library: its readers of the older forms can be made to run forever or to
// end the program by what a hostile file says.
func rpm(ctx context.Context, t *Tree, r *report.Report) error {
	for _, dir := range rpmDirs() {
		for _, older := range []string{"Packages.db", "Packages"} {
			if _, err := t.Lookup(dir + "/" + older); !errors.Is(err, fs.ErrNotExist) {
				return errors.Join(err, fmt.Errorf("%s/%s: a database of this form is not read; only rpmdb.sqlite is", dir, older))
			}
		}
		f, err := t.Lookup(dir + "/rpmdb.sqlite")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
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
	return fmt.Errorf("find rpm database: %w", fs.ErrNotExist)
}

// readRPM copies the database, with the log that holds its last changes, to a
// private directory: sqlite opens files by name only, and writes beside them.
func readRPM(_ context.Context, t *Tree, f *File) (list []report.Package, err error) {
	dir, err := os.MkdirTemp("", "assay-rpmdb-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied := filepath.Join(dir, "rpmdb.sqlite")
	if err := copyOut(f, copied); err != nil {
		return nil, err
	}
	wal, err := t.Lookup(f.Path + "-wal")
	if err == nil {
		err = copyOut(wal, copied+"-wal")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return listRPM(t, copied)
}

// copyOut writes a database's content to a file of the host.
func copyOut(f *File, to string) (err error) {
	if f.Node.Size > 4*maxDatabase {
		return fmt.Errorf("read %s: %d bytes are more than the %d that are read of a database", f.Path, f.Node.Size, int64(4*maxDatabase))
	}
	c, err := f.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, io.NewSectionReader(c, 0, c.Size()))
	return err
}

// listRPM reads the packages, and marks what each owns.
func listRPM(t *Tree, path string) (list []report.Package, err error) {
	db, err := rpmdb.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	infos, err := db.ListPackages()
	if err != nil {
		return nil, err
	}
	for _, p := range infos {
		version := p.Version + "-" + p.Release
		if p.Epoch != nil && *p.Epoch != 0 {
			version = fmt.Sprintf("%d:%s", *p.Epoch, version)
		}
		list = append(list, report.Package{Name: p.Name, Version: version, Arch: p.Arch, Manager: "rpm"})
		names, err := p.InstalledFileNames()
		if err != nil {
			return list, fmt.Errorf("package %s: list files: %w", p.Name, err)
		}
		for _, name := range names {
			if err := t.own(name, p.Name); err != nil {
				return list, fmt.Errorf("package %s: %w", p.Name, err)
			}
		}
	}
	return list, nil
}
