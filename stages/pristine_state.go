package stages

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// A stateKind is one kind of thing that belongs to one installation of a
// system and must not be in an image that many are made from.
type stateKind struct {
	name string
	// paths are files to be removed; * stands for a part of a last component.
	paths []string
	// empty are files that must be there but hold nothing; below are
	// directories of which that is true of every file.
	empty, below []string
}

type stateKinds []stateKind

// instanceState lists what installing and booting leave behind. The names are
// what options of dev.assay.pristine keep.
func instanceState() stateKinds {
	return stateKinds{
		// machine-id(5): an empty file makes systemd set it up at first boot;
		// without the file it would take that for a first boot and enable
		// every unit by preset.
		{name: "machine-id", paths: []string{"/var/lib/dbus/machine-id"}, empty: []string{"/etc/machine-id"}},
		{name: "ssh-host-keys", paths: []string{"/etc/ssh/ssh_host_*_key", "/etc/ssh/ssh_host_*_key.pub"}},
		// make-ssl-cert(8) makes them again.
		{name: "snakeoil", paths: []string{"/etc/ssl/private/ssl-cert-snakeoil.key", "/etc/ssl/certs/ssl-cert-snakeoil.pem"}},
		{name: "random-seed", paths: []string{
			"/var/lib/systemd/random-seed", "/var/lib/random-seed", "/var/lib/urandom/random-seed",
			"/boot/efi/loader/random-seed", "/boot/loader/random-seed",
		}},
		// systemd-creds(1) binds it to the machine.
		{name: "credential-secret", paths: []string{"/var/lib/systemd/credential.secret"}},
		// ldconfig's aux-cache holds inode numbers and times.
		{name: "caches", paths: []string{
			"/var/cache/ldconfig/aux-cache", "/var/cache/debconf/*-old", "/var/cache/apt/*.bin",
			"/var/cache/apt/archives/*.deb", "/var/lib/apt/lists/*Release", "/var/lib/apt/lists/*Packages*",
		}},
		{name: "backups", paths: []string{
			"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
			"/var/lib/dpkg/*-old", "/var/backups/*",
		}},
		{name: "logs", paths: []string{
			"/var/log/dpkg.log", "/var/log/alternatives.log", "/var/log/bootstrap.log", "/var/log/fontconfig.log",
			"/var/log/apt/*.log", "/var/log/apt/eipp.log.xz", "/var/log/installer/*",
		}, below: []string{"/var/log"}},
		{name: "leases", paths: []string{
			"/var/lib/dhcp/*.leases", "/var/lib/dhclient/*.leases", "/var/lib/NetworkManager/*.lease",
			"/var/lib/NetworkManager/secret_key", "/var/lib/systemd/timesync/clock",
		}},
		{name: "history", paths: []string{"/root/.bash_history", "/root/.lesshst", "/root/.viminfo"}},
	}
}

// remove takes the state of every kind but those kept out of a tree.
func (s stateKinds) remove(t *tree.Root, keep []string) error {
	for _, k := range s {
		if slices.Contains(keep, k.name) {
			continue
		}
		for _, pattern := range k.paths {
			if err := removeMatching(t, pattern); err != nil {
				return err
			}
		}
		for _, name := range k.empty {
			if err := emptyFile(t, name); err != nil {
				return err
			}
		}
		for _, dir := range k.below {
			if err := emptyBelow(t, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// emptyBelow empties the files of a directory; a README is no log.
func emptyBelow(t *tree.Root, dir string) error {
	if there, err := t.Exists(dir); err != nil || !there {
		return err
	}
	return t.Walk(dir, func(name string, info tree.Info) error {
		if info.Type != report.File || strings.HasPrefix(info.Name, "README") {
			return nil
		}
		return emptyFile(t, name)
	})
}

// removeMatching removes files, never directories, whose last component
// matches.
func removeMatching(t *tree.Root, pattern string) error {
	dir, last := path.Split(pattern)
	if !strings.Contains(last, "*") {
		return removeFile(t, pattern)
	}
	entries, err := t.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if matches, err := path.Match(last, e.Name); err != nil {
			return err
		} else if matches {
			if err := removeFile(t, dir+e.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func removeFile(t *tree.Root, name string) error {
	info, err := t.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Type == report.Directory {
		return nil
	}
	if err != nil {
		return err
	}
	return t.Remove(name)
}

// emptyFile takes the content of a file that is there, and keeps its owner
// and mode.
func emptyFile(t *tree.Root, name string) error {
	info, err := t.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (info.Type != report.File || info.Size == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := t.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
