package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A dpkgFile is a name that a package lists.
type dpkgFile struct {
	pkg   int32
	index int32 // in the tree, -1 where it is not
	// path is the name in the list, at where the file lies when another package has
	// diverted it.
	path, at string
}

// A dpkgFileTable is what all packages list.
type dpkgFileTable struct {
	info     *dpkgInfo
	packages []report.DpkgPackage
	files    []dpkgFile
}

// add reads the packages' lists, and claims what they name. Packages without a list, as
// in status.d, own what they have digests of.
func (l *dpkgFileTable) add(t *tree.Tree, owned *claims) error {
	diverted, err := diversions(t)
	if err != nil {
		return err
	}
	for i := range l.packages {
		p := &l.packages[i]
		if strings.Contains(p.Name+p.Arch, "/") {
			return fmt.Errorf("package %.60q: a slash in its name", p.Name)
		}
		owned.newPackage(p.Name)
		data, err := l.info.read(p, "list")
		if err == nil && data != nil {
			err = section.EachLine(data, func(_ int, name string) error { return l.own(i, name, diverted, owned) })
		} else if err == nil {
			err = l.eachDigest(p, func(name, _ string) error { return l.own(i, name, diverted, owned) })
		}
		if err != nil {
			return fmt.Errorf("%s/info/%s.list: %w", dpkgDir, p.Name, err)
		}
	}
	return nil
}

func (l *dpkgFileTable) own(pkg int, name string, diverted map[string]report.Diversion, owned *claims) error {
	f := dpkgFile{pkg: int32(pkg), path: name, at: name}
	if d, ok := diverted[name]; ok && d.By != l.packages[pkg].Name {
		f.at = string(d.To)
	}
	if f.at == "/." {
		f.at = "/"
	}
	i, err := owned.find(f.at)
	if err != nil {
		return err
	}
	if i >= 0 {
		owned.take(i)
	}
	if f.index = int32(i); len(l.files) == maxListed {
		return fmt.Errorf("more than %d files are listed", maxListed)
	}
	l.files = append(l.files, f)
	return nil
}

// eachDigest reads a package's md5sums: lines of a digest, two spaces, and a
// path from the root.
func (l *dpkgFileTable) eachDigest(p *report.DpkgPackage, fn func(name, md5 string) error) error {
	data, err := l.info.read(p, "md5sums")
	if err != nil {
		return err
	}
	return section.EachLine(data, func(_ int, line string) error {
		digest, name, ok := strings.Cut(line, " ")
		if !ok || len(digest) != 32 || len(name) < 2 {
			return fmt.Errorf("%.60q is no digest and path", line)
		}
		return fn("/"+strings.TrimLeft(strings.TrimPrefix(name[1:], "./"), "/"), digest)
	})
}

// verify compares as dpkg -V does: that listed names exist, and contents by the
// packages' md5sums; configuration files by the digests in the status, which are few, so that
// they are always read. Of a diverted file dpkg compares nothing, and here its content is.
func (l *dpkgFileTable) verify(ctx context.Context, v *verifier) error {
	excluded, trouble := dpkgExcludes(v.t)
	for from := 0; from < len(l.files); {
		to := from
		for to < len(l.files) && l.files[to].pkg == l.files[from].pkg {
			to++
		}
		err := l.verifyPackage(ctx, v, l.files[from:to], excluded)
		if ctx.Err() != nil || len(v.result.Different) == maxDifferences {
			return err
		}
		trouble, from = firstError(trouble, err), to
	}
	return trouble
}

// A dpkgDigest is what a file's content should be.
type dpkgDigest struct {
	md5      string
	conffile bool
}

func (l *dpkgFileTable) verifyPackage(ctx context.Context, v *verifier, files []dpkgFile, excluded func(string) bool) error {
	p := &l.packages[files[0].pkg]
	digests := make(map[string]dpkgDigest, len(files))
	for _, c := range p.Conffiles {
		digests[string(c.Path)] = dpkgDigest{c.MD5, true}
	}
	trouble := l.eachDigest(p, func(name, md5 string) error {
		digests[name] = dpkgDigest{md5, digests[name].conffile}
		return nil
	})
	if trouble != nil {
		trouble = fmt.Errorf("%s/info/%s.md5sums: %w", dpkgDir, p.Name, trouble)
	}
	for i := range files {
		d, err := v.dpkgFile(ctx, &files[i], digests[files[i].path])
		trouble = firstError(trouble, err)
		if d == nil {
			continue
		}
		d.Path, d.Package, d.Manager = report.Raw(files[i].at), p.Name, "dpkg"
		if digests[files[i].path].conffile {
			d.Attribute = "c"
		}
		if d.Result == "missing" && excluded(files[i].path) {
			d.State = "excluded"
		}
		if err := v.differ(*d); err != nil {
			return err
		}
	}
	return trouble
}

// dpkgFile compares one file; nil where all is as it should be.
func (v *verifier) dpkgFile(ctx context.Context, f *dpkgFile, want dpkgDigest) (*report.Difference, error) {
	v.result.Files++
	if f.index < 0 {
		gone, err := v.missing(f.at)
		if err != nil || !gone {
			return nil, err
		}
		return &report.Difference{Result: "missing"}, nil
	}
	if want.md5 == "" {
		return nil, nil
	}
	file, result := &v.t.Files[f.index], []byte("?????????")
	if file.Node.Type != report.File {
		result[1] = 'M' // what has a digest is a file
		if file = v.lookFile(f.at); file == nil {
			return &report.Difference{Result: string(result), Facts: []string{"a " + string(v.t.Files[f.index].Node.Type) + ", not a file"}}, nil
		}
	}
	how, err := v.compare(ctx, file, digestMD5, want.md5, want.conffile)
	switch how {
	case equal:
		result[2] = '.'
	case different:
		result[2] = '5'
	}
	if how != different && result[1] != 'M' && how != unreadable {
		return nil, err
	}
	return &report.Difference{Result: string(result)}, err
}

// lookFile is the file that a name leads to, nil where it leads to none.
func (v *verifier) lookFile(name string) *tree.File {
	f, err := v.t.Lookup(name)
	if err != nil || f.Node.Type != report.File {
		return nil
	}
	return f
}

// dpkgExcludes tells which paths dpkg was told not to unpack: the options
// path-exclude and path-include of dpkg(1), the last that matches counts.
func dpkgExcludes(t *tree.Tree) (func(string) bool, error) {
	files, err := t.Glob("/etc/dpkg/dpkg.cfg.d/*")
	files = slices.DeleteFunc(files, func(f *tree.File) bool {
		return strings.ContainsFunc(f.Name(), func(c rune) bool { return c != '-' && c != '_' && !isAlphanumeric(c) })
	})
	if main, err := t.Lookup("/etc/dpkg/dpkg.cfg"); err == nil {
		files = append(files, main)
	}
	type rule struct {
		glob    *regexp.Regexp
		exclude bool
	}
	var rules []rule
	for _, f := range files {
		data, readErr := f.Read(section.MaxConfig)
		if readErr != nil {
			err = firstError(err, readErr)
			continue
		}
		err = firstError(err, section.EachTableLine(data, func(_ int, line string) error {
			name, value, _ := strings.Cut(strings.Replace(line, "=", " ", 1), " ")
			if name == "path-exclude" || name == "path-include" {
				rules = append(rules, rule{globRegexp(strings.Trim(strings.TrimSpace(value), `"`)), name == "path-exclude"})
			}
			return nil
		}))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return func(name string) bool {
		excluded := false
		for _, r := range rules {
			if r.glob.MatchString(name) {
				excluded = r.exclude
			}
		}
		return excluded
	}, err
}

// globRegexp is a pattern of fnmatch(3) without flags, where * matches slashes, too.
func globRegexp(glob string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A(?s:`)
	for _, c := range glob {
		switch c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString(`)\z`)
	return regexp.MustCompile(b.String())
}
