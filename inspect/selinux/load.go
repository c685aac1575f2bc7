package selinux

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/selinux/filecontexts"
	"github.com/assay-os/assay/inspect/selinux/policy"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// root is where policies and their configuration are.
const root = "/etc/selinux"

// A loader keeps what both sections need of one tree.
type loader struct {
	of     *tree.Tree
	config config
	rules  filecontexts.Rules
	set    *filecontexts.Set
	policy *policy.Policy
	// path is the policy's file, and others those of other versions.
	path   string
	others []string
	count  counts
	// What could not be read.
	configErr, setErr, policyErr error
}

// load reads the policy of a tree, once.
func (l *loader) load(t *tree.Tree, r *report.Report) {
	if l.of == t {
		return
	}
	*l = loader{of: t, count: countLabels(t)}
	data, err := t.ReadFile(root+"/config", section.MaxConfig)
	if err == nil {
		l.config, err = parseConfig(data)
	}
	if err != nil {
		l.configErr = place(root+"/config", err)
		return
	}
	l.rules = rulesOf(r.Packages)
	l.set, l.setErr = l.readContexts(t)
	l.policyErr = l.readPolicy(t)
}

// place names the file of an error that does not.
func place(name string, err error) error {
	if strings.Contains(err.Error(), name) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// absent drops the error of what is certainly not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// directory is the policy's own.
func (l *loader) directory() string { return path.Join(root, l.config.policy) }

// contextsDirectory has the file contexts.
func (l *loader) contextsDirectory() string { return l.directory() + "/contexts/files" }

func (l *loader) readContexts(t *tree.Tree) (*filecontexts.Set, error) {
	var files filecontexts.Files
	for name, text := range map[string]*[]byte{
		filecontexts.BaseName: &files.Base, filecontexts.HomedirsName: &files.Homedirs, filecontexts.LocalName: &files.Local,
		filecontexts.SubsName: &files.Subs, filecontexts.SubsDistName: &files.SubsDist,
	} {
		data, err := t.ReadFile(l.contextsDirectory()+"/"+name, section.MaxTable)
		if name == filecontexts.BaseName && errors.Is(err, fs.ErrNotExist) {
			return nil, l.onlyCompiled(t, err)
		}
		if absent(err) != nil {
			return nil, err
		}
		*text = data
	}
	set, err := filecontexts.Parse(files, l.rules)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.contextsDirectory(), err)
	}
	return set, nil
}

// onlyCompiled is the error of a policy without the text of its contexts: they
// are absent only if the compiled form is, too.
func (l *loader) onlyCompiled(t *tree.Tree, missing error) error {
	name := l.contextsDirectory() + "/" + filecontexts.BaseName + ".bin"
	if _, err := t.Lookup(name); err == nil {
		return fmt.Errorf("%s is there without its text, and is not read", name)
	} else if absent(err) != nil {
		return err
	}
	return missing
}

// rulesOf gives the rules of the image's own libselinux; the earlier ones where
// there is none, or none that a package manager knows.
func rulesOf(packages []report.Package) filecontexts.Rules {
	for _, p := range packages {
		if p.Name == "libselinux1" || p.Name == "libselinux" {
			if newer(p.Version, 3, 8) {
				return filecontexts.Since38
			}
		}
	}
	return filecontexts.Until37
}

// newer tells whether a package's version is at least major.minor.
func newer(version string, major, minor int) bool {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	first, rest, _ := strings.Cut(version, ".")
	end := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(rest)
	return errA == nil && errB == nil && (a > major || a == major && b >= minor)
}

// readPolicy reads the compiled policy of the highest version: init loads the
// highest that its kernel takes.
func (l *loader) readPolicy(t *tree.Tree) error {
	list, err := t.ReadDir(l.directory() + "/policy")
	if err != nil {
		return err
	}
	best := -1
	var file *tree.File
	for _, f := range list {
		number, ok := strings.CutPrefix(f.Name(), "policy.")
		if !ok {
			continue
		}
		version, err := strconv.Atoi(number)
		if err != nil || version <= best {
			l.others = append(l.others, f.Path)
			continue
		}
		if file != nil {
			l.others = append(l.others, file.Path)
		}
		best, file = version, f
	}
	if file == nil {
		return fmt.Errorf("find %s/policy/policy.*: %w", l.directory(), fs.ErrNotExist)
	}
	if file, err = t.Lookup(file.Path); err != nil {
		return err
	}
	l.path = file.Path
	c, err := file.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	if l.policy, err = policy.Read(io.NewSectionReader(c, 0, file.Node.Size)); err != nil {
		return fmt.Errorf("%s: %w", file.Path, err)
	}
	return nil
}
