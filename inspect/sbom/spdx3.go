package sbom

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
)

// The types are those of SPDX 3.0.1's published schema, as far as a bill needs
// them; the members have its names. https://spdx.org/rdf/3.0.1/spdx-context.jsonld
type (
	spdx3Document struct {
		Context string `json:"@context"`
		Graph   []any  `json:"@graph"`
	}
	creationInfo struct {
		Type        string   `json:"type"`
		ID          string   `json:"@id"`
		SpecVersion string   `json:"specVersion"`
		Created     string   `json:"created"`
		CreatedBy   []string `json:"createdBy"`
	}
	// An element has what all elements have, and of the rest what its type has.
	element struct {
		Type         string `json:"type"`
		ID           string `json:"spdxId"`
		CreationInfo string `json:"creationInfo"`
		Name         string `json:"name,omitempty"`
		Summary      string `json:"summary,omitempty"`
		Comment      string `json:"comment,omitempty"`

		// Of collections.
		Profiles []string `json:"profileConformance,omitempty"`
		Root     []string `json:"rootElement,omitempty"`
		Elements []string `json:"element,omitempty"`
		SbomType []string `json:"software_sbomType,omitempty"`

		// Of packages and files.
		VerifiedUsing []hash `json:"verifiedUsing,omitempty"`
		SuppliedBy    string `json:"suppliedBy,omitempty"`
		Version       string `json:"software_packageVersion,omitempty"`
		PackageURL    string `json:"software_packageUrl,omitempty"`
		HomePage      string `json:"software_homePage,omitempty"`
		Purpose       string `json:"software_primaryPurpose,omitempty"`

		// Of licenses.
		Expression string `json:"simplelicensing_licenseExpression,omitempty"`
		Text       string `json:"simplelicensing_licenseText,omitempty"`

		// Of relationships.
		From         string   `json:"from,omitempty"`
		Relationship string   `json:"relationshipType,omitempty"`
		To           []string `json:"to,omitempty"`
	}
	hash struct {
		Type      string `json:"type"`
		Algorithm string `json:"algorithm"`
		Value     string `json:"hashValue"`
	}
)

const creationID = "_:creation"

// spdx3 writes SPDX 3.0.1 as JSON-LD: a document with one bill, in which the
// image contains packages and these their files.
func (b *bill) spdx3(w io.Writer) error {
	doc := spdx3Document{"https://spdx.org/rdf/3.0.1/spdx-context.jsonld", []any{}}
	return writeDocument(w, doc, list{"[]", "@graph", b.spdx3Graph})
}

// iri names an element.
func (b *bill) iri(ref string) string { return spaceName + b.id + "#" + ref }

func (b *bill) spdx3Graph(yield func(any) bool) {
	if !yield(creationInfo{"CreationInfo", creationID, "3.0.1", b.created, []string{b.iri("Assay")}}) {
		return
	}
	agent := b.element("SoftwareAgent", "Assay")
	agent.Name = "assay " + cmp.Or(b.o.Version, "unknown")
	doc := b.element("SpdxDocument", "Document")
	doc.Name, doc.Comment, doc.Root = valid(b.name), valid(b.gaps()), []string{b.iri("SBOM")}
	doc.Profiles = []string{"core", "software", "simpleLicensing"}
	bom := b.element("software_Sbom", "SBOM")
	bom.Root, bom.SbomType, bom.Profiles = []string{b.iri("Image")}, []string{"analyzed"}, doc.Profiles
	b.parts(func(e *element) bool { bom.Elements = append(bom.Elements, e.ID); return true })
	for _, e := range []*element{agent, doc, bom} {
		if !yield(e) {
			return
		}
	}
	b.parts(func(e *element) bool { return yield(e) })
}

func (b *bill) element(kind, ref string) *element {
	return &element{Type: kind, ID: b.iri(ref), CreationInfo: creationID}
}

// parts gives what the bill holds, beginning with the image.
func (b *bill) parts(yield func(*element) bool) {
	image := b.element("software_Package", "Image")
	image.Name, image.Version, image.Purpose = valid(b.name), valid(b.version), "operatingSystem"
	if yield(image) && b.spdx3Agents(yield) && b.spdx3Packages(yield) && b.spdx3Files(yield) {
		b.spdx3Relationships(yield)
	}
}

// spdx3Agents gives suppliers and licenses, each once.
func (b *bill) spdx3Agents(yield func(*element) bool) bool {
	seen := map[string]*element{}
	for i := range b.packages {
		x := &b.packages[i]
		if x.supplier != "" {
			e := b.element("Organization", supplierRef(x.supplier))
			e.Name = x.supplier
			seen[e.ID] = e
		}
		if x.license.Text == "" {
			continue
		}
		e := b.element("simplelicensing_SimpleLicensingText", x.license.ref())
		e.Text = x.license.Text
		if x.license.Expression != "" {
			e.Type, e.Text, e.Expression = "simplelicensing_LicenseExpression", "", x.license.Expression
		}
		seen[e.ID] = e
	}
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		if !yield(seen[id]) {
			return false
		}
	}
	return true
}

func supplierRef(name string) string {
	return "Supplier-" + license{Text: name}.ref()[len("LicenseRef-"):]
}

func (b *bill) spdx3Packages(yield func(*element) bool) bool {
	for i := range b.packages {
		x := &b.packages[i]
		e := b.element("software_Package", "Package-"+x.ref)
		e.Name, e.Version, e.PackageURL = valid(x.Name), valid(x.Version), x.purl
		e.Summary, e.HomePage = x.summary, x.homepage
		if x.supplier != "" {
			e.SuppliedBy = b.iri(supplierRef(x.supplier))
		}
		if !yield(e) {
			return false
		}
	}
	return true
}

func (b *bill) spdx3Files(yield func(*element) bool) bool {
	for i, f := range b.files {
		e := b.element("software_File", fmt.Sprintf("File-%d", i))
		e.Name = f.Path.String()
		e.VerifiedUsing = []hash{{"Hash", "sha256", f.SHA256}}
		if !yield(e) {
			return false
		}
	}
	return true
}

// spdx3Relationships gives what contains what, and the declared licenses.
func (b *bill) spdx3Relationships(yield func(*element) bool) {
	relate := func(from, kind string, to []string) bool {
		if len(to) == 0 {
			return true
		}
		e := b.element("Relationship", "Relationship-"+from+"-"+kind)
		e.From, e.Relationship, e.To = b.iri(from), kind, to
		return yield(e)
	}
	owned := map[*item][]string{}
	for i, f := range b.files {
		x := b.owner(f)
		owned[x] = append(owned[x], b.iri(fmt.Sprintf("File-%d", i)))
	}
	var inImage []string
	for i := range b.packages {
		inImage = append(inImage, b.iri("Package-"+b.packages[i].ref))
	}
	if !relate("Image", "contains", append(inImage, owned[nil]...)) {
		return
	}
	for i := range b.packages {
		x := &b.packages[i]
		if !relate("Package-"+x.ref, "contains", owned[x]) {
			return
		}
		if x.license.Text != "" && !relate("Package-"+x.ref, "hasDeclaredLicense", []string{b.iri(x.license.ref())}) {
			return
		}
	}
}
