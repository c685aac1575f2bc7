package stages

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// A home is a home directory that is to be there.
type home struct {
	dir      string
	uid, gid uint32
	mode     report.Mode
	skel     string
}

// makeHome makes the directory, with a copy of the skeleton, unless something
// of that name is there.
func makeHome(root *tree.Root, h home) error {
	if _, err := root.Stat(h.dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	skeleton, err := readSkeleton(root, h.skel)
	if err != nil {
		return err
	}
	if err := root.MkdirAll(h.dir, 0o755); err != nil {
		return err
	}
	if err := root.Chown(h.dir, h.uid, h.gid); err != nil {
		return err
	}
	if err := root.Chmod(h.dir, h.mode); err != nil {
		return err
	}
	return copySkeleton(root, h, skeleton)
}

// A bone is one entry of a skeleton.
type bone struct {
	name string
	// rest is the name below the skeleton.
	rest string
	info tree.Info
}

// readSkeleton lists the skeleton before the home is made: a hostile one may
// contain the home.
func readSkeleton(root *tree.Root, name string) ([]bone, error) {
	skel, err := root.Resolve(name)
	if err != nil {
		return nil, err
	}
	info, err := root.Lstat(skel)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Type != report.Directory {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []bone
	err = root.Walk(skel, func(name string, info tree.Info) error {
		if rest := strings.TrimPrefix(name, strings.TrimSuffix(skel, "/")); info.Name != "." && rest != "" {
			list = append(list, bone{name, "/" + strings.TrimPrefix(rest, "/"), info})
		}
		return nil
	})
	return list, err
}

// copySkeleton copies directories, files and symlinks, all owned by the user,
// with their modes and times.
func copySkeleton(root *tree.Root, h home, skeleton []bone) error {
	for _, b := range skeleton {
		if err := copyOne(root, b.name, h.dir+b.rest, b.info, h); err != nil {
			return err
		}
	}
	// A directory's time changes while it is filled: last first.
	for _, b := range slices.Backward(skeleton) {
		if b.info.Type == report.Symlink {
			continue
		}
		if err := root.Utimes(h.dir+b.rest, b.info.Mtime); err != nil {
			return err
		}
	}
	return nil
}

func copyOne(root *tree.Root, from, to string, info tree.Info, h home) error {
	var err error
	switch info.Type {
	case report.Directory:
		err = root.Mkdir(to, info.Mode)
	case report.Symlink:
		var target string
		if target, err = root.Readlink(from); err == nil {
			err = root.Symlink(target, to)
		}
	case report.File:
		var data []byte
		if data, err = root.ReadFile(from); err == nil {
			err = root.WriteFile(to, data, info.Mode)
		}
	default:
		return fmt.Errorf("copy %s: a home takes no %s", from, info.Type)
	}
	if err != nil {
		return err
	}
	if err := root.Chown(to, h.uid, h.gid); err != nil || info.Type == report.Symlink {
		return err
	}
	return root.Chmod(to, info.Mode)
}

// helperMode is what mkhomedir_helper(8) gives: HOME_MODE, or 0755.
func (db *accounts) helperMode() report.Mode {
	return report.Mode(db.number("HOME_MODE", 0o755) & allBits)
}

// owner reads a line of passwd(5).
func owner(row []string) (uid, gid uint32, home string, err error) {
	u, uidErr := strconv.ParseUint(field(row, 2), 10, 32)
	g, gidErr := strconv.ParseUint(field(row, 3), 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return 0, 0, "", fmt.Errorf("read the line of %s in %s: %w", field(row, 0), passwdFile, err)
	}
	return uint32(u), uint32(g), field(row, 5), nil
}

// addKeys adds to ~/.ssh/authorized_keys, and makes it where it is not there.
func (db *accounts) addKeys(c *step.Context, name string, u user) error {
	keys := slices.Clone(u.Keys)
	if u.Key != "" {
		keys = append(keys, u.Key)
	}
	if len(keys) == 0 {
		return nil
	}
	uid, gid, dir, err := owner(db.passwd.find(name))
	if err != nil {
		return err
	}
	ssh := dir + "/.ssh"
	if _, err := c.Tree.Stat(ssh); errors.Is(err, fs.ErrNotExist) {
		err := c.Tree.Mkdir(ssh, 0o700)
		if errors.Is(err, fs.ErrNotExist) {
			return step.BadOption(step.At("users", name, "home"), "the home directory %s does not exist, and a key needs one; give home to have it made", dir)
		}
		if err := errors.Join(err, c.Tree.Chown(ssh, uid, gid)); err != nil {
			return err
		}
	}
	file, err := c.Tree.Resolve(ssh + "/authorized_keys")
	if err != nil {
		return err
	}
	if err := c.Tree.AppendFile(file, []byte(strings.Join(keys, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return errors.Join(c.Tree.Chown(file, uid, gid), c.Tree.Chmod(file, 0o600))
}

// addSubIDs gives a user a range of subordinate ids, as useradd does for the
// uid 0 and for all but a system's accounts.
func (db *accounts) addSubIDs(name string, uid uint32) error {
	if uid != 0 && (uid < db.number("UID_MIN", 1000) || uid > db.number("UID_MAX", 60000)) {
		return nil
	}
	for _, sub := range []struct {
		table  *table
		prefix string
	}{{db.subUID, "SUB_UID_"}, {db.subGID, "SUB_GID_"}} {
		count := db.number(sub.prefix+"COUNT", 65536)
		if count == 0 || !sub.table.exists || sub.table.find(name) != nil {
			continue
		}
		start, err := freeRange(sub.table, db.number(sub.prefix+"MIN", 100000), db.number(sub.prefix+"MAX", 600100000), count)
		if err != nil {
			return err
		}
		sub.table.add(name, decimal(start), decimal(count))
	}
	return nil
}

// freeRange is the first gap of count ids.
func freeRange(t *table, low, high, count uint32) (uint32, error) {
	type span struct{ start, end uint64 }
	var used []span
	for _, row := range t.rows {
		start, err := strconv.ParseUint(field(row, 1), 10, 32)
		n, err2 := strconv.ParseUint(field(row, 2), 10, 32)
		if err == nil && err2 == nil {
			used = append(used, span{start, start + n})
		}
	}
	slices.SortFunc(used, func(a, b span) int { return int(int64(a.start) - int64(b.start)) })
	next := uint64(low)
	for _, s := range used {
		if s.start >= next+uint64(count) {
			break
		}
		next = max(next, s.end)
	}
	if next+uint64(count)-1 > uint64(high) {
		return 0, fmt.Errorf("no range of %d ids up to %d is free in %s", count, high, t.name)
	}
	return uint32(next), nil
}

// makeMailbox makes the empty mail spool that CREATE_MAIL_SPOOL asks for.
func (db *accounts) makeMailbox(root *tree.Root, name string, uid, gid uint32) error {
	if !strings.EqualFold(db.defaults["CREATE_MAIL_SPOOL"], "yes") {
		return nil
	}
	dir := db.login["MAIL_DIR"]
	if info, err := root.Stat(dir); dir == "" || err != nil || info.Type != report.Directory {
		return nil //nolint:nilerr // no such directory, no mail
	}
	box, mode := dir+"/"+name, report.Mode(0o600)
	if there, err := root.Exists(box); there || err != nil {
		return err
	}
	if mail := db.group.find("mail"); mail != nil {
		id, err := strconv.ParseUint(field(mail, 2), 10, 32)
		if err != nil {
			return fmt.Errorf("read the group mail in %s: %w", groupFile, err)
		}
		gid, mode = uint32(id), 0o660
	}
	if err := root.WriteFile(box, nil, mode); err != nil {
		return err
	}
	return root.Chown(box, uid, gid)
}
