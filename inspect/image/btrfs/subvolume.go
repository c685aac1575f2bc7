package btrfs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A Subvolume is a tree that can be mounted by itself.
type Subvolume struct {
	// ID is the number for the mount option subvolid; 5 is the top level.
	ID uint64
	// Path leads to it from the top level, without a slash before; empty for the top level.
	Path     report.Raw
	ReadOnly bool
	// UUID is empty where the filesystem was made before Linux 3.6.
	UUID string
	// Parent is the UUID of what it is a snapshot of; empty for none.
	Parent string
}

// A root is what the reader needs of struct btrfs_root_item.
type root struct {
	id       uint64
	dir      uint64
	top      rootPointer
	refs     uint32
	readOnly bool
	uuid     string
	parent   string
}

const (
	rootItemSize   = 239 // before Linux 3.6
	rootItemSizeV2 = 439
)

func decodeRoot(id uint64, b []byte) (root, error) {
	if len(b) < rootItemSize {
		return root{}, fmt.Errorf("root of tree %d: %d bytes are too short", id, len(b))
	}
	r := root{
		id:       id,
		dir:      le.Uint64(b[168:]),
		top:      rootPointer{le.Uint64(b[176:]), le.Uint64(b[160:]), int(b[238])},
		refs:     le.Uint32(b[216:]),
		readOnly: le.Uint64(b[208:])&1 != 0,
	}
	if r.top.level >= maxLevel {
		return root{}, fmt.Errorf("root of tree %d: level %d is impossible", id, r.top.level)
	}
	// An old kernel leaves what it does not know as it was: only an equal
	// generation says that it is valid.
	if len(b) >= rootItemSizeV2 && le.Uint64(b[239:]) == r.top.generation {
		r.uuid, r.parent = optionalUUID(b[247:263]), optionalUUID(b[263:279])
	}
	return r, nil
}

func optionalUUID(b []byte) string {
	if le.Uint64(b) == 0 && le.Uint64(b[8:]) == 0 {
		return ""
	}
	return formatUUID(b)
}

// root finds the newest root of a tree.
func (v *volume) root(id uint64) (root, error) {
	r, err := root{}, fmt.Errorf("tree %d: %w", id, errNotFound)
	scanErr := v.roots.each(id, kindRoot, func(_ key, data []byte) error {
		r, err = decodeRoot(id, data)
		return err
	})
	if scanErr != nil {
		return root{}, scanErr
	}
	return r, err
}

func (v *volume) tree(id uint64) (*tree, error) {
	r, err := v.root(id)
	if err != nil {
		return nil, err
	}
	return v.treeOf(r), nil
}

func (v *volume) treeOf(r root) *tree {
	return &tree{nodes: v.nodes, top: r.top, edits: v.replayed[r.id]}
}

func isSubvolume(id uint64) bool { return id == topLevelTree || id >= firstFree && id <= lastFree }

// subvolume finds a tree of files that was not deleted.
func (v *volume) subvolume(id uint64) (root, error) {
	if !isSubvolume(id) {
		return root{}, fmt.Errorf("subvolume %d: %w", id, errNotFound)
	}
	r, err := v.root(id)
	if err == nil && r.refs == 0 {
		err = fmt.Errorf("subvolume %d: %w: it was deleted", id, errNotFound)
	}
	return r, err
}

// defaultSubvolume is what btrfs-subvolume(8) set-default has set.
func (v *volume) defaultSubvolume() (uint64, error) {
	const name = "default"
	data, err := v.roots.find(key{rootDir, kindDirItem, nameHash([]byte(name))})
	if errors.Is(err, errNotFound) {
		return topLevelTree, nil
	}
	if err != nil {
		return 0, err
	}
	entries, err := dirEntries(data)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if string(e.name) == name {
			return e.location.object, nil
		}
	}
	return topLevelTree, nil
}

// view is a subvolume as a filesystem.
func (v *volume) view(id uint64) (*FS, error) {
	if _, err := v.subvolume(id); err != nil {
		return nil, err
	}
	return &FS{volume: v, top: id}, nil
}

// SubvolumeByID opens what mount(8) shows with subvolid=id; 0 is the default one.
func (fs *FS) SubvolumeByID(id uint64) (*FS, error) {
	if id == 0 {
		var err error
		if id, err = fs.defaultSubvolume(); err != nil {
			return nil, err
		}
	}
	return fs.view(id)
}

// Subvolume opens what mount(8) shows with subvol=path: the path starts at the
// top level, and "/" is the top level itself.
func (fs *FS) Subvolume(path string) (*FS, error) {
	all, err := fs.Subvolumes()
	want := strings.Join(strings.FieldsFunc(path, func(r rune) bool { return r == '/' }), "/")
	for _, s := range all {
		if string(s.Path) == want {
			return fs.view(s.ID)
		}
	}
	if err == nil {
		err = errNotFound
	}
	return nil, fmt.Errorf("there is no subvolume %q: %w", path, err)
}

// Subvolumes lists all subvolumes by their IDs, the top level first. One that
// no directory leads to is left out, as mount(8) cannot name it. With an error the list lacks those
// whose paths could not be read.
func (fs *FS) Subvolumes() ([]Subvolume, error) {
	var ids []uint64
	err := fs.roots.scan(key{object: topLevelTree, kind: kindRoot}, func(k key, _ []byte) error {
		if k.kind == kindRoot && isSubvolume(k.object) && (len(ids) == 0 || ids[len(ids)-1] != k.object) {
			ids = append(ids, k.object)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list subvolumes: %w", err)
	}
	paths := pathFinder{volume: fs.volume, known: map[uint64]foundPath{topLevelTree: {}}, steps: mostSteps}
	var out []Subvolume
	var first error
	for _, id := range ids {
		r, err := fs.subvolume(id)
		if err == nil {
			var path report.Raw
			if path, err = paths.find(id, 0); err == nil {
				out = append(out, Subvolume{ID: id, Path: path, ReadOnly: r.readOnly, UUID: r.uuid, Parent: r.parent})
			}
		}
		if err != nil && first == nil && !errors.Is(err, errNotFound) {
			first = fmt.Errorf("subvolume %d: %w", id, err)
		}
	}
	return out, first
}

// mostSteps bounds for how many directories on the paths of subvolumes is looked.
const mostSteps = 1 << 20

// A pathFinder goes from subvolumes up to the top level, from each once.
type pathFinder struct {
	*volume
	known map[uint64]foundPath
	steps int
}

type foundPath struct {
	path report.Raw
	err  error
}

func (p *pathFinder) find(id uint64, depth int) (report.Raw, error) {
	if known, ok := p.known[id]; ok {
		return known.path, known.err
	}
	p.known[id] = foundPath{err: fmt.Errorf("it is nested in itself: %w", errNotFound)}
	path, err := p.up(id, depth)
	p.known[id] = foundPath{path, err}
	return path, err
}

func (p *pathFinder) up(id uint64, depth int) (report.Raw, error) {
	if depth > fsys.MaxDepth {
		return "", fmt.Errorf("subvolumes are nested more than %d deep", fsys.MaxDepth)
	}
	parent, dir, name, err := p.backref(id)
	if err != nil {
		return "", err
	}
	above, err := p.find(parent, depth+1)
	if err != nil {
		return "", err
	}
	t, err := p.tree(parent)
	if err != nil {
		return "", err
	}
	within, err := p.directoryPath(t, dir)
	if err != nil {
		return "", err
	}
	path := report.Raw(name)
	for _, before := range []report.Raw{within, above} {
		if before != "" {
			path = before + "/" + path
		}
	}
	if len(path) > fsys.MaxPath {
		return "", fmt.Errorf("its path is longer than %d bytes", fsys.MaxPath)
	}
	return path, nil
}

// backref is the directory that a subvolume has its name in: ROOT_BACKREF.
func (v *volume) backref(id uint64) (parent, dir uint64, name string, err error) {
	err = fmt.Errorf("no directory leads to it: %w", errNotFound)
	scanErr := v.roots.each(id, kindRootBackref, func(k key, data []byte) error {
		parent = k.offset
		dir, name, err = decodeRootRef(data)
		return errStop
	})
	if scanErr != nil {
		err = scanErr
	}
	return parent, dir, name, err
}

// decodeRootRef reads a struct btrfs_root_ref: the directory and the name of a subvolume.
func decodeRootRef(b []byte) (dir uint64, name string, err error) {
	const size = 18
	if len(b) < size || len(b) != size+int(le.Uint16(b[16:])) {
		return 0, "", fmt.Errorf("a reference to a subvolume has %d bytes", len(b))
	}
	return le.Uint64(b), string(b[size:]), nil
}

// leadsTo tells whether the name in a directory of the tree parent is where the
// subvolume child belongs. A snapshot has the names of its source, but these lead nowhere.
func (v *volume) leadsTo(parent, dir uint64, name string, child uint64) (bool, error) {
	data, err := v.roots.find(key{parent, kindRootRef, child})
	if errors.Is(err, errNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	wantDir, wantName, err := decodeRootRef(data)
	return err == nil && wantDir == dir && wantName == name, err
}

// directoryPath goes from a directory up to the root of its tree.
func (p *pathFinder) directoryPath(t *tree, ino uint64) (report.Raw, error) {
	var path report.Raw
	for depth := 0; ino != firstFree; depth++ {
		if p.steps--; p.steps < 0 {
			return "", errors.New("the paths of all subvolumes are too long")
		}
		if depth > fsys.MaxDepth || len(path) > fsys.MaxPath {
			return "", errors.New("directories are nested in a circle, or too deep")
		}
		ref, err := t.directoryRef(ino)
		if err != nil {
			return "", err
		}
		name := report.Raw(ref.name)
		if path != "" {
			name += "/" + path
		}
		path, ino = name, ref.parent
	}
	return path, nil
}

// directoryRef is the one name of a directory.
func (t *tree) directoryRef(ino uint64) (ref nameRef, err error) {
	found := false
	err = t.each(ino, kindInodeRef, func(k key, data []byte) error {
		refs, err := decodeRefs(k, data)
		if len(refs) > 0 {
			ref, found = refs[0], true
			return errStop
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("directory %d has no name: %w", ino, errNotFound)
	}
	return ref, err
}
