package diff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/assay-os/assay/report"
)

// compareFiles lists what differs between the entries of two reports. Equal
// entries cost one comparison; only the others are taken apart.
func compareFiles(a, b *view) []Change {
	var out []Change
	rules := Rules()
	key := func(e report.Entry) string { return string(e.Path) }
	merge(a.report.Files, b.report.Files, key, func(x, y *report.Entry) {
		switch {
		case x == nil && a.mayHold(y.Path), y == nil && b.mayHold(x.Path):
			// Neither there nor gone: it is told as unread.
		case y == nil:
			out = append(out, oneSided(a, x, Removed, rules))
		case x == nil:
			out = append(out, oneSided(b, y, Added, rules))
		case !equalFacts(x, y):
			out = append(out, compareEntry(a, b, x, y, rules)...)
		}
	})
	return out
}

// oneSided is the change of an entry that one side alone has.
func oneSided(v *view, e *report.Entry, kind Kind, rules []Rule) Change {
	facts := entryFacts(e)
	c := newChange("files", string(e.Path), kind, facts, nil)
	if kind == Added {
		c.A, c.B = nil, facts
	}
	c.Package = e.Package
	canonical := *e
	for _, r := range rules {
		if r.entry != nil && !r.entry(v, &canonical) {
			c.Rule, c.Reason = r.Name, r.Reason
			break
		}
	}
	return c
}

// compareEntry applies the rules one by one to both entries, and gives each
// differing fact to the first rule after which it differs no more.
func compareEntry(a, b *view, x, y *report.Entry, rules []Rule) []Change {
	cx, cy := *x, *y
	if a.unknown(x) || b.unknown(y) {
		// Nothing is known of one content: that is told as unread, and is
		// neither equal nor different.
		cx.SHA256, cx.Canonical = cy.SHA256, cy.Canonical
	}
	open := differingFacts(&cx, &cy)
	var out []Change
	for _, r := range rules {
		if r.entry == nil || len(open) == 0 {
			continue
		}
		keepX, keepY := r.entry(a, &cx), r.entry(b, &cy)
		still := differingFacts(&cx, &cy)
		if !keepX && !keepY {
			still = nil
		}
		if gone := without(open, still); len(gone) > 0 {
			out = append(out, entryChange(a, x, y, gone, r.Rule))
		}
		open = still
	}
	if len(open) > 0 {
		out = slices.Insert(out, 0, entryChange(a, x, y, open, report.Rule{}))
	}
	return out
}

func entryChange(v *view, x, y *report.Entry, fields []string, rule report.Rule) Change {
	a, b := entryFacts(x), entryFacts(y)
	keep := func(name string, _ report.Raw) bool { return !slices.Contains(fields, name) }
	maps.DeleteFunc(a, keep)
	maps.DeleteFunc(b, keep)
	c := newChange("files", string(x.Path), Modified, a, b)
	c.Fields = fields
	c.Rule, c.Reason = rule.Name, rule.Reason
	if rule.Name == "content" {
		c.Rule = x.Canonical.Rule
		c.Reason = v.reason(c.Rule)
	}
	if c.Package = y.Package; c.Package == "" {
		c.Package = x.Package
	}
	return c
}

// entryFields is the one list of an entry's facts, in the order of the record.
func entryFields() []string {
	return []string{"type", "mode", "uid", "gid", "size", "mtime", "sha256", "target", "device", "xattrs", "selinux", "capabilities", "acl", "default_acl", "project", "attributes", "hardlink"}
}

// entryFacts is every fact of e by its JSON name; facts that are empty are left out.
func entryFacts(e *report.Entry) map[string]report.Raw {
	m := map[string]report.Raw{
		"type": report.Raw(e.Type), "mode": report.Raw(e.Mode.String()),
		"uid": report.Raw(fmt.Sprint(e.UID)), "gid": report.Raw(fmt.Sprint(e.GID)),
		"mtime": report.Raw(e.Mtime.Format(time.RFC3339Nano)), "sha256": report.Raw(e.SHA256),
		"target": e.Target, "device": report.Raw(e.Device), "selinux": report.Raw(e.SELinux),
		"capabilities": report.Raw(e.Capabilities), "acl": report.Raw(e.ACL), "default_acl": report.Raw(e.DefaultACL), "attributes": report.Raw(e.Attributes), "hardlink": e.Hardlink, "xattrs": xattrText(e.Xattrs),
	}
	if e.Type == report.File || e.Size != 0 {
		m["size"] = report.Raw(fmt.Sprint(e.Size))
	}
	if e.Project != 0 {
		m["project"] = report.Raw(fmt.Sprint(e.Project))
	}
	maps.DeleteFunc(m, func(_ string, v report.Raw) bool { return v == "" })
	return m
}

func xattrText(m map[string]report.Raw) report.Raw {
	if len(m) == 0 {
		return ""
	}
	data, err := json.Marshal(m)
	if err != nil {
		return report.Raw("unencodable: " + err.Error())
	}
	return report.Raw(data)
}

// equalFacts tells whether every recorded fact of two entries is equal.
func equalFacts(x, y *report.Entry) bool {
	return x.Type == y.Type && x.Mode == y.Mode && x.UID == y.UID && x.GID == y.GID &&
		x.Size == y.Size && x.Mtime.Equal(y.Mtime) && x.SHA256 == y.SHA256 &&
		x.Target == y.Target && x.Device == y.Device && x.SELinux == y.SELinux &&
		x.Capabilities == y.Capabilities && x.ACL == y.ACL && x.DefaultACL == y.DefaultACL && x.Project == y.Project &&
		x.Attributes == y.Attributes && x.Hardlink == y.Hardlink && maps.Equal(x.Xattrs, y.Xattrs)
}

func differingFacts(x, y *report.Entry) []string {
	if equalFacts(x, y) {
		return nil
	}
	a, b := entryFacts(x), entryFacts(y)
	var out []string
	for _, name := range entryFields() {
		if a[name] != b[name] {
			out = append(out, name)
		}
	}
	return out
}

// without returns the members of all that are not in rest.
func without(all, rest []string) []string {
	var out []string
	for _, s := range all {
		if !slices.Contains(rest, s) {
			out = append(out, s)
		}
	}
	return out
}

// names is the sorted union of the keys of two maps.
func names(a, b map[string]report.Raw) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]report.Raw{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
