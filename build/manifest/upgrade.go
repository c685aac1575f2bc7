package manifest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// Upgrade writes a version 1 manifest as a version 2 document: the same
// pipelines by the same names, the same steps in the same order, an assembler
// as the stage that makes the same output. [Compare] finds no difference
// between the two. What is built is the same; ids are where nothing that they
// cover has another form in version 2 ([IDChanges]).
//
// The error is Problems: every step that version 2 cannot say.
func Upgrade(m *Manifest) ([]byte, error) {
	if m.Version != "1" {
		return nil, Problems{{Path: Path{"version"}, Message: "the manifest is of version " + m.Version + " already"}}
	}
	var u upgrade
	doc := pyjson.NewObject([]pyjson.Member{
		{Key: "version", Value: pyjson.NewString("2")},
		{Key: "pipelines", Value: u.pipelines(m.Pipelines)},
		{Key: "sources", Value: u.sources(m)},
	})
	if len(u.problems) > 0 {
		return nil, u.problems
	}
	again, problems := Load(doc)
	problems = append(problems, CheckOptions(doc)...)
	if len(problems) > 0 {
		return nil, inVersion2(problems)
	}
	if changes := Compare(m, again); len(changes) > 0 {
		return nil, Problems{{Path: changes[0].Path, Message: fmt.Sprintf("cannot be said in version 2 (%s %s)", changes[0].Kind, changes[0].Place())}}
	}
	return doc.Indent(), nil
}

// inVersion2 tells the reader that places are those of the new document.
func inVersion2(problems Problems) Problems {
	for i := range problems {
		problems[i].Message = "in version 2: " + problems[i].Message
	}
	return problems
}

type upgrade struct{ problems Problems }

func (u *upgrade) pipelines(pipelines []*Pipeline) pyjson.Value {
	var items []pyjson.Value
	for _, p := range pipelines {
		members := []pyjson.Member{{Key: "name", Value: pyjson.NewString(p.Name)}}
		if p.Build != "" {
			members = append(members, pyjson.Member{Key: "build", Value: pyjson.NewString("name:" + p.Build)})
		}
		if p.Runner != "" {
			members = append(members, pyjson.Member{Key: "runner", Value: pyjson.NewString(p.Runner)})
		}
		var stages []pyjson.Value
		for _, s := range p.Steps {
			fresh, reason := upgradeStep(s)
			if reason != "" {
				u.problems = append(u.problems, Problem{Path: s.Path, Message: reason})
				continue
			}
			stages = append(stages, stageV2(fresh))
		}
		if stages != nil {
			members = append(members, pyjson.Member{Key: "stages", Value: pyjson.NewArray(stages)})
		}
		items = append(items, pyjson.NewObject(members))
	}
	return pyjson.NewArray(items)
}

func (u *upgrade) sources(m *Manifest) pyjson.Value {
	var sources []pyjson.Member
	for _, table := range sourceTables(m) {
		items := pyjson.NewObject([]pyjson.Member{{Key: "items", Value: pyjson.NewObject(table.items)}})
		sources = append(sources, pyjson.Member{Key: table.name, Value: items})
	}
	return pyjson.NewObject(sources)
}

// stageV2 writes a step of version 1, which has neither devices nor mounts.
func stageV2(s *Step) pyjson.Value {
	members := []pyjson.Member{{Key: "type", Value: pyjson.NewString(s.Type)}}
	if string(s.Options) != emptyObject {
		members = append(members, pyjson.Member{Key: "options", Value: value(s.Options)})
	}
	var inputs []pyjson.Member
	for _, in := range s.Inputs {
		inputs = append(inputs, pyjson.Member{Key: in.Name, Value: pyjson.NewObject([]pyjson.Member{
			{Key: "type", Value: pyjson.NewString(in.Type)},
			{Key: "origin", Value: pyjson.NewString(in.Origin)},
			{Key: "references", Value: referencesV2(in.References)},
		})})
	}
	if inputs != nil {
		members = append(members, pyjson.Member{Key: "inputs", Value: pyjson.NewObject(inputs)})
	}
	return pyjson.NewObject(members)
}

// referencesV2 is a list of ids, or of ids with options where one has some.
func referencesV2(references []Reference) pyjson.Value {
	plain := true
	for _, ref := range references {
		plain = plain && string(ref.Options) == emptyObject
	}
	items := make([]pyjson.Value, len(references))
	for i, ref := range references {
		id := pyjson.NewString(ref.ID)
		items[i] = id
		if !plain {
			items[i] = pyjson.NewObject([]pyjson.Member{{Key: "id", Value: id}, {Key: "options", Value: value(ref.Options)}})
		}
	}
	return pyjson.NewArray(items)
}

// meaning is the pipelines of a manifest as version 2 would say them.
func meaning(m *Manifest) []*Pipeline {
	if m.Version != "1" {
		return m.Pipelines
	}
	var pipelines []*Pipeline
	for _, p := range m.Pipelines {
		same := *p
		same.Steps = nil
		for _, s := range p.Steps {
			if fresh, reason := upgradeStep(s); reason == "" {
				s = fresh
			}
			same.Steps = append(same.Steps, s)
		}
		pipelines = append(pipelines, &same)
	}
	return pipelines
}

// upgradeStep is the version 2 stage with the same output, or why there is none.
func upgradeStep(s *Step) (fresh *Step, reason string) {
	same := *s
	if s.Assembler {
		return upgradeAssembler(&same)
	}
	switch s.Type {
	case "org.osbuild.rpm":
		same.Options = without(s.Options, "packages")
		if len(s.Inputs) == 0 || len(s.Inputs[0].References) == 0 {
			return nil, "the stage installs no package, which version 2 cannot say; leave it out"
		}
	case "org.osbuild.ostree":
		return nil, "the stage is deprecated and takes its commit in another way in version 2; use org.osbuild.ostree.pull and org.osbuild.ostree.deploy"
	}
	return &same, ""
}

// upgradeAssembler finds the stage that makes what an assembler makes.
func upgradeAssembler(s *Step) (fresh *Step, reason string) {
	s.Assembler = false
	switch s.Type {
	case "org.osbuild.noop":
		return s, ""
	case "org.osbuild.error":
		s.Inputs = nil // the stage takes none, and fails all the same
		return s, ""
	case "org.osbuild.oci-archive":
		s.Inputs = renamed(s.Inputs, "base")
		return s, ""
	case "org.osbuild.tar":
		return upgradeTar(s)
	}
	const many = "version 2 has no stage that does what the assembler %s does; %s"
	switch s.Type {
	case "org.osbuild.ostree.commit":
		return nil, fmt.Sprintf(many, s.Type, "use org.osbuild.ostree.preptree, and org.osbuild.ostree.init and org.osbuild.ostree.commit in a pipeline after it")
	case "org.osbuild.qemu", "org.osbuild.rawfs":
		return nil, fmt.Sprintf(many, s.Type, "use dev.assay.disk, or org.osbuild.truncate, org.osbuild.sfdisk, org.osbuild.mkfs.* and org.osbuild.copy")
	}
	return nil, fmt.Sprintf(many, s.Type, "write the pipeline anew")
}

func renamed(inputs []*Input, name string) []*Input {
	var list []*Input
	for _, in := range inputs {
		same := *in
		same.Name = name
		list = append(list, &same)
	}
	return list
}

// upgradeTar sees to the compression: the assembler has the one that it is
// told, the stage takes the one that the name's suffix stands for where it is
// told none, and knows fewer by name.
func upgradeTar(s *Step) (fresh *Step, reason string) {
	options := index(value(s.Options))
	told, bySuffix := options["compression"].Text(), tarSuffix(options["filename"].Text())
	switch told {
	case "xz", "gzip":
	case bySuffix:
		s.Options = without(s.Options, "compression")
	case "":
		return nil, fmt.Sprintf("the assembler does not compress, and the stage would take %s for the name %s; give the file another suffix", bySuffix, options["filename"])
	default:
		return nil, fmt.Sprintf("the stage knows %s by the file's suffix only, and %s has another", told, options["filename"])
	}
	return s, ""
}

// tarSuffix is the compression that GNU tar's --auto-compress finds in a name.
func tarSuffix(name string) string {
	suffixes := []struct{ method, list string }{
		{"gzip", ".gz .tgz .taz"}, {"bzip2", ".bz2 .tz2 .tbz2 .tbz"}, {"xz", ".xz .txz"}, {"zstd", ".zst .tzst"},
		{"lzma", ".lzma .tlz"}, {"lzip", ".lz"}, {"lzop", ".lzo"}, {"compress", ".Z .taZ"},
	}
	for _, s := range suffixes {
		for suffix := range strings.FieldsSeq(s.list) {
			if strings.HasSuffix(name, suffix) {
				return s.method
			}
		}
	}
	return ""
}

// without is an options object without a key.
func without(options json.RawMessage, key string) json.RawMessage {
	var rest []pyjson.Member
	for _, m := range value(options).Members() {
		if m.Key != key {
			rest = append(rest, m)
		}
	}
	return pyjson.NewObject(rest).Append(nil)
}

// An IDChange is the first step of a pipeline whose id another form of the
// manifest changed; all that follow it have other ids too.
type IDChange struct {
	Pipeline string
	Step     int // from 0
	Type     string
	// Changed of Steps ids are others now.
	Changed, Steps int
}

// IDChanges compares the ids of two manifests that say the same.
func IDChanges(a, b *Manifest) []IDChange {
	var changes []IDChange
	for i, p := range a.Pipelines {
		c := IDChange{Pipeline: p.Name, Steps: len(p.Steps)}
		for j, s := range p.Steps {
			if j < len(b.Pipelines[i].Steps) && s.ID == b.Pipelines[i].Steps[j].ID {
				continue
			}
			if c.Changed == 0 {
				c.Step, c.Type = j, s.Type
			}
			c.Changed++
		}
		if c.Changed > 0 {
			changes = append(changes, c)
		}
	}
	return changes
}
