package manifest

import (
	"encoding/json"
	"strings"

	"github.com/assay-os/assay/build/manifest/pyjson"
)

// Rules about how pipelines hang together.

func oldVersion(l *linter) {
	if l.m.Version == "1" && len(l.m.Pipelines) > 0 && len(l.m.Pipelines[0].Steps) > 0 {
		l.find(nil, "assay manifest upgrade writes it as version 2", "the manifest is of version 1")
	}
}

func noBuildPipeline(l *linter) {
	builds := l.builds()
	for _, p := range l.m.Pipelines {
		if p.Build == "" && !builds[p.Name] && len(p.Steps) > 0 {
			l.find(p.Path, "add a pipeline with the tools, and name it in build", "the steps of pipeline %q run in the /usr of the machine that builds", p.Name)
		}
	}
}

// noSourceEpoch speaks once for all pipelines: version 1 cannot say one.
func noSourceEpoch(l *linter) {
	var names []string
	for _, p := range l.m.Pipelines {
		if p.SourceEpoch == nil && len(p.Steps) > 0 {
			names = append(names, p.Name)
		}
	}
	if l.m.Version == "2" && len(names) > 0 {
		l.find(Path{"pipelines"}, "give each a source-epoch, in seconds since 1970", "no source-epoch is given for %s", plural(names))
	}
}

func unusedPipeline(l *linter) {
	var metadata struct{ Exports []struct{ Name string } }
	if json.Unmarshal(l.m.Metadata, &metadata) != nil || len(metadata.Exports) == 0 {
		return // then any of them may be exported
	}
	used := l.builds()
	for _, e := range metadata.Exports {
		used[e.Name] = true
	}
	l.steps(func(_ *Pipeline, s *Step) {
		for _, in := range s.Inputs {
			for _, ref := range in.References {
				used[strings.TrimPrefix(ref.ID, "name:")] = true
			}
		}
	})
	for _, p := range l.m.Pipelines {
		if !used[p.Name] {
			l.find(p.Path, "export it, or leave it out", "pipeline %q is neither exported nor used", p.Name)
		}
	}
}

// uuidTwice looks at the identifiers that steps give to what they make, not at
// those by which others refer to it. Two pipelines may make two images with
// one set of identifiers; one pipeline makes one.
func uuidTwice(l *linter) {
	for _, p := range l.m.Pipelines {
		places := map[string]Path{}
		for _, s := range p.Steps {
			identifiers(s, func(id string, path Path) {
				key := strings.ToLower(id)
				if first, twice := places[key]; twice {
					l.find(path, "draw a new one, as uuidgen prints it", "%q is the identifier of %s too", id, first)
					return
				}
				places[key] = path
			})
		}
	}
}

// identifiers visits the UUIDs that a step gives: to filesystems, partition
// tables, partitions and encrypted volumes.
func identifiers(s *Step, visit func(id string, path Path)) {
	creates := s.Type == "org.osbuild.sfdisk" || s.Type == "org.osbuild.luks2.format" || s.Type == "org.osbuild.mkswap" ||
		s.Type == "dev.assay.disk" || strings.HasPrefix(s.Type, "org.osbuild.mkfs.") ||
		s.Assembler && (s.Type == "org.osbuild.qemu" || s.Type == "org.osbuild.rawfs")
	if !creates {
		return
	}
	members(value(s.Options), s.Path.At("options"), func(key, text string, path Path) {
		given := key == "uuid" || key == "volid" || key == "ptuuid"
		// The assembler names the root filesystem twice where it has partitions.
		alone := key == "root_fs_uuid" && !hasKey(s.Options, "partitions")
		if (given || alone) && text != "" {
			visit(text, path)
		}
	})
}

func hasKey(options json.RawMessage, key string) bool {
	_, ok := value(options).Lookup(key)
	return ok
}

// members visits every string of a value that stands under a key.
func members(v pyjson.Value, path Path, visit func(key, text string, path Path)) {
	for i, x := range v.Items() {
		members(x, path.At(i), visit)
	}
	for _, m := range v.Members() {
		if m.Value.Kind() == pyjson.String {
			visit(m.Key, m.Value.Text(), path.At(m.Key))
		}
		members(m.Value, path.At(m.Key), visit)
	}
}
