// Package bundle packs a manifest and everything that its sources name into
// one file, and gives it back without a network.
//
// A bundle is an OCI image layout in a tar file (image-spec, image-layout.md):
//
//	oci-layout, index.json    the entry: one artifact
//	blobs/sha256/HEX          the artifact's manifest, the osbuild manifest
//	                          byte for byte, each content
//
// The artifact lists the osbuild manifest first and then the contents, sorted
// by the checksum that the osbuild manifest calls them by. The same manifest
// and contents give the same bytes, whoever packs them and when; the digest of
// the artifact's manifest stands for all of them.
//
// The package fetches nothing and builds nothing. Data that stands in the
// manifest itself (org.osbuild.inline) is not packed a second time.
//
//	summary, err := bundle.Write(ctx, w, bundle.Contents{Document: doc, Checksums: sums, Source: store.Source})
//	b, err := bundle.Open("debian.bundle")
//	options := source.Options{Local: b}
package bundle

// Media types and annotations of a bundle. The empty configuration is that of
// image-spec, manifest.md, "Guidance for an Empty Descriptor".
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeEmpty    = "application/vnd.oci.empty.v1+json"
	typeBundle   = "application/vnd.assay.bundle.v1"
	typeDocument = "application/vnd.assay.manifest.v1+json"
	typeSource   = "application/vnd.assay.source.v1"
	// checksumKey is the checksum by which the osbuild manifest calls a content.
	checksumKey = "dev.assay.checksum"
)

const (
	layoutFile = "oci-layout"
	indexFile  = "index.json"
	blobDir    = "blobs/sha256/"
	layoutJSON = `{"imageLayoutVersion":"1.0.0"}`
)

// A descriptor points at a blob.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// An artifact is the manifest of a bundle.
type artifact struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

// An index is the entry of the layout.
type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}
