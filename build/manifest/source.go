package manifest

import (
	"github.com/assay-os/assay/build/manifest/grammar"
	"github.com/assay-os/assay/build/manifest/pyjson"
)

// sourcesV2 reads the sources and remembers what content they have.
func (l *loader) sourcesV2(o object) {
	before := len(l.problems)
	for _, m := range o.members("sources") {
		l.sourceV2(m, Path{"sources", m.Key})
	}
	if len(l.problems) > before {
		l.content = nil
	}
}

func (l *loader) sourceV2(m pyjson.Member, path Path) {
	o, ok := l.object(m.Value, path, "items", "options")
	if !ok {
		return
	}
	l.checkModule(grammar.Source, m.Key, m.Value, path)
	if _, ok := m.Value.Lookup("items"); !ok {
		l.fail(path, `"items" is missing`)
	}
	l.addSource(m.Key, o.members("items"), o.options(), path)
}

func (l *loader) addSource(name string, items []pyjson.Member, options []byte, path Path) {
	s := &Source{Type: name, Options: options, Path: path}
	for _, item := range items {
		s.Items = append(s.Items, Item{ID: item.Key, Value: item.Value.Append(nil)})
		if l.content != nil {
			l.content[item.Key] = true
		}
	}
	l.m.Sources = append(l.m.Sources, s)
}
