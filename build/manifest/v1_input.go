package manifest

import (
	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

// Two stages of version 1 take content that their options name; osbuild makes
// an input of it. Every other stage's options are only options.

// rpmInput makes the input "packages" of org.osbuild.rpm.
func (l *loader) rpmInput(s *Step, options pyjson.Value, path Path) {
	in := &Input{Name: "packages", Type: "org.osbuild.files", Path: path.At("options", "packages")}
	packages, ok := options.Lookup("packages")
	if !ok || packages.Kind() != pyjson.Array {
		l.fail(path.At("options"), `org.osbuild.rpm needs "packages", an array`)
		return
	}
	for i, x := range packages.Items() {
		if ref, ok := l.rpmReference(x, path.At("options", "packages", i)); ok {
			in.References = append(in.References, ref)
		}
	}
	sourceInput(s, in)
}

// rpmReference reads "CHECKSUM" or {"checksum", "check_gpg"}.
func (l *loader) rpmReference(v pyjson.Value, path Path) (Reference, bool) {
	ref := Reference{ID: v.Text(), Options: []byte(emptyObject)}
	switch v.Kind() {
	case pyjson.String:
		return ref, true
	case pyjson.Object:
	default:
		l.fail(path, "expected a string or an object, found %s", a(v.Kind()))
		return ref, false
	}
	checksum, ok := v.Lookup("checksum")
	if !ok || checksum.Kind() != pyjson.String {
		l.fail(path, `"checksum", a string, is missing`)
		return ref, false
	}
	ref.ID = checksum.Text()
	if gpg, ok := v.Lookup("check_gpg"); ok && gpg.True() {
		check := pyjson.NewObject([]pyjson.Member{{Key: "rpm.check_gpg", Value: gpg}})
		ref.Options = pyjson.NewObject([]pyjson.Member{{Key: "metadata", Value: check}}).Append(nil)
	}
	return ref, true
}

// ostreeInput makes the input "commits" of org.osbuild.ostree.
func (l *loader) ostreeInput(s *Step, options pyjson.Value, path Path) {
	in := &Input{Name: "commits", Type: "org.osbuild.ostree", Path: path.At("options", "commit")}
	commit, ok := options.Lookup("commit")
	if !ok || commit.Kind() != pyjson.String {
		l.fail(path.At("options"), `org.osbuild.ostree needs "commit", a string`)
		return
	}
	ref := Reference{ID: commit.Text(), Options: []byte(emptyObject)}
	if branch, ok := options.Lookup("ref"); ok && branch.True() {
		ref.Options = pyjson.NewObject([]pyjson.Member{{Key: "ref", Value: branch}}).Append(nil)
	}
	in.References = []Reference{ref}
	sourceInput(s, in)
}

func sourceInput(s *Step, in *Input) {
	in.Origin = FromSource
	in.Options = []byte(emptyObject)
	in.ID = inputID(in, canonicalReferences(in.References))
	s.Inputs = []*Input{in}
}

// contentKey is where each source of version 1 keeps its items.
func contentKey(source string) (key string, ok bool) {
	switch source {
	case "org.osbuild.files", "org.osbuild.curl":
		return "urls", true
	case "org.osbuild.ostree":
		return "commits", true
	}
	return "", false
}

func (l *loader) sourceV1(m pyjson.Member, path Path) {
	key, ok := contentKey(m.Key)
	if !ok {
		l.fail(path, "version 1 has no source %q; it has org.osbuild.files, org.osbuild.curl and org.osbuild.ostree", m.Key)
		return
	}
	o, ok := l.object(m.Value, path, key)
	if !ok {
		return
	}
	if _, ok := m.Value.Lookup(key); !ok {
		l.fail(path, "%q is missing", key)
		return
	}
	name := m.Key
	if name == "org.osbuild.files" {
		name = "org.osbuild.curl"
	}
	l.checkModule(grammar.Source, name, m.Value, path)
	l.addSource(name, o.members(key), []byte(emptyObject), path)
}
