package manifest

import (
	"strings"

	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

func (l *loader) inputV2(m pyjson.Member, path Path, p *Pipeline, s *Step) {
	if m.Key == "" || !letter(m.Key[0]) {
		l.fail(path[:len(path)-1], "the input's name %q does not start with a letter", m.Key)
	}
	o, ok := l.object(m.Value, path, "type", "origin", "references", "options")
	if !ok {
		return
	}
	in := &Input{
		Name:    m.Key,
		Type:    o.name("type"),
		Origin:  o.name("origin"),
		Options: o.options(),
		Path:    path,
	}
	wellFormed := l.checkModule(grammar.Input, in.Type, m.Value, path)
	references := o.references(wellFormed)
	switch in.Origin {
	case FromPipeline:
		references = l.pipelineReferences(references, o, p, in)
	case FromSource:
		l.sourceReferences(references, o)
		in.References = references
	default:
		if wellFormed {
			l.fail(path.At("origin"), "%q is neither %q nor %q", in.Origin, FromSource, FromPipeline)
		}
	}
	in.ID = inputID(in, canonicalReferences(references))
	s.Inputs = append(s.Inputs, in)
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// references reads the three forms: a list of ids, a list of {id, options},
// an object of {id: options}.
//
// What a well-formed input has wrong only the document's own grammar knows.
func (o object) references(wellFormed bool) []Reference {
	v, ok := o.v.Lookup("references")
	path := o.path.At("references")
	switch {
	case !ok:
		o.l.fail(o.path, `"references" is missing`)
	case v.Kind() == pyjson.Object:
		return referenceObject(v)
	case v.Kind() != pyjson.Array:
		o.l.fail(path, "expected an array or an object, found %s", a(v.Kind()))
	case len(v.Items()) == 0:
		if wellFormed {
			o.l.fail(path, "there is none")
		}
	default:
		return o.l.referenceList(v.Items(), path)
	}
	return nil
}

func referenceObject(v pyjson.Value) []Reference {
	refs := make([]Reference, 0, len(v.Members()))
	for _, m := range v.Members() {
		refs = append(refs, Reference{ID: m.Key, Options: orEmpty(m.Value)})
	}
	return refs
}

// referenceList reads a list, whose items must all be of the first one's form.
func (l *loader) referenceList(items []pyjson.Value, path Path) []Reference {
	kind := items[0].Kind()
	if kind != pyjson.String && kind != pyjson.Object {
		l.fail(path.At(0), "expected a string or an object, found %s", a(kind))
		return nil
	}
	refs := make([]Reference, 0, len(items))
	for i, x := range items {
		if x.Kind() != kind {
			l.fail(path.At(i), "expected %s as the first reference is, found %s", a(kind), a(x.Kind()))
			continue
		}
		if kind == pyjson.String {
			refs = append(refs, Reference{ID: x.Text(), Options: []byte(emptyObject)})
			continue
		}
		if o, ok := l.object(x, path.At(i), "id", "options"); ok {
			refs = append(refs, Reference{ID: o.string("id"), Options: o.options()})
		}
	}
	return refs
}

// pipelineReferences finds the pipelines and returns the references as the
// input's id covers them: by the pipelines' ids. osbuild passes over what does
// not start with "name:".
func (l *loader) pipelineReferences(refs []Reference, o object, p *Pipeline, in *Input) []Reference {
	path := o.path.At("references")
	var resolved []Reference
	for _, ref := range refs {
		name, ok := strings.CutPrefix(ref.ID, "name:")
		if !ok {
			continue
		}
		in.References = append(in.References, ref)
		target := l.use(p.Name, name, path)
		if target == nil {
			continue
		}
		id := target.ID()
		if id == "" && len(refs) > 1 {
			l.fail(path, "pipeline %q has no stages: it cannot stand beside others", name)
		}
		if id == "" {
			id = "null"
		}
		resolved = append(resolved, Reference{ID: id, Options: ref.Options})
	}
	return resolved
}

// sourceReferences reports what no source has.
func (l *loader) sourceReferences(refs []Reference, o object) {
	if l.content == nil {
		return
	}
	path := o.path.At("references")
	for _, ref := range refs {
		if !l.content[ref.ID] {
			l.fail(path, "no source has %q", ref.ID)
		}
	}
}
