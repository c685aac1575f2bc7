// Package inspect turns an opened image into a [report.Report].
//
// [Inspect] walks each filesystem of the image once, puts them together into
// one tree by the image's own fstab, hashes every file in the order in which
// the files lie on the medium, applies the content rules of package canonical
// to what it hashes, and fills the sections of the
// report (packages, users, boot, ...).
//
// What cannot be read never becomes a missing line: the section that it
// belongs to is [report.Unread], with a reason that names the first place and
// the count. Nothing of the host, of the clock or of the path that the image
// was opened by reaches the report.
//
// The package mounts nothing, writes nothing, and does not compare: see package
// diff.
//
//	img, err := image.Open(ctx, "disk.qcow2", image.Options{})
//	…
//	r, err := inspect.Inspect(ctx, img, inspect.Options{})
package inspect

import (
	"context"
	"runtime"
	"slices"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// Options tune an inspection. The zero value reads everything.
type Options struct {
	// NoHash leaves contents unread: no SHA-256, no canonical forms, no
	// digest of the disk. The sections of these are then unread.
	NoHash bool
	// Verify reads contents once more where packages record them by a digest that is not
	// SHA-256: see the section "verification".
	Verify bool
	// ShowHashes keeps the hashes of passwords in the sections "shadow" and "gshadow".
	ShowHashes bool
	// Workers is how many files are hashed at once; 0 means one for each core.
	Workers int
	// Sections are the sections to fill, by their names in [SectionNames];
	// nil means all. The others are unread, with the reason [NotAsked].
	Sections []string
	// HashCache, when set, gives the digests that an earlier inspection found,
	// and takes those of this one.
	HashCache *HashCache
	// Progress, when set, is told how many of the bytes are hashed. Calls do
	// not overlap.
	Progress func(done, total int64)
}

// NotAsked is the reason of a section that [Options] excluded.
const NotAsked = "not asked for"

// NotHashed is the reason of a section that [Options] left without contents,
// and of which all else was read.
const NotHashed = "contents are not hashed, as asked"

// The sections that the core fills itself; [Sections] are the others.
const (
	sectionFiles     = "files"
	sectionDisk      = "disk"
	sectionCanonical = "canonical"
	sectionContainer = "container"
)

// SectionNames are all names that Options.Sections may hold.
func SectionNames() []string {
	names := []string{sectionFiles, sectionCanonical, sectionDisk, sectionContainer}
	for _, i := range Sections() {
		names = append(names, i.Name)
	}
	return names
}

// An inspection is one run of [Inspect].
type inspection struct {
	Options
	img    *image.Image
	report *report.Report
	tree   *tree.Tree
	// volumes are the image's, by their index in its Trees.
	volumes []*volume
	// chunks are the digests of the disk's chunks that came up while files were read.
	chunks chunkSums
	// shared are the digests of contents that several files may have.
	shared reflinks
	// aside are the files that no mount shows.
	aside []tree.File
	// identities are those of the disk.
	identities *report.Identities
	// skipped says that contents were left unread, as asked.
	skipped bool
	// keepTree says that the tree outlives the inspection.
	keepTree bool
	// troubles of the sections that the core fills.
	troubles struct{ files, canonical, disk trouble }
}

// Inspect reads img and reports all that is in it. The error is ctx's; all
// other trouble is data in the report's sections. The image stays open.
func Inspect(ctx context.Context, img *image.Image, o Options) (*report.Report, error) {
	in := newInspection(img, o)
	if err := in.run(ctx); err != nil {
		return nil, err
	}
	return in.report, nil
}

// WithTree is [Inspect] for who reads contents afterwards: it gives the tree
// too, which holds as long as the image is open.
func WithTree(ctx context.Context, img *image.Image, o Options) (*report.Report, *tree.Tree, error) {
	in := newInspection(img, o)
	in.keepTree = true
	if err := in.run(ctx); err != nil {
		return nil, nil, err
	}
	return in.report, in.tree, nil
}

func newInspection(img *image.Image, o Options) *inspection {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return &inspection{Options: o, img: img, report: newReport(img), identities: img.Disk.Identities()}
}

func (in *inspection) run(ctx context.Context) error {
	steps := []func(context.Context) error{
		in.readTree, in.hashFiles, in.readDisk, in.fillSections, in.finish,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// newReport is a report with nothing in it. Its lists are empty, not nil, so
// that JSON shows [] for them.
func newReport(img *image.Image) *report.Report {
	r := &report.Report{
		SchemaVersion: report.SchemaVersion,
		Subject:       img.Subject,
		Files:         []report.Entry{},
		Packages:      []report.Package{},
		Users:         []report.User{},
		Groups:        []report.Group{},
		OSRelease:     map[string]string{},
		Fstab:         []report.FstabEntry{},
		Services:      report.Services{Enabled: []string{}, Disabled: []string{}, Masked: []string{}},
		Boot:          []report.BootEntry{},
		Sections:      map[string]report.Section{},
	}
	r.Container = img.Container
	if img.Disk != nil {
		disk := *img.Disk
		disk.Partitions = append([]report.Partition{}, disk.Partitions...)
		disk.Mapped = slices.Clone(disk.Mapped)
		r.Disk = &disk
	}
	return r
}

// wants tells whether the section was asked for.
func (in *inspection) wants(section string) bool {
	return in.Sections == nil || slices.Contains(in.Sections, section)
}

// finish writes the entries and the states of the core's own sections.
func (in *inspection) finish(context.Context) error {
	in.set(sectionFiles, in.unlessSkipped(&in.troubles.files, in.skipped))
	in.set(sectionCanonical, in.unlessSkipped(&in.troubles.canonical, in.skipped))
	in.finishContainer()
	if in.wants(sectionFiles) {
		in.report.Files = in.tree.Entries(in.keepTree)
		in.nameOwners()
	}
	return nil
}

// unlessSkipped is the state that the troubles make. What was left unread as asked
// is told only where nothing else is: a real trouble must not hide behind it.
func (in *inspection) unlessSkipped(t *trouble, skipped bool) report.Section {
	s := t.section()
	if skipped && s.Status == report.OK {
		s = report.Section{Status: report.Unread, Reason: NotHashed}
	}
	return s
}

// nameOwners writes the image's own names of the entries' owners.
func (in *inspection) nameOwners() {
	users, groups := map[uint32]string{}, map[uint32]string{}
	for _, u := range slices.Backward(in.report.Users) {
		users[u.UID] = u.Name
	}
	for _, g := range slices.Backward(in.report.Groups) {
		groups[g.GID] = g.Name
	}
	for i := range in.report.Files {
		e := &in.report.Files[i]
		e.User, e.Group = users[e.UID], groups[e.GID]
	}
}

// finishContainer tells of a container image's configuration. What is no container
// image has no such section.
func (in *inspection) finishContainer() {
	if in.img.Subject.Kind != "container" {
		return
	}
	s := report.Section{Status: report.OK}
	if in.img.Container == nil {
		s = report.Section{Status: report.Unread, Reason: section.Clip(in.img.Trees[0].Err.Error())}
	}
	if !in.wants(sectionContainer) {
		in.report.Container = nil
	}
	in.set(sectionContainer, s)
}

// set records the state of one section, unless it was not asked for.
func (in *inspection) set(section string, s report.Section) {
	if !in.wants(section) {
		s = report.Section{Status: report.Unread, Reason: NotAsked}
	}
	in.report.Sections[section] = s
}
