package source

// Every image is shown to steps as a directory in the form of skopeo's "dir"
// transport: containers/image, directory/directory_transport.go.
const (
	dirVersion    = "Directory Transport Version: 1.1\n"
	dirVersionSum = "sha256:c08ff8b68add15153b4fa2ca4ab4e70a6068f4d28286145b60636da0b374c9a4"
)

// Contents are the checksums of what an item is made of: of a file its own, of
// a container image those of its manifest, layers and configuration. It is
// false where that is not known yet, because the image's manifest is not in
// dest. An item that no source has is taken for a file.
func (c *Catalog) Contents(dest Dest, sum string) (sums []string, whole bool) {
	item, err := c.Item(sum)
	if err != nil {
		return []string{sum}, true
	}
	return contents(dest, item)
}

func contents(dest Dest, item Item) (sums []string, whole bool) {
	if item.Image == nil {
		return []string{item.Checksum}, true
	}
	sums = []string{item.Image.Digest}
	m, err := readManifest(dest, item)
	if err != nil {
		return append(sums, item.Checksum), false
	}
	for _, layer := range m.Layers {
		sums = append(sums, layer.Digest.String())
	}
	return append(sums, dirVersionSum, item.Checksum), true
}

// ImageDigest is the digest of the manifest of the container image that goes
// by the id sum, "" where the item is none.
func (c *Catalog) ImageDigest(sum string) string {
	item, err := c.Item(sum)
	if err != nil || item.Image == nil {
		return ""
	}
	return item.Image.Digest
}

// Directory is how a container image that is in dest looks as a directory in
// the form of skopeo's "dir" transport: names, and the checksums of their
// contents.
func (c *Catalog) Directory(dest Dest, sum string) (map[string]string, error) {
	item, err := c.Item(sum)
	if err != nil {
		return nil, err
	}
	m, err := readManifest(dest, item)
	if err != nil {
		return nil, err
	}
	names := map[string]string{"manifest.json": item.Image.Digest, "version": dirVersionSum, m.Config.Digest.Hex: item.Checksum}
	for _, layer := range m.Layers {
		names[layer.Digest.Hex] = layer.Digest.String()
	}
	return names, nil
}
