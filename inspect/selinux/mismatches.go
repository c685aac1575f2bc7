package selinux

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/selinux/go-selinux"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/selinux/filecontexts"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// counts tell how many entries of a tree have a label.
type counts struct {
	labelled, unlabelled int
	// volumes are those with any label. A filesystem that can hold none (vfat)
	// has none to compare.
	volumes map[int]bool
}

func countLabels(t *tree.Tree) counts {
	c := counts{volumes: map[int]bool{}}
	for i := range t.Files {
		f := &t.Files[i]
		switch {
		case !inTree(f):
		case f.Node.SELinux == "":
			c.unlabelled++
		default:
			c.labelled++
			c.volumes[f.Volume] = true
		}
	}
	return c
}

// inTree tells whether the file has a place in the tree; what a mount covers, or
// nothing mounts, has only a name.
func inTree(f *tree.File) bool { return strings.HasPrefix(f.Path, "/") }

// compare fills the section selinux-mismatches.
func (l *loader) compare(ctx context.Context, t *tree.Tree, r *report.Report) error {
	l.load(t, r)
	switch {
	case l.configErr != nil:
		return l.configErr
	case l.setErr != nil:
		return l.setErr
	case l.count.labelled == 0:
		return section.Absent(fmt.Sprintf("none of %d files has a label", l.count.unlabelled))
	}
	c, err := l.comparer(t)
	if err != nil {
		return err
	}
	for i := range t.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &t.Files[i]
		if !inTree(f) || !l.count.volumes[f.Volume] || f.First != nil && f.First != f {
			continue
		}
		if err := c.file(f); err != nil {
			return err
		}
	}
	r.SELinuxMismatches = c.found
	return c.doubt()
}

// A comparer compares the labels of one tree with its policy.
type comparer struct {
	matcher *filecontexts.Matcher
	names   *names
	// customizable are the types that relabelling leaves alone.
	customizable map[string]bool
	// others has the further names of an inode, by its first.
	others map[*tree.File][]*tree.File
	// verdicts are the kinds of pairs that were compared.
	verdicts map[[2]string]string
	found    []report.LabelMismatch
	doubts   int
	first    error
}

func (l *loader) comparer(t *tree.Tree) (*comparer, error) {
	c := &comparer{
		matcher: l.set.Matcher(), names: namesOf(l.policy), customizable: map[string]bool{},
		others: map[*tree.File][]*tree.File{}, verdicts: map[[2]string]string{},
	}
	for i := range t.Files {
		if f := &t.Files[i]; f.First != nil && f.First != f {
			c.others[f.First] = append(c.others[f.First], f)
		}
	}
	err := eachLine(t, l.directory()+"/contexts/customizable_types", func(line string) error {
		c.customizable[line] = true
		return nil
	})
	return c, err
}

// file compares one inode. The label of one with several names is right when it
// is what one of them is to have: setfiles goes by the name that it sees first,
// which is chance.
func (c *comparer) file(f *tree.File) error {
	expected, ok, err := c.expected(f)
	if err != nil || !ok {
		return err
	}
	kind := c.kind(f.Node.SELinux, expected)
	if kind == "" {
		return nil
	}
	for _, other := range c.others[f] {
		if also, ok, err := c.expected(other); err != nil {
			return err
		} else if ok && c.kind(f.Node.SELinux, also) == "" {
			return nil
		}
	}
	m := report.LabelMismatch{Path: report.Raw(f.Path), Actual: f.Node.SELinux, Expected: expected, Kind: kind}
	if label, err := selinux.NewContext(f.Node.SELinux); err == nil {
		m.Customizable = c.customizable[label["type"]]
	}
	c.found = append(c.found, m)
	return nil
}

// expected gives the label that the policy has for a name; ok is false where it
// has none, or where that cannot be known.
func (c *comparer) expected(f *tree.File) (label string, ok bool, err error) {
	match, err := c.matcher.Lookup(f.Path, f.Node.Type)
	var doubt *filecontexts.DoubtError
	if errors.As(err, &doubt) {
		if c.doubts++; c.first == nil {
			c.first = fmt.Errorf("%s: %w", f.Path, doubt)
		}
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("compare label of %s: %w", f.Path, err)
	}
	return match.Context, match.Context != "", nil
}

// maxVerdicts bounds what is remembered; a system has some hundred labels.
const maxVerdicts = 50_000

// kind tells how a label differs from the expected one.
func (c *comparer) kind(actual, expected string) string {
	if actual == expected {
		return ""
	}
	if actual == "" {
		return "missing"
	}
	pair := [2]string{actual, expected}
	kind, known := c.verdicts[pair]
	if !known {
		kind = "invalid"
		if c.names.valid(actual) {
			kind = difference(actual, expected)
		}
		if len(c.verdicts) >= maxVerdicts {
			clear(c.verdicts)
		}
		c.verdicts[pair] = kind
	}
	return kind
}

// doubt is the error of labels that could not be compared.
func (c *comparer) doubt() error {
	if c.doubts == 0 {
		return nil
	}
	return fmt.Errorf("%d labels could not be compared, the first: %w", c.doubts, c.first)
}
