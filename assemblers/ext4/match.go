package ext4

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/report"
)

// rootInode is the root directory's, Documentation/filesystems/ext4, 4.1.
const rootInode = 2

// maxDepth bounds the levels of directories: PATH_MAX allows no more.
const maxDepth = 2048

// lostFound is what mke2fs adds to every filesystem.
const lostFound = "/lost+found"

// A matched inode is one file of the filesystem with what the record says of it.
type matched struct {
	number uint32
	entry  report.Entry
}

// A matching maps the names in the filesystem to the record.
type matching struct {
	entries map[report.Raw]report.Entry
	byName  map[report.Raw]uint32
	byInode map[uint32]report.Raw
	inodes  []matched
	// extra tells that lost+found is there although the record lacks it.
	extra bool
}

// match lists the new filesystem and finds every name's inode. It fails when
// the names, types, sizes or hard links are not those of the record: then the
// directory does not hold the tree that was recorded.
func (s Spec) match(ctx context.Context) (*matching, error) {
	m := &matching{
		entries: make(map[report.Raw]report.Entry, len(s.Entries)),
		byName:  make(map[report.Raw]uint32, len(s.Entries)),
		byInode: make(map[uint32]report.Raw, len(s.Entries)),
	}
	for _, e := range s.Entries {
		m.entries[e.Path] = e
	}
	if len(s.Entries) > 0 {
		if err := m.add("/", dirent{inode: rootInode, mode: 0o040000}); err != nil {
			return nil, err
		}
	}
	level := []uint32{rootInode}
	parents := map[uint32]string{rootInode: "/"}
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxDepth {
			return nil, fmt.Errorf("list filesystem: directories are nested more than %d deep", maxDepth)
		}
		found, err := s.list(ctx, level)
		if err != nil {
			return nil, err
		}
		if level, parents, err = m.level(found, parents); err != nil {
			return nil, err
		}
	}
	return m, m.complete(s.Entries)
}

// level takes one level of directories and returns the next.
func (m *matching) level(found map[uint32][]dirent, parents map[uint32]string) ([]uint32, map[uint32]string, error) {
	var next []uint32
	paths := map[uint32]string{}
	for dir, names := range found {
		for _, d := range names {
			name := path.Join(parents[dir], d.name)
			if err := m.add(report.Raw(name), d); err != nil {
				return nil, nil, err
			}
			if d.fileType() == report.Directory {
				next = append(next, d.inode)
				paths[d.inode] = name
			}
		}
	}
	return next, paths, nil
}

// add takes one name.
func (m *matching) add(name report.Raw, d dirent) error {
	e, ok := m.entries[name]
	switch {
	case !ok && name == lostFound:
		m.extra = true
		return nil
	case !ok:
		return fmt.Errorf("the tree on disk holds %s, which its record does not have; the store is damaged: run assay store verify", name)
	case e.Type != d.fileType():
		return fmt.Errorf("%s is recorded as a %s and is a %s on disk", name, e.Type, d.fileType())
	case e.Type == report.File && e.Size != d.size:
		return fmt.Errorf("%s is recorded with %d bytes and has %d on disk", name, e.Size, d.size)
	}
	m.byName[name] = d.inode
	return nil
}

// complete checks that every entry was found, and that names share an inode
// exactly where the record says so.
func (m *matching) complete(entries []report.Entry) error {
	for _, e := range entries {
		n, ok := m.byName[e.Path]
		if !ok {
			return fmt.Errorf("%s is recorded and is not in the tree on disk; the store is damaged: run assay store verify", e.Path)
		}
		first, seen := m.byInode[n]
		group := e.Hardlink
		if group == "" {
			group = e.Path
		}
		if seen && first != group {
			return fmt.Errorf("%s and %s are one file on disk and two in the record", first, e.Path)
		}
		if !seen && group != e.Path {
			return fmt.Errorf("%s is recorded as a hard link of %s and is a file of its own on disk", e.Path, group)
		}
		if !seen {
			m.byInode[n] = group
			m.inodes = append(m.inodes, matched{n, e})
		}
	}
	return nil
}

// list gives what is in each of the directories, without "." and "..".
func (s Spec) list(ctx context.Context, dirs []uint32) (map[uint32][]dirent, error) {
	var script strings.Builder
	for _, n := range dirs {
		fmt.Fprintf(&script, "ls -p <%d>\n", n)
	}
	out, err := s.debugfs(ctx, script.String(), false)
	if err != nil {
		return nil, fmt.Errorf("list filesystem: %w", err)
	}
	found := make(map[uint32][]dirent, len(dirs))
	for _, n := range dirs {
		head := fmt.Appendf(nil, "debugfs: ls -p <%d>\n", n)
		rest, ok := bytes.CutPrefix(out, head)
		if !ok {
			return nil, fmt.Errorf("list filesystem: debugfs printed %.40q where %q was due", out, head)
		}
		if found[n], out, err = parseDir(rest); err != nil {
			return nil, fmt.Errorf("list filesystem: inode %d: %w", n, err)
		}
	}
	return found, nil
}

// A dirent is one line of debugfs' "ls -p".
type dirent struct {
	inode uint32
	mode  uint32
	name  string
	size  int64
}

// fileType is the inode's kind, empty for none that inode(7) knows.
func (d dirent) fileType() report.Type {
	for t, bits := range types() {
		if d.mode&0o170000 == bits {
			return t
		}
	}
	return ""
}

// parseDir reads "/INODE/MODE/UID/GID/NAME/SIZE/" lines up to the empty line
// that ends a listing. Names are printed raw, newlines included; since no name
// holds a slash, the slashes alone tell the fields apart.
func parseDir(out []byte) ([]dirent, []byte, error) {
	var dir []dirent
	for bytes.HasPrefix(out, []byte("/")) {
		f := bytes.SplitN(out, []byte("/"), 8)
		if len(f) < 8 || !bytes.HasPrefix(f[7], []byte("\n")) {
			return nil, nil, fmt.Errorf("debugfs printed %.60q, which is no entry of a directory", out)
		}
		out = f[7][1:]
		d, err := parseEntry(f)
		if err != nil {
			return nil, nil, err
		}
		if d.name != "." && d.name != ".." {
			dir = append(dir, d)
		}
	}
	return dir, bytes.TrimLeft(out, "\n"), nil
}

func parseEntry(f [][]byte) (dirent, error) {
	inode, err := strconv.ParseUint(string(f[1]), 10, 32)
	if err != nil {
		return dirent{}, fmt.Errorf("inode %q is no number", f[1])
	}
	mode, err := strconv.ParseUint(string(f[2]), 8, 32)
	if err != nil {
		return dirent{}, fmt.Errorf("mode %q is no octal number", f[2])
	}
	d := dirent{inode: uint32(inode), mode: uint32(mode), name: string(f[5])}
	if len(f[6]) > 0 {
		if d.size, err = strconv.ParseInt(string(f[6]), 10, 64); err != nil {
			return dirent{}, fmt.Errorf("size %q is no number", f[6])
		}
	}
	return d, nil
}

// debugfs runs a script and returns what it printed. Its exit code says
// nothing; a line on stderr after its version is a failure.
func (s Spec) debugfs(ctx context.Context, script string, write bool) ([]byte, error) {
	var out, complaints bytes.Buffer
	argv := []string{"debugfs", "-f", "-", s.device()}
	if write {
		argv = slices.Insert(argv, 1, "-w")
	}
	watched := *s.Step
	watched.Log = &complaints
	err := watched.Exec(ctx, step.Program{Argv: argv, Env: s.env(), Stdin: strings.NewReader(script), Stdout: &out})
	if err != nil {
		return nil, err
	}
	version, rest, _ := strings.Cut(complaints.String(), "\n")
	if !strings.HasPrefix(version, "debugfs ") {
		rest = complaints.String()
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		return nil, fmt.Errorf("debugfs: %.500s", rest)
	}
	return out.Bytes(), nil
}
