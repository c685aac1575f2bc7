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
	rules := a.rules
	same := func(x, y *report.Entry) bool { return equalFacts(x, y) && sameRoles(a, b, x, y) }
	key := func(e report.Entry) string { return string(e.Path) }
	merge(a.report.Files, b.report.Files, key, func(x, y *report.Entry) {
		switch {
		case x == nil && a.mayHold(y.Path), y == nil && b.mayHold(x.Path):
			// Neither there nor gone: it is told as unread.
		case y == nil:
			out = append(out, oneSided(a, x, Removed, rules))
		case x == nil:
			out = append(out, oneSided(b, y, Added, rules))
		case !same(x, y):
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
		cx.SHA256, cx.Canonical, cx.Roles = cy.SHA256, cy.Canonical, cy.Roles
	}
	open := differingFacts(&cx, &cy)
	var out []Change
	for _, r := range rules {
		if r.entry == nil || len(open) == 0 && r.Name != "identity" {
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
		out = reopened(out, open)
		c := entryChange(a, x, y, open, report.Rule{})
		meant(&c, &cx, &cy)
		out = slices.Insert(out, 0, c)
	}
	return out
}

// reopened takes from explained changes the facts that differ after all: the
// same content may name different things of two disks.
func reopened(changes []Change, open []string) []Change {
	var out []Change
	for _, c := range changes {
		c.Fields = without(c.Fields, open)
		for _, name := range open {
			delete(c.A, name)
			delete(c.B, name)
		}
		if len(c.Fields) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// sameRoles tells whether equal contents of two disks mean the same. A side that
// did not look for roles says nothing of it.
func sameRoles(a, b *view, x, y *report.Entry) bool {
	if a.identities.Empty() && b.identities.Empty() || x.Roles == nil && y.Roles == nil || a.noRoles() || b.noRoles() {
		return true
	}
	canonicalX, canonicalY := *x, *y
	canonicalIdentity(a, &canonicalX)
	canonicalIdentity(b, &canonicalY)
	return canonicalX.SHA256 == canonicalY.SHA256
}

func (v *view) noRoles() bool { return v.report.Sections["canonical"].Status == report.Unread }

// meant puts the canonical values into a change of facts that are spelled alike
// and mean different things.
func meant(c *Change, x, y *report.Entry) {
	a, b := entryFacts(x), entryFacts(y)
	if c.A["size"] == c.B["size"] && c.A["sha256"] == c.B["sha256"] {
		c.Fields = without(c.Fields, []string{"size"}) // the form has none
		delete(c.A, "size")
		delete(c.B, "size")
	}
	for _, name := range c.Fields {
		if c.A[name] == c.B[name] {
			c.A[name], c.B[name] = a[name], b[name]
		}
	}
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
