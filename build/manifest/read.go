package manifest

import (
	"fmt"
	"slices"

	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

// A Problem is one thing that is wrong with a manifest, and where.
type Problem = grammar.Problem

// Problems is every problem of a manifest, as one error.
type Problems = grammar.Problems

// Path leads to a place in a document.
type Path = grammar.Path

// The two places that an input's content comes from.
const (
	FromSource   = "org.osbuild.source"
	FromPipeline = "org.osbuild.pipeline"
)

// Read reads a document of either version that is to be built, and computes
// its ids. The name goes into errors only.
//
// The error wraps a *pyjson.SyntaxError where the document is no JSON, and
// Problems, all of them, where osbuild would not accept it or where nobody
// could build it: [Load] and [Check]. Options are compared with the stages'
// schemas by [Validate].
func Read(data []byte, name string) (*Manifest, error) {
	v, err := pyjson.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	m, problems := Load(v)
	if len(problems) == 0 {
		problems = Check(m)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", name, problems)
	}
	return m, nil
}

// Load takes whatever osbuild would accept, options aside. When there are
// problems the manifest holds what could be read, for [Validate] to find more;
// its ids mean nothing then.
func Load(v pyjson.Value) (*Manifest, Problems) {
	l := &loader{
		m:         &Manifest{},
		pipelines: map[string]*Pipeline{},
		uses:      map[string][]string{},
		content:   map[string]bool{},
	}
	l.document(v)
	return l.m, distinct(l.problems)
}

// distinct drops problems that were found twice, by the document's grammar and
// by the module's.
func distinct(problems Problems) Problems {
	seen := make(map[string]bool, len(problems))
	return slices.DeleteFunc(problems, func(p Problem) bool {
		text := p.Error()
		twice := seen[text]
		seen[text] = true
		return twice
	})
}

// A loader reads one document in its order, as osbuild does: a name means
// what stands before it.
type loader struct {
	m        *Manifest
	problems Problems
	// pipelines are those that are read, by name.
	pipelines map[string]*Pipeline
	// declared are the names of all pipelines of a version 2 document.
	declared []string
	// uses are the pipelines that each one names.
	uses map[string][]string
	// early are uses of pipelines that were not read yet.
	early []use
	// content is every item of every source. It is nil when the sources
	// have problems, for then nobody knows what is missing.
	content map[string]bool
}

// document tells the version as osbuild does: what has none is version 1.
func (l *loader) document(v pyjson.Value) {
	if v.Kind() != pyjson.Object {
		l.fail(nil, "a manifest is an object, not %s", a(v.Kind()))
		return
	}
	version, ok := v.Lookup("version")
	switch {
	case !ok:
		l.m.Version = "1"
		l.documentV1(v)
	case version.Kind() == pyjson.String && version.Text() == "2":
		l.m.Version = "2"
		l.documentV2(v)
	default:
		l.fail(Path{"version"}, `version %s is not known; it is "2", and version 1 documents have no such key`, version)
	}
}

// Bounds, so that no document takes for ever: real ones are far from them.
const (
	maxProblems  = 10_000
	maxPipelines = 10_000
	maxDevices   = 1_000 // in one stage; and mounts
	maxEarlyUses = 100   // that are explained
)

func (l *loader) fail(path Path, format string, args ...any) {
	l.report(Problems{{Path: path, Message: fmt.Sprintf(format, args...)}})
}

// report keeps problems, up to a number that nobody reads.
func (l *loader) report(problems Problems) {
	l.problems = append(l.problems, problems[:min(len(problems), maxProblems-len(l.problems))]...)
}

// few takes a list if it is not too long.
func few[T any](l *loader, list []T, most int, path Path) []T {
	if len(list) > most {
		l.fail(path, "%d are too many; at most %d can be", len(list), most)
		return nil
	}
	return list
}

// a is a kind with its article.
func a(k pyjson.Kind) string {
	switch k {
	case pyjson.Null:
		return "null"
	case pyjson.Int, pyjson.Array, pyjson.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}
