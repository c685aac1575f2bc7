package diff

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/assay-os/assay/report"
)

// A view is one report with what rules look up in it.
type view struct {
	report *report.Report
	// mountpoints are the directories on which the image mounts filesystems,
	// by its own fstab.
	mountpoints map[string]bool
	// unread is true when a section of the report was not read.
	unread bool
	// scope and rules are what the comparison is about and by.
	scope   Scope
	version int
	rules   []Rule
	// identities are those of the disk, where disks are compared by rules that
	// know them; nil otherwise.
	identities *report.Identities
}

// newView looks at r for a comparison over the sections in: what is not
// compared must not decide how a rule reads what is.
func newView(r *report.Report, in []section, scope Scope, version int) *view {
	v := &view{
		report: r, mountpoints: map[string]bool{"/": true}, unread: len(unread("", r, Disk)) > 0,
		scope: scope, version: version, rules: rulesOf(version),
	}
	if scope == Disk && version >= 2 {
		v.identities = r.Disk.Identities()
	}
	if slices.ContainsFunc(in, func(s section) bool { return s.name == "fstab" }) {
		for _, f := range r.Fstab {
			v.mountpoints[path.Clean(f.File)] = true
		}
	}
	return v
}

// unknown tells whether the content of e may be anything, because a section
// of the report is unread.
func (v *view) unknown(e *report.Entry) bool {
	return v.unread && e.Type == report.File && e.SHA256 == ""
}

// mayHold tells whether p, which v does not list, may be there all the same: the
// files are unread, and the nearest directory above p that is listed lists
// nothing, as one that could not be opened does.
func (v *view) mayHold(p report.Raw) bool {
	if v.report.Sections["files"].Status != report.Unread {
		return false
	}
	volume, name := cutVolume(string(p))
	dir := path.Dir(name)
	for ; dir != "/"; dir = path.Dir(dir) {
		if e, ok := v.lookup(report.Raw(volume + dir)); ok {
			if e.Type != report.Directory {
				return false
			}
			break
		}
	}
	below := volume + strings.TrimSuffix(dir, "/") + "/"
	i := v.find(report.Raw(below + "\x00"))
	return i == len(v.report.Files) || !strings.HasPrefix(string(v.report.Files[i].Path), below)
}

// cutVolume splits the path of what no mount shows, "partition 3:/EFI", into the
// volume with its colon and the absolute path in it; others have no volume.
func cutVolume(p string) (volume, name string) {
	if strings.HasPrefix(p, "/") {
		return "", p
	}
	if i := strings.Index(p, ":/"); i >= 0 {
		return p[:i+1], p[i+1:]
	}
	return p, "/" // none that a report of ours has
}

// find is the index at which p stands, or would stand, in the sorted files.
func (v *view) find(p report.Raw) int {
	return sort.Search(len(v.report.Files), func(i int) bool { return v.report.Files[i].Path >= p })
}

func (v *view) lookup(p report.Raw) (*report.Entry, bool) {
	if i := v.find(p); i < len(v.report.Files) && v.report.Files[i].Path == p {
		return &v.report.Files[i], true
	}
	return nil, false
}

// lostFound tells whether p is a lost+found at the root of a filesystem, with
// nothing in it.
func (v *view) lostFound(p report.Raw) bool {
	if path.Base(string(p)) != "lost+found" || !v.mountpoints[path.Dir(string(p))] {
		return false
	}
	below := p + "/"
	i := v.find(below)
	return i == len(v.report.Files) || !strings.HasPrefix(string(v.report.Files[i].Path), string(below))
}

// reason is why a content rule of that name holds, as the report tells it.
func (v *view) reason(rule string) string {
	for _, r := range v.report.Rules {
		if r.Name == rule {
			return r.Reason
		}
	}
	return "the content means the same by the rule " + rule
}

// contentID stands for a content by its canonical form.
func contentID(c *report.Canonical) string {
	return fmt.Sprintf("%s/%d:%s", c.Rule, c.Version, c.Digest)
}

// ruled is a record of a section in its canonical form: the facts that rules
// leave out stand apart, with the rule that did it.
type ruled struct {
	record
	out []ruledField
}

type ruledField struct {
	field
	rule *Rule
}

// canonical returns the section's records with rules applied, by their keys.
func (s section) canonical(v *view) []ruled {
	records := s.records(v.report)
	out := make([]ruled, len(records))
	for i, rec := range records {
		out[i].key = rec.key
		for _, f := range rec.fields {
			if rule := factRule(v.rules, s.name+"."+f.name); rule != nil {
				out[i].out = append(out[i].out, ruledField{f, rule})
			} else {
				out[i].fields = append(out[i].fields, f)
			}
		}
	}
	if s.identified {
		s.byRole(v, out)
	}
	return out
}

func factRule(rules []Rule, fact string) *Rule {
	for i := range rules {
		if slices.Contains(rules[i].facts, fact) {
			return &rules[i]
		}
	}
	return nil
}
