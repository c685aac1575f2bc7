// Package ostree reads the commits of OSTree repositories as trees.
//
// It takes a repository as a tree of files (a directory, or a part of an image that
// another reader shows), in the modes archive, bare, bare-user and
// bare-user-only, and needs neither root nor the ostree program. Every object
// has the checksum by which it is named, or is an error of the place that names it:
// commit, dirtree and dirmeta when they are read, files when they are opened.
//
// Commits have no times: every entry is of 1970-01-01, as in a checkout. Equal
// files of a commit are not told to be hard links, since a checkout may or may
// not make them so.
//
// The package fetches nothing, and checks no signatures. A checkout or a
// deployment is an ordinary directory; [Deployments] finds those of a system.
package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The bounds of a repository and of a commit.
const (
	// maxObject bounds dirtrees, dirmetas and commits: OSTree itself takes 128 MiB,
	// and a directory of 70,000 names has 6 MiB.
	maxObject = 128 << 20
	// maxNodes bounds the names of a commit, which may hold one directory many times.
	maxNodes = 4 << 20
	maxRef   = 4096
)

// A Repository is an opened repository. It is safe for concurrent use.
type Repository struct {
	// Mode is "archive", "bare", "bare-user" or "bare-user-only".
	Mode   string
	parent bool
	tree   fsys.Tree
	nodes  map[string]*fsys.Node
	temp   string
}

// Detect tells whether a tree is a repository; nil says that it is not. Temp is the
// directory for files without names that large contents are unpacked to.
func Detect(ctx context.Context, tree fsys.Tree, temp string) (*Repository, error) {
	r := &Repository{tree: tree, nodes: map[string]*fsys.Node{}, temp: temp}
	err := tree.Walk(ctx, func(n *fsys.Node) error {
		if n.Path != "/" {
			r.nodes[string(n.Path[1:])] = n
		}
		if len(r.nodes) > maxNodes {
			return fmt.Errorf("it has more than %d files", maxNodes)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	conf, err := r.read("config", 1<<20)
	if err != nil || !r.isDirectory("objects") || !r.isDirectory("refs") {
		return nil, nil //nolint:nilerr // it is something else
	}
	settings := core(string(conf))
	if settings["repo_version"] == "" || settings["mode"] == "" {
		return nil, nil
	}
	r.Mode, r.parent = settings["mode"], settings["parent"] != ""
	switch {
	case settings["repo_version"] != "1":
		return nil, fmt.Errorf("the repository is of version %q: not read", settings["repo_version"])
	case r.Mode == "archive-z2":
		r.Mode = "archive"
	case !slices.Contains([]string{"archive", "bare", "bare-user", "bare-user-only"}, r.Mode):
		return nil, fmt.Errorf("the repository has the mode %q: not read", r.Mode)
	}
	return r, nil
}

// core reads the section [core] of a key file: repo.config(5).
func core(conf string) map[string]string {
	out, section := map[string]string{}, ""
	for line := range strings.Lines(conf) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		if key, value, ok := strings.Cut(line, "="); ok && section == "[core]" {
			out[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return out
}

func (r *Repository) isDirectory(name string) bool {
	n := r.nodes[name]
	return n != nil && n.Type == report.Directory
}

// open gives the content of a file of the repository.
func (r *Repository) open(name string) (fsys.Content, error) {
	n := r.nodes[name]
	if n == nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if n.Err != nil {
		return nil, fmt.Errorf("%s: %w", name, n.Err)
	}
	return r.tree.Open(n)
}

func (r *Repository) read(name string, limit int64) ([]byte, error) {
	c, err := r.open(name)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if c.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes are more than the %d that are read of such a file", name, c.Size(), limit)
	}
	data := make([]byte, c.Size())
	if n, err := c.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("%s: read at byte %d: %w", name, n, err)
	}
	return data, nil
}

// object reads a small object and requires its checksum.
func (r *Repository) object(sum, kind string) ([]byte, error) {
	data, err := r.read(place(sum, kind), maxObject)
	if errors.Is(err, fs.ErrNotExist) && r.parent {
		err = fmt.Errorf("%w (the repository has a parent, which is not read)", err)
	}
	if err != nil {
		return nil, err
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != sum {
		return nil, fmt.Errorf("%s %s: its content has the checksum %s", kind, sum, got)
	}
	return data, nil
}

// place is where an object lies.
func place(sum, kind string) string { return path.Join("objects", sum[:2], sum[2:]+"."+kind) }

// A Commit is one commit as a tree. It implements fsys.Tree.
type Commit struct {
	// Checksum names the commit.
	Checksum string
	repo     *Repository
	root     child
}

// Open opens the commit that a ref or a checksum names; an empty ref takes the only
// one that there is.
func (r *Repository) Open(ref string) (*Commit, error) {
	sum, err := r.resolve(ref)
	if err != nil {
		return nil, err
	}
	data, err := r.object(sum, "commit")
	if err != nil {
		return nil, err
	}
	c := &Commit{Checksum: sum, repo: r}
	if c.root.sum, c.root.meta, err = parseCommit(data); err != nil {
		return nil, fmt.Errorf("commit %s: %w", sum, err)
	}
	return c, nil
}

// A walk is one walk through a commit.
type walk struct {
	ctx   context.Context
	repo  *Repository
	fn    func(*fsys.Node) error
	count uint64
}

// Walk implements fsys.Tree.
func (c *Commit) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	w := &walk{ctx: ctx, repo: c.repo, fn: fn}
	return w.directory(c.root, "/", 0)
}

func (w *walk) node(path report.Raw) (*fsys.Node, error) {
	if w.count++; w.count > maxNodes {
		return nil, fmt.Errorf("the commit has more than %d names", maxNodes)
	}
	n := &fsys.Node{Inode: w.count, Links: 1, Physical: -1}
	n.Path, n.Mtime = path, time.Unix(0, 0).UTC()
	return n, w.ctx.Err()
}

func (w *walk) directory(d child, path report.Raw, depth int) error {
	n, err := w.node(path)
	if err != nil {
		return err
	}
	n.Type = report.Directory
	n.Fail(w.describe(n, d.meta))
	var list []child
	if depth > fsys.MaxDepth || len(path) > fsys.MaxPath {
		n.Fail(fmt.Errorf("the tree is deeper than %d names or %d bytes: not read further", fsys.MaxDepth, fsys.MaxPath))
	} else if list, err = w.list(d.sum); err != nil {
		n.Fail(err)
	}
	if err := w.fn(n); err != nil {
		return err
	}
	for _, c := range list {
		at := fsys.Join(path, c.name)
		if c.meta != "" {
			err = w.directory(c, at, depth+1)
		} else {
			err = w.file(c, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) describe(n *fsys.Node, sum string) error {
	data, err := w.repo.object(sum, "dirmeta")
	if err != nil {
		return err
	}
	m, err := parseMeta(data)
	if err != nil {
		return fmt.Errorf("dirmeta %s: %w", sum, err)
	}
	return m.fill(n, report.Directory)
}

func (w *walk) list(sum string) ([]child, error) {
	data, err := w.repo.object(sum, "dirtree")
	if err != nil {
		return nil, err
	}
	list, err := parseDirtree(data)
	if err != nil {
		return nil, fmt.Errorf("dirtree %s: %w", sum, err)
	}
	return list, nil
}

func (w *walk) file(c child, path report.Raw) error {
	n, err := w.node(path)
	if err != nil {
		return err
	}
	n.Type = report.File
	o, err := w.repo.file(c.sum)
	if err == nil {
		err = o.meta.fill(n, report.File)
		if n.Type == report.File {
			n.Size = o.size
		}
		n.Sys = o
	}
	n.Fail(err)
	return w.fn(n)
}

// Open implements fsys.Tree. The content is read once to verify its checksum.
func (c *Commit) Open(n *fsys.Node) (fsys.Content, error) {
	o, ok := n.Sys.(*object)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this commit", n.Path)
	}
	content, err := c.repo.content(o)
	if err != nil {
		return nil, fmt.Errorf("open %s: file %s: %w", n.Path, o.sum, err)
	}
	return content, nil
}

// verify requires that header and content have the checksum of the file.
func (o *object) verify(r io.Reader) error {
	h := sha256.New()
	h.Write(o.meta.header())
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != o.sum {
		return fmt.Errorf("its metadata and content have the checksum %s", got)
	}
	return nil
}
