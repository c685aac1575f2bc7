package diff

import (
	"slices"
	"strings"
	"time"

	"github.com/assay-os/assay/report"
)

// RulesVersion is the version of the set of rules that a digest was made
// with. The set only grows: a changed meaning is a new version. Version 1 took
// identifiers of disks as they are.
const RulesVersion = 2

// A Rule maps one record to its canonical form. Exactly one of entry and
// facts is set, or both are where the rule's place is in the code (identity).
type Rule struct {
	report.Rule
	// since is the version of the set that the rule came with; 0 is the first.
	since int
	// entry changes a copy of an entry of the files; it returns false for an
	// entry that the canonical form does not have.
	entry func(v *view, e *report.Entry) bool
	// facts are facts of other sections, as "section.field", that the
	// canonical form leaves out.
	facts []string
}

// rulesOf is the set of that version.
func rulesOf(version int) []Rule {
	return slices.DeleteFunc(Rules(), func(r Rule) bool { return r.since > version })
}

// Rules is the one list, in the order in which they are applied.
func Rules() []Rule {
	return []Rule{
		{
			Rule: report.Rule{Name: "content", Version: 1,
				Reason: "the content's canonical form is the same; the rule that made it is named with the entry",
				Source: "docs/verdicts.md"},
			entry: canonicalContent,
		},
		{
			Rule: report.Rule{Name: "identity", Version: 1,
				Reason: "identifiers of the disk stand for what they identify: they count by their roles, wherever they are known to be read so",
				Source: "fstab(5), crypttab(5), systemd.mount(5), blkid(8), UEFI specification 5.3"},
			since: 2,
			entry: canonicalIdentity,
		},
		{
			Rule: report.Rule{Name: "mtime", Version: 1,
				Reason: "programs do not behave by a file's time of modification, but for the few that the rule excepts",
				Source: "inode(7); exceptions: systemd.unit(5) ConditionNeedsUpdate=, systemd-timesyncd.service(8), systemd(1) /usr/lib/clock-epoch, systemd.timer(5) Persistent="},
			entry: canonicalMtime,
		},
		{
			Rule: report.Rule{Name: "lost-and-found", Version: 1,
				Reason: "an empty lost+found is part of an ext filesystem, not of the tree in it",
				Source: "mklost+found(8), e2fsck(8)"},
			entry: withoutLostFound,
		},
		{
			Rule: report.Rule{Name: "container", Version: 1,
				Reason: "how an image is stored is not seen from inside of it",
				Source: "qemu-img(1)"},
			facts: []string{"disk.format", "disk.format_version"},
		},
		{
			Rule: report.Rule{Name: "block-placement", Version: 1,
				Reason: "where a filesystem keeps its blocks, inodes and journal is not seen by programs; every file and every byte outside of filesystems is compared by itself",
				Source: "docs/verdicts.md"},
			facts: []string{"disk.digest"},
		},
		{
			Rule: report.Rule{Name: "image-history", Version: 1,
				Reason: "how an image is cut into layers, what it is called, who made it, when and in which steps is told about the image; a container that runs from it does not see it",
				Source: "OCI image specification, config.md (created, author, history) and annotations.md"},
			facts: []string{"container.digest", "container.config_digest", "container.names", "container.layers", "container.history", "container.created", "container.author"},
		},
		derivedRule(),
	}
}

// canonicalContent puts the canonical digest in the place of the content.
func canonicalContent(_ *view, e *report.Entry) bool {
	if c := e.Canonical; c != nil {
		e.SHA256 = contentID(c)
		e.Size = 0
	}
	return true
}

// canonicalIdentity puts the content with roles in the place of the content.
func canonicalIdentity(v *view, e *report.Entry) bool {
	if c := e.Roles; c != nil && !v.identities.Empty() {
		e.SHA256 = contentID(c)
		e.Size = 0
	}
	return true
}

// canonicalMtime leaves the time out, except where it has a meaning.
func canonicalMtime(v *view, e *report.Entry) bool {
	switch {
	case e.Path == "/usr":
		e.Mtime = v.needsUpdate(e.Mtime)
	case slices.Contains([]report.Raw{"/var/lib/systemd/timesync/clock", "/var/lib/systemd/clock", "/usr/lib/clock-epoch"}, e.Path):
		// The clock is set to this time at boot.
	case strings.HasPrefix(string(e.Path), "/var/lib/systemd/timers/"):
		// A persistent timer last ran at this time.
	default:
		e.Mtime = time.Time{}
	}
	return true
}

// needsUpdate stands for what ConditionNeedsUpdate= makes of /usr's mtime:
// whether /etc/.updated and /var/.updated are older than it.
func (v *view) needsUpdate(usr time.Time) time.Time {
	var older int64
	for bit, stamp := range []report.Raw{"/etc/.updated", "/var/.updated"} {
		if e, ok := v.lookup(stamp); !ok || e.Mtime.Before(usr) {
			older |= 1 << bit
		}
	}
	return time.Unix(older, 0).UTC()
}

func withoutLostFound(v *view, e *report.Entry) bool {
	own := e.Type == report.Directory && e.Mode == 0o700 && e.UID == 0 && e.GID == 0 &&
		v.lostFound(e.Path) && len(e.Xattrs) == 0 && e.SELinux == "" && e.Attributes == "" && e.Project == 0
	return !own
}
