package ostree

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Sysroot is the tree of a system that OSTree deploys into, as far as it is looked
// into. Names are absolute, and links are followed within the tree. An error that is
// fs.ErrNotExist says that a name is not there for certain.
type Sysroot interface {
	// ReadDir gives the names in a directory.
	ReadDir(name string) ([]string, error)
	// ReadFile gives a file's content of at most limit bytes.
	ReadFile(name string, limit int64) ([]byte, error)
	// Resolve gives the place that a name leads to, without links.
	Resolve(name string) (string, error)
}

// A Deployment is one root that OSTree has put together: ostree-sysroot(5) and the
// manual's chapter "Deployments".
type Deployment struct {
	// OS is the name of the operating system ("stateroot"), Commit the commit's checksum,
	// Serial tells deployments of one commit apart.
	OS     string
	Commit string
	Serial int
	// Path is the deployment's root.
	Path string
	// Entries are the boot loader's entries that boot it, as files.
	Entries []string
	// Booted says that it is what boots when nobody chooses: its entry sorts first.
	Booted bool
}

// Var is the directory that is mounted on /var of the deployment.
func (d *Deployment) Var() string { return path.Join("/ostree/deploy", d.OS, "var") }

// The bounds of a sysroot.
const (
	maxDeployments = 1024
	maxEntries     = 1024
	maxEntrySize   = 64 << 10
)

// Deployments finds the deployments of a system and says which one boots, by the
// argument ostree= of the boot loader's entries. The result is sorted by path; it is
// empty where OSTree has nothing to do with the system. An error tells what could not be
// read; what could be is in the result.
func Deployments(s Sysroot) ([]Deployment, error) {
	list, err := deployments(s)
	if err != nil || len(list) == 0 {
		return list, err
	}
	entries, err := entriesOf(s)
	for n, e := range entries {
		root, resolveErr := s.Resolve(e.root)
		if resolveErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: ostree=%s: %w", e.file, e.root, resolveErr))
			continue
		}
		at := slices.IndexFunc(list, func(d Deployment) bool { return d.Path == root })
		if at < 0 {
			err = errors.Join(err, fmt.Errorf("%s: ostree=%s leads to %s, which is no deployment", e.file, e.root, root))
			continue
		}
		list[at].Entries = append(list[at].Entries, e.file)
		list[at].Booted = list[at].Booted || n == 0
	}
	return list, err
}

// deployments lists /ostree/deploy/OS/deploy/COMMIT.SERIAL.
func deployments(s Sysroot) ([]Deployment, error) {
	const top = "/ostree/deploy"
	systems, err := s.ReadDir(top)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Deployment
	for _, system := range systems {
		dir := path.Join(top, system, "deploy")
		names, err := s.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return out, err
		}
		for _, name := range names {
			commit, serial, ok := strings.Cut(name, ".")
			n, err := strconv.ParseUint(serial, 10, 31)
			if !ok || err != nil || !isChecksum(commit) {
				continue // COMMIT.SERIAL.origin, and what is none of OSTree's
			}
			if out = append(out, Deployment{OS: system, Commit: commit, Serial: int(n), Path: path.Join(dir, name)}); len(out) > maxDeployments {
				return nil, fmt.Errorf("%s: there are more than %d deployments", top, maxDeployments)
			}
		}
	}
	slices.SortFunc(out, func(a, b Deployment) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// An entry is a boot loader's entry that boots a deployment.
type entry struct {
	file, root, version string
}

// entriesOf reads the entries of the Boot Loader Specification, the one that boots
// first. OSTree numbers them by the key version, the newest with the highest.
func entriesOf(s Sysroot) ([]entry, error) {
	var out []entry
	for _, dir := range []string{"/boot/loader/entries", "/loader/entries"} {
		names, err := s.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(names) > maxEntries {
			return nil, fmt.Errorf("%s: there are more than %d entries", dir, maxEntries)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, ".conf") {
				continue
			}
			file := path.Join(dir, name)
			data, err := s.ReadFile(file, maxEntrySize)
			if err != nil {
				return nil, err
			}
			if e := parseEntry(string(data)); e.root != "" {
				e.file = file
				out = append(out, e)
			}
		}
		break
	}
	slices.SortStableFunc(out, func(a, b entry) int {
		return cmp.Or(-compareVersions(a.version, b.version), -strings.Compare(a.file, b.file))
	})
	return out, nil
}

func parseEntry(text string) (e entry) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line), "\t", " "), " ")
		switch key {
		case "version":
			e.version = strings.TrimSpace(value)
		case "options":
			if root, ok := Argument(value); ok {
				e.root = root
			}
		}
	}
	return e
}

// compareVersions compares numbers by their value, anything else by its bytes.
func compareVersions(a, b string) int {
	x, err1 := strconv.ParseUint(a, 10, 64)
	y, err2 := strconv.ParseUint(b, 10, 64)
	if err1 != nil || err2 != nil {
		return strings.Compare(a, b)
	}
	return cmp.Compare(x, y)
}

// Argument finds ostree= in a kernel command line: the absolute path of a link to a
// deployment (ostree-prepare-root(1)).
func Argument(options string) (string, bool) {
	for _, word := range strings.Fields(options) {
		if root, ok := strings.CutPrefix(word, "ostree="); ok && strings.HasPrefix(root, "/") {
			return root, true
		}
	}
	return "", false
}
