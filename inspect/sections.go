package inspect

import (
	"context"
	"slices"

	"github.com/assay-os/assay/inspect/accounts"
	"github.com/assay-os/assay/inspect/boot"
	"github.com/assay-os/assay/inspect/configfiles"
	"github.com/assay-os/assay/inspect/network"
	"github.com/assay-os/assay/inspect/packages"
	"github.com/assay-os/assay/inspect/privileges"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/selinux"
	"github.com/assay-os/assay/inspect/settings"
	"github.com/assay-os/assay/inspect/systemd"
	"github.com/assay-os/assay/report"
)

// Sections is the one list of what describes the system in the tree, in the
// order of the report. A later one may read what an earlier one has filled.
func Sections() []section.Section { return sections(Options{}) }

func sections(o Options) []section.Section {
	return slices.Concat(
		packages.Sections(packages.Options{Contents: o.Verify}), accounts.Sections(accounts.Options{Hashes: o.ShowHashes}),
		boot.Sections(), systemd.Sections(), // before those that ask what boots
		settings.Sections(), configfiles.Sections(), selinux.Sections(), privileges.Sections(), network.Sections(),
	)
}

// fillSections fills the sections that were asked for.
func (in *inspection) fillSections(ctx context.Context) error {
	var told causes
	if in.wants(sectionFiles) {
		told.tell(sectionFiles, in.troubles.files.section().Reason)
	}
	for _, s := range sections(in.Options) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var state report.Section
		if in.wants(s.Name) {
			state = s.Run(ctx, in.tree, in.report)
			state.Reason = told.shorten(s.Name, state.Reason)
		}
		in.set(s.Name, state)
	}
	hideSecrets(in.report, in.ShowHashes)
	return nil
}
