package diff

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

// at is n seconds after an epoch, for entries.
func at(n int64) time.Time { return time.Unix(1579910400+n, 0).UTC() }

func tree(entries ...report.Entry) *report.Report {
	root := report.Entry{Path: "/", Type: report.Directory, Mode: 0o755, Mtime: at(0)}
	return &report.Report{
		Files:    append([]report.Entry{root}, entries...),
		Sections: map[string]report.Section{"files": {Status: report.OK}},
	}
}

func dir(path string, mode report.Mode, mtime int64) report.Entry {
	return report.Entry{Path: report.Raw(path), Type: report.Directory, Mode: mode, Mtime: at(mtime)}
}

func file(path, sha string, mtime int64) report.Entry {
	return report.Entry{Path: report.Raw(path), Type: report.File, Mode: 0o644, Size: int64(len(sha)), SHA256: sha, Mtime: at(mtime)}
}

func canonical(e report.Entry, rule, digest string) report.Entry {
	e.Canonical = &report.Canonical{Rule: rule, Version: 1, Digest: digest}
	return e
}

// TestRules holds, for every rule, a pair that it explains and a near-miss
// one functional bit away that it must not explain.
func TestRules(t *testing.T) {
	type pair struct{ a, b *report.Report }
	disk := func(change func(*report.Disk)) *report.Report {
		r := sample()
		change(r.Disk)
		return r
	}
	container := func(change func(*report.Container)) *report.Report {
		r := sample()
		change(r.Container)
		return r
	}
	tests := map[string]struct{ match, miss pair }{
		"content": {
			pair{tree(canonical(file("/a.gz", "one", 0), "gzip", "x")), tree(canonical(file("/a.gz", "other", 0), "gzip", "x"))},
			pair{tree(canonical(file("/a.gz", "one", 0), "gzip", "x")), tree(canonical(file("/a.gz", "other", 0), "gzip", "y"))},
		},
		"identity": {
			pair{identified("a", nil), identified("b", nil)},
			pair{identified("a", nil), identified("b", func(r *report.Report, id func(int) string) { r.Fstab[0].Spec = "UUID=" + id(4) })},
		},
		"mtime": {
			pair{tree(file("/a", "one", 0)), tree(file("/a", "one", 1))},
			pair{tree(file("/usr/lib/clock-epoch", "one", 0)), tree(file("/usr/lib/clock-epoch", "one", 1))},
		},
		"lost-and-found": {
			pair{tree(), tree(dir("/lost+found", 0o700, 0))},
			pair{tree(), tree(dir("/lost+found", 0o700, 0), file("/lost+found/#12", "one", 0))},
		},
		"container": {
			pair{disk(func(d *report.Disk) {}), disk(func(d *report.Disk) { d.Format = "qcow2" })},
			pair{disk(func(d *report.Disk) {}), disk(func(d *report.Disk) { d.Format, d.Size = "qcow2", 5 })},
		},
		"block-placement": {
			pair{disk(func(d *report.Disk) {}), disk(func(d *report.Disk) { d.Digest = "d9" })},
			pair{disk(func(d *report.Disk) {}), disk(func(d *report.Disk) { d.Digest, d.Regions[0].SHA256 = "d9", "z" })},
		},
		"image-history": {
			pair{container(func(c *report.Container) {}), container(func(c *report.Container) { c.Layers, c.Created, c.Names = 7, "now", nil })},
			pair{container(func(c *report.Container) {}), container(func(c *report.Container) { c.Layers, c.User = 7, "0" })},
		},
		"derived": {
			pair{named("a", "one"), named("b", "one")},
			pair{named("a", "one"), named("b", "two")},
		},
	}
	for _, r := range Rules() {
		test, ok := tests[r.Name]
		if !ok {
			t.Errorf("rule %s has no match and no near-miss", r.Name)
			continue
		}
		got := Compare(test.match.a, test.match.b)
		if got.Verdict == Different || len(got.Changes) == 0 {
			t.Errorf("%s: match: verdict %s, changes %v", r.Name, got.Verdict, got.Changes)
		}
		checkDigest(t, r.Name+" match", got)
		miss := Compare(test.miss.a, test.miss.b)
		if miss.Verdict != Different {
			t.Errorf("%s: near-miss: verdict %s", r.Name, miss.Verdict)
		}
		checkDigest(t, r.Name+" near-miss", miss)
		if r.Reason == "" || r.Source == "" || r.Version < 1 {
			t.Errorf("%s: a rule needs a reason, a source and a version", r.Name)
		}
	}
}

// TestNeedsUpdate holds what ConditionNeedsUpdate= sees of /usr's mtime.
func TestNeedsUpdate(t *testing.T) {
	at := func(usr, etc int64) *report.Report {
		return tree(file("/etc/.updated", "s", etc), dir("/usr", 0o755, usr))
	}
	if got := Compare(at(5, 9), at(6, 9)); got.Unexplained() != 0 {
		t.Errorf("older than the stamp on both sides: %+v", got.Changes)
	}
	if got := Compare(at(5, 9), at(10, 9)); got.Verdict != Different {
		t.Errorf("newer than the stamp on one side: %s", got.Verdict)
	}
}

// TestUnknownContent: a file that one side did not read is neither equal nor
// different; the same in a report that claims to have read all is a change.
func TestUnknownContent(t *testing.T) {
	a, b := tree(file("/a", "one", 0)), tree(file("/a", "one", 0))
	b.Files[1].SHA256 = ""
	if got := Compare(a, b); got.Verdict != Different {
		t.Errorf("content gone, all read: %s", got.Verdict)
	}
	b.Sections["files"] = report.Section{Status: report.Unread, Reason: "not hashed"}
	if got := Compare(a, b); got.Verdict != Inconclusive || len(got.Changes) != 0 {
		t.Errorf("content not read: %s, %v", got.Verdict, got.Changes)
	}
	b.Files[1].Mode = 0o600
	if got := Compare(a, b); got.Verdict != Different || got.Changes[0].Fields[0] != "mode" {
		t.Errorf("content not read, another mode: %s, %v", got.Verdict, got.Changes)
	}
}

// TestUnknownEntries: what a side did not list because it could not read it is
// neither there nor gone; what it read and does not list is gone.
func TestUnknownEntries(t *testing.T) {
	a := tree(dir("/etc", 0o755, 0), file("/etc/x", "one", 0), dir("/srv", 0o755, 0), file("/srv/y", "two", 0))
	unread := func(entries ...report.Entry) *report.Report {
		r := tree(entries...)
		r.Sections["files"] = report.Section{Status: report.Unread, Reason: "/etc: permission denied"}
		return r
	}
	for name, test := range map[string]struct {
		b       *report.Report
		verdict Verdict
		changes int
	}{
		"a directory":         {unread(dir("/etc", 0o755, 0), dir("/srv", 0o755, 0), file("/srv/y", "two", 0)), Inconclusive, 0},
		"everything":          {unread(), Inconclusive, 0},
		"another directory":   {unread(dir("/etc", 0o755, 0), dir("/srv", 0o755, 0), file("/srv/z", "two", 0)), Different, 2},
		"a file in its place": {unread(file("/etc", "one", 0), dir("/srv", 0o755, 0), file("/srv/y", "two", 0)), Different, 2},
		"read":                {tree(dir("/etc", 0o755, 0), dir("/srv", 0o755, 0), file("/srv/y", "two", 0)), Different, 1},
	} {
		for _, got := range []*Result{Compare(a, test.b), Compare(test.b, a)} {
			if got.Verdict != test.verdict || len(got.Changes) != test.changes {
				t.Errorf("%s: %s, %+v", name, got.Verdict, got.Changes)
			}
		}
	}
}

// TestUnknownRecords is the same for what is no file.
func TestUnknownRecords(t *testing.T) {
	for name, empty := range map[string]func(*report.Report){
		"users":    func(r *report.Report) { r.Users = nil },
		"packages": func(r *report.Report) { r.Packages = nil },
		"services": func(r *report.Report) { r.Services = report.Services{} },
		"disk": func(r *report.Report) {
			r.Disk.Digest = ""
			for i := range r.Disk.Regions {
				r.Disk.Regions[i].SHA256 = ""
			}
		},
	} {
		b := sample()
		empty(b)
		b.Sections[name] = report.Section{Status: report.Unread, Reason: "not asked for"}
		for _, got := range []*Result{Compare(sample(), b), Compare(b, sample())} {
			if got.Verdict != Inconclusive || len(got.Changes) != 0 {
				t.Errorf("%s: %s, %+v", name, got.Verdict, got.Changes)
			}
		}
	}
	b := sample()
	b.Users[0].UID++
	b.Sections["users"] = report.Section{Status: report.Unread, Reason: "a line is too long"}
	if got := Compare(sample(), b); got.Verdict != Different {
		t.Errorf("another user id: %s", got.Verdict)
	}
}

// TestMountpointsAreComparedWithFstab: where a filesystem is mounted counts
// only where both sides tell it, so that equal entries give equal digests.
func TestMountpointsAreComparedWithFstab(t *testing.T) {
	entries := []report.Entry{dir("/data", 0o755, 0), dir("/data/lost+found", 0o700, 0)}
	a, b := tree(entries...), tree(entries...)
	a.Fstab = []report.FstabEntry{{Spec: "UUID=1", File: "/data"}}
	a.Sections["fstab"] = report.Section{Status: report.OK}
	got := Compare(a, b)
	checkDigest(t, "fstab on one side", got)
	if got.Verdict != Identical {
		t.Errorf("verdict %s", got.Verdict)
	}
}

func TestContentRuleIsNamed(t *testing.T) {
	a, b := tree(canonical(file("/a.gz", "one", 0), "gzip", "x")), tree(canonical(file("/a.gz", "other", 0), "gzip", "x"))
	a.Rules = []report.Rule{{Name: "gzip", Version: 1, Reason: "the header holds a time"}}
	c := Compare(a, b).Changes[0]
	if c.Rule != "gzip" || c.Reason != "the header holds a time" {
		t.Errorf("change %+v", c)
	}
}

// TestTimesThatCount: files whose time of modification a program reads.
func TestTimesThatCount(t *testing.T) {
	for _, path := range []report.Raw{"/var/lib/systemd/timesync/clock", "/var/lib/systemd/clock", "/usr/lib/clock-epoch", "/var/lib/systemd/timers/stamp-apt-daily.timer"} {
		a, b := sample(), sample()
		a.Files[1].Path, b.Files[1].Path = path, path
		b.Files[1].Mtime = b.Files[1].Mtime.Add(time.Second)
		if got := Compare(a, b); got.Verdict != Different {
			t.Errorf("%s: verdict %s", path, got.Verdict)
		}
	}
}

// What one side has in a volume that is mounted nowhere is missing on the other
// for certain only where that volume was read.
func TestUnmountedVolumes(t *testing.T) {
	aside := report.Entry{Path: "partition 3:/EFI/BOOT/x", Type: report.File, SHA256: "s"}
	for name, c := range map[string]struct {
		others []report.Entry
		unread bool
		want   Verdict
	}{
		"read":              {nil, false, Different},
		"nothing was read":  {nil, true, Inconclusive},
		"the root was read": {[]report.Entry{{Path: "partition 3:/", Type: report.Directory}, {Path: "partition 3:/a", Type: report.File}}, true, Different},
		"another was read":  {[]report.Entry{{Path: "partition 4:/", Type: report.Directory}, {Path: "partition 4:/a", Type: report.File}}, true, Inconclusive},
		"no path of ours":   {[]report.Entry{{Path: "relative", Type: report.Directory}}, true, Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := sample(), sample()
			a.Files = append(append(a.Files, c.others...), aside)
			b.Files = append(b.Files, c.others...)
			slices.SortFunc(a.Files, func(x, y report.Entry) int { return strings.Compare(string(x.Path), string(y.Path)) })
			if c.unread {
				b.Sections["files"] = report.Section{Status: report.Unread, Reason: "partition 3: broken"}
			}
			if got := Compare(a, b); got.Verdict != c.want {
				t.Errorf("%s, want %s: %+v", got.Verdict, c.want, got.Changes)
			}
		})
	}
}

// named is a tree with a file and a derived section, which need not agree.
func named(hostname, content string) *report.Report {
	r := tree(file("/etc/hostname", content, 0))
	r.Hostname = hostname
	r.Sections["hostname"] = report.Section{Status: report.OK}
	return r
}
