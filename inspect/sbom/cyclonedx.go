package sbom

import (
	"fmt"
	"io"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/assay-os/assay/report"
)

// cycloneDX writes CycloneDX 1.6: packages are components of the image, and
// files components of their packages.
func (b *bill) cycloneDX(w io.Writer) error {
	doc := &cdx.BOM{
		JSONSchema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: cdx.BOMFormat, SpecVersion: cdx.SpecVersion1_6,
		SerialNumber: "urn:uuid:" + b.uuid(), Version: 1,
		Metadata: &cdx.Metadata{
			Timestamp:  b.created,
			Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhasePostBuild}},
			Tools:      &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "assay", Version: b.o.Version}}},
			Component:  &cdx.Component{BOMRef: "image", Type: b.imageType(), Name: valid(b.name), Version: valid(b.version)},
		},
		Components: &[]cdx.Component{},
	}
	if gaps := b.gaps(); gaps != "" {
		doc.Metadata.Properties = &[]cdx.Property{{Name: "assay:missing", Value: valid(gaps)}}
		doc.Compositions = &[]cdx.Composition{{Aggregate: cdx.CompositionAggregateIncomplete, Assemblies: &[]cdx.BOMReference{"image"}}}
	}
	return writeDocument(w, doc, list{"[]", "components", b.components})
}

// uuid is the identity as RFC 9562 has it for one's own forms, version 8.
func (b *bill) uuid() string {
	s := []byte(b.id)
	s[12], s[16] = '8', "89ab"[s[16]&3]
	return fmt.Sprintf("%s-%s-%s-%s-%s", s[:8], s[8:12], s[12:16], s[16:20], s[20:])
}

func (b *bill) imageType() cdx.ComponentType {
	if b.r.Subject.Kind == "container" {
		return cdx.ComponentTypeContainer
	}
	return cdx.ComponentTypeOS
}

func (b *bill) components(yield func(any) bool) {
	owned := map[*item][]int{}
	for i, e := range b.files {
		x := b.owner(e)
		owned[x] = append(owned[x], i)
	}
	for i := range b.packages {
		x := &b.packages[i]
		c := x.component()
		if files := owned[x]; len(files) > 0 {
			list := make([]cdx.Component, 0, len(files))
			for _, f := range files {
				list = append(list, fileComponent(f, &b.r.Files[f]))
			}
			c.Components = &list
		}
		if !yield(c) {
			return
		}
	}
	for _, f := range owned[nil] {
		if !yield(fileComponent(f, &b.r.Files[f])) {
			return
		}
	}
}

func (x *item) component() *cdx.Component {
	c := &cdx.Component{
		BOMRef: "package-" + x.ref, Type: cdx.ComponentTypeLibrary, Name: valid(x.Name), Version: valid(x.Version),
		PackageURL: x.purl, Description: x.summary,
	}
	if x.supplier != "" {
		c.Supplier = &cdx.OrganizationalEntity{Name: x.supplier}
	}
	if x.homepage != "" {
		c.ExternalReferences = &[]cdx.ExternalReference{{Type: cdx.ERTypeWebsite, URL: x.homepage}}
	}
	switch l := x.license; {
	case l.Expression != "":
		c.Licenses = &cdx.Licenses{{Expression: l.Expression}}
	case l.Text != "":
		c.Licenses = &cdx.Licenses{{License: &cdx.License{Name: l.Text}}}
	}
	return c
}

func fileComponent(i int, e *report.Entry) cdx.Component {
	return cdx.Component{
		BOMRef: fmt.Sprintf("file-%d", i), Type: cdx.ComponentTypeFile, Name: e.Path.String(),
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: e.SHA256}},
	}
}
