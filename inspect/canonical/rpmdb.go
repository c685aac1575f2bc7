package canonical

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/report"
)

// The tags that tell when a package was installed and in which transaction.
const (
	tagInstallTime = 1008
	tagInstallTID  = 1128
)

// maxHeaders bounds a database; a desktop has some 3,000 packages.
const maxHeaders = 200_000

// rpmDatabase is the rule for rpm's database of headers.
func rpmDatabase() Rule {
	return Rule{
		Rule: report.Rule{Name: "rpmdb", Version: 1,
			Reason: "rpm finds packages by their headers' tags; when and in which transaction they were installed, their numbers and order, and how the database stores them (its log included) change nothing that it decides",
			Source: "rpm, include/rpm/rpmtag.h and lib/header.c"},
		Match: func(e *report.Entry, head []byte) bool {
			form, ok := map[string]string{
				rpmdb.SQLiteName: "sqlite", rpmdb.NDBName: "ndb", rpmdb.BDBName: "bdb",
			}[path.Base(string(e.Path))]
			return ok && rpmdb.FormOf(head) == form
		},
		canonicalise: canonicalRPM,
	}
}

// canonicalRPM gives the database's headers, those in its log included.
func canonicalRPM(ctx context.Context, in *Input, f *form) error {
	log, err := in.openSQLiteLog()
	if err != nil {
		return err
	}
	if log == nil {
		return headerSet(ctx, in.Content, nil, f)
	}
	defer log.Close()
	return headerSet(ctx, in.Content, log, f)
}

// headerParts are the headers in the order of their names, equal names in that
// of their digests.
func headerParts(ctx context.Context, file, log Content) ([]report.Part, error) {
	var list []report.Part
	err := rpmdb.Headers(ctx, file, log, func(h *rpmdb.Header) error {
		if len(list) == maxHeaders {
			return fmt.Errorf("%w: more than %d packages", ErrLimit, maxHeaders)
		}
		list = append(list, report.Part{Name: report.Raw(h.NEVRA()), Digest: headerDigest(h)})
		return nil
	})
	if errors.Is(err, rpmdb.ErrMalformed) {
		return nil, malformed("%v", err)
	}
	slices.SortFunc(list, func(a, b report.Part) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest))
	})
	return list, err
}

// headerDigest is over a header's immutable region, byte by byte, for the
// signatures in it are; and over every tag beside it, in the order of numbers, but for
// those of the installation's time.
func headerDigest(h *rpmdb.Header) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "region %d %d %d\n", h.RegionTag, len(h.Region[0]), len(h.Region[1]))
	sum.Write(h.Region[0])
	sum.Write(h.Region[1])
	beside := slices.DeleteFunc(slices.Clone(h.Tags), func(t rpmdb.Tag) bool {
		return t.Immutable || t.ID == tagInstallTime || t.ID == tagInstallTID
	})
	slices.SortStableFunc(beside, func(a, b rpmdb.Tag) int { return cmp.Compare(a.ID, b.ID) })
	for _, t := range beside {
		fmt.Fprintf(sum, "tag %d type %d count %d bytes %d\n", t.ID, t.Type, t.Count, len(t.Data))
		sum.Write(t.Data)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
