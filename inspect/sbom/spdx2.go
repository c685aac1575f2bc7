package sbom

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

const (
	imageRef    = common.ElementID("Image")
	documentRef = common.ElementID("DOCUMENT")
)

// spdx2 writes SPDX 2.3: the document describes the image, which contains the
// packages, which contain their files.
func (b *bill) spdx2(w io.Writer) error {
	doc := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: documentRef,
		DocumentName: valid(b.name), DocumentNamespace: spaceName + b.id, DocumentComment: valid(b.gaps()),
		CreationInfo: &v2_3.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "assay-" + cmp.Or(b.o.Version, "unknown")}},
			Created:  b.created,
		},
		Packages:      []*v2_3.Package{nil},
		OtherLicenses: b.otherLicenses(),
		Relationships: []*v2_3.Relationship{nil},
	}
	const null = "[\n    null\n  ]"
	lists := []list{{null, "packages", b.spdx2Packages}}
	if b.o.Files {
		doc.Files = []*v2_3.File{nil}
		lists = append(lists, list{null, "files", b.spdx2Files})
	}
	return writeDocument(w, doc, append(lists, list{null, "relationships", b.spdx2Relationships})...)
}

// otherLicenses are those that packages name and SPDX does not.
func (b *bill) otherLicenses() []*v2_3.OtherLicense {
	var out []*v2_3.OtherLicense
	for _, x := range b.packages {
		if x.license.Expression == "" && x.license.Text != "" {
			out = append(out, &v2_3.OtherLicense{LicenseIdentifier: x.license.ref(), ExtractedText: x.license.Text})
		}
	}
	slices.SortFunc(out, func(a, b *v2_3.OtherLicense) int { return cmp.Compare(a.LicenseIdentifier, b.LicenseIdentifier) })
	return slices.CompactFunc(out, func(a, b *v2_3.OtherLicense) bool { return a.LicenseIdentifier == b.LicenseIdentifier })
}

func (b *bill) spdx2Packages(yield func(any) bool) {
	if !yield(&v2_3.Package{
		PackageName: valid(b.name), PackageSPDXIdentifier: imageRef, PackageVersion: valid(b.version), PrimaryPackagePurpose: "OPERATING_SYSTEM",
		PackageDownloadLocation: noAssertion, PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion, PackageCopyrightText: noAssertion,
	}) {
		return
	}
	for i := range b.packages {
		x := &b.packages[i]
		p := &v2_3.Package{
			PackageName: valid(x.Name), PackageSPDXIdentifier: x.spdx2Ref(), PackageVersion: valid(x.Version),
			PackageSupplier: &common.Supplier{SupplierType: "NOASSERTION", Supplier: noAssertion},
			PackageHomePage: x.homepage, PackageSummary: x.summary,
			PackageDownloadLocation: noAssertion, PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: x.spdx2License(), PackageCopyrightText: noAssertion,
			PackageExternalReferences: []*v2_3.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: x.purl}},
		}
		if x.supplier != "" {
			p.PackageSupplier = &common.Supplier{SupplierType: "Organization", Supplier: x.supplier}
		}
		if !yield(p) {
			return
		}
	}
}

func (x *item) spdx2Ref() common.ElementID { return common.ElementID("Package-" + x.ref) }

func (x *item) spdx2License() string {
	if x.license.Text == "" {
		return noAssertion
	}
	return cmp.Or(x.license.Expression, x.license.ref())
}

func fileRef(i int) common.ElementID { return common.ElementID(fmt.Sprintf("File-%d", i)) }

func (b *bill) spdx2Files(yield func(any) bool) {
	for i, e := range b.files {
		if !yield(&v2_3.File{
			FileName: "./" + strings.TrimPrefix(e.Path.String(), "/"), FileSPDXIdentifier: fileRef(i), FileCopyrightText: noAssertion, LicenseConcluded: noAssertion,
			Checksums: []common.Checksum{{Algorithm: common.SHA256, Value: e.SHA256}},
		}) {
			return
		}
	}
}

func (b *bill) spdx2Relationships(yield func(any) bool) {
	contains := func(a, b common.ElementID, kind string) bool {
		return yield(&v2_3.Relationship{RefA: common.MakeDocElementID("", string(a)), RefB: common.MakeDocElementID("", string(b)), Relationship: kind})
	}
	if !contains(documentRef, imageRef, common.TypeRelationshipDescribe) {
		return
	}
	for i := range b.packages {
		if !contains(imageRef, b.packages[i].spdx2Ref(), common.TypeRelationshipContains) {
			return
		}
	}
	for i, e := range b.files {
		owner := imageRef
		if x := b.owner(e); x != nil {
			owner = x.spdx2Ref()
		}
		if !contains(owner, fileRef(i), common.TypeRelationshipContains) {
			return
		}
	}
}
