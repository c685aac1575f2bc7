package packages

import (
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/report"
)

// A scriptlet is the numbers of its tags: the script, the program that runs it, its flags.
type scriptlet struct {
	kind              string
	body, prog, flags uint32
}

// scriptlets are all that rpm runs, by the names in a spec file.
func scriptlets() []scriptlet {
	return []scriptlet{
		{"pre", 1023, 1085, 5020}, {"post", 1024, 1086, 5021}, {"preun", 1025, 1087, 5022}, {"postun", 1026, 1088, 5023},
		{"pretrans", 1151, 1153, 5024}, {"posttrans", 1152, 1154, 5025}, {"preuntrans", 5104, 5106, 5108}, {"postuntrans", 5105, 5107, 5109},
		{"verifyscript", 1079, 1091, 5026},
	}
}

// A triggerTags is the numbers of the tags of one family of triggers.
type triggerTags struct {
	kind                                                                string
	scripts, progs, flags, names, versions, senses, indexes, priorities uint32
}

func triggers() []triggerTags {
	return []triggerTags{
		{"trigger", 1065, 1092, 5027, 1066, 1067, 1068, 1069, 0},
		{"filetrigger", 5066, 5067, 5068, 5069, 5071, 5072, 5070, 5084},
		{"transfiletrigger", 5076, 5077, 5078, 5079, 5081, 5082, 5080, 5085},
	}
}

// maxBody is how long a script may be to be told whole.
const maxBody = 120

func setBody(s *report.RPMScript, body string) {
	if body == "" {
		return
	}
	s.SHA256 = sum([]byte(body))
	if len(body) <= maxBody {
		s.Body = text(body)
	}
}

// rpmScripts are a package's scriptlets and triggers.
func rpmScripts(h *rpmdb.Header) ([]report.RPMScript, error) {
	var list []report.RPMScript
	for _, s := range scriptlets() {
		body, prog := h.Find(s.body).Strings(), h.Find(s.prog).Strings()
		if body == nil && prog == nil {
			continue
		}
		script := report.RPMScript{Kind: s.kind, Interpreter: text(strings.Join(prog, " "))}
		setBody(&script, strings.Join(body, "\n"))
		if f := h.Find(s.flags).Numbers(); len(f) > 0 {
			script.Flags = uint32(f[0])
		}
		list = append(list, script)
	}
	for _, t := range triggers() {
		more, err := rpmTriggers(h, t)
		if err != nil {
			return list, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// The senses of a trigger's condition (rpmds.h, rpmsenseFlags).
const (
	senseLess     = 1 << 1
	senseGreater  = 1 << 2
	senseEqual    = 1 << 3
	triggerIn     = 1 << 16
	triggerUn     = 1 << 17
	triggerPostUn = 1 << 18
	triggerPreIn  = 1 << 25
)

// rpmTriggers puts a family's arrays together: each condition names its script.
func rpmTriggers(h *rpmdb.Header, t triggerTags) ([]report.RPMScript, error) {
	bodies, progs := h.Find(t.scripts).Strings(), h.Find(t.progs).Strings()
	names, indexes := h.Find(t.names).Strings(), h.Find(t.indexes).Numbers()
	versions, senses := h.Find(t.versions).Strings(), h.Find(t.senses).Numbers()
	if len(names) != len(indexes) || len(versions) != len(names) || len(senses) != len(names) {
		return nil, fmt.Errorf("%s of %d conditions, %d indexes", rpmdb.TagName(t.names), len(names), len(indexes))
	}
	list := make([]report.RPMScript, max(len(bodies), len(progs)))
	flags, priorities := h.Find(t.flags).Numbers(), h.Find(t.priorities).Numbers()
	for i := range list {
		s := &list[i]
		s.Kind = t.kind
		if i < len(bodies) {
			setBody(s, bodies[i])
		}
		if i < len(progs) {
			s.Interpreter = text(progs[i])
		}
		if i < len(flags) {
			s.Flags = uint32(flags[i])
		}
		if i < len(priorities) {
			s.Priority = int(priorities[i])
		}
	}
	for i, name := range names {
		if indexes[i] >= uint64(len(list)) {
			return nil, fmt.Errorf("%s names script %d of %d", rpmdb.TagName(t.indexes), indexes[i], len(list))
		}
		s := &list[indexes[i]]
		s.Kind = t.kind + triggerKind(senses[i])
		s.Conditions = append(s.Conditions, dependency(name, senses[i], versions[i]))
	}
	return list, nil
}

// triggerKind is when a trigger runs.
func triggerKind(sense uint64) string {
	switch {
	case sense&triggerPreIn != 0:
		return "prein"
	case sense&triggerIn != 0:
		return "in"
	case sense&triggerUn != 0:
		return "un"
	case sense&triggerPostUn != 0:
		return "postun"
	}
	return ""
}
