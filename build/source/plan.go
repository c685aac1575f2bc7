package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest"
)

// The types of sources that can be fetched.
const (
	Curl        = "org.osbuild.curl"
	Inline      = "org.osbuild.inline"
	Librepo     = "org.osbuild.librepo"
	Skopeo      = "org.osbuild.skopeo"
	SkopeoIndex = "org.osbuild.skopeo-index"
)

// Types lists the types of sources that can be fetched, sorted.
func Types() []string { return []string{Curl, Inline, Librepo, Skopeo, SkopeoIndex} }

// Supported reports whether sources of this type can be fetched.
func Supported(sourceType string) bool { return slices.Contains(Types(), sourceType) }

// An Item is one piece of content, or one container image, and where it may be
// had. Where several sources have it, all of them count: Inline is tried first,
// then Links and Mirrored in the manifest's order.
type Item struct {
	Checksum string
	Inline   *InlineData
	Links    []Link
	Mirrored []Mirrored
	Image    *Image
	Index    *Image
}

// InlineData is content that stands in the manifest.
type InlineData struct {
	Encoding string `json:"encoding"`
	Data     string `json:"data"`
}

// A Catalog knows where a manifest's content comes from. It is not changed
// after NewCatalog and may be used by several at once.
type Catalog struct {
	origins map[string][]origin
	order   []string
	// mirrors are by the place of their source and their name.
	mirrors map[string]*mirrors
}

// An origin is the place of one item in the manifest.
type origin struct {
	source *manifest.Source
	value  json.RawMessage
}

// NewCatalog indexes a manifest's sources.
func NewCatalog(sources []*manifest.Source) *Catalog {
	c := &Catalog{origins: map[string][]origin{}, mirrors: map[string]*mirrors{}}
	for _, s := range sources {
		for _, item := range s.Items {
			if c.origins[item.ID] == nil {
				c.order = append(c.order, item.ID)
			}
			c.origins[item.ID] = append(c.origins[item.ID], origin{s, item.Value})
		}
	}
	return c
}

// All are the checksums of every item, in the manifest's order.
func (c *Catalog) All() []string { return c.order }

// Plan finds where each wanted checksum comes from. The order is that of
// wanted; repeated ones count once.
func (c *Catalog) Plan(wanted []string) ([]Item, error) {
	var items []Item
	planned := make(map[string]bool, len(wanted))
	for _, sum := range wanted {
		if planned[sum] {
			continue
		}
		planned[sum] = true
		item, err := c.Item(sum)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// Check says what keeps an item from being fetched, whatever the network is
// like.
func Check(s *manifest.Source, item manifest.Item) error {
	if reason := Unfetchable(s.Type); reason != "" {
		return errors.New(reason)
	}
	one := NewCatalog(nil)
	return one.add(&Item{Checksum: item.ID}, origin{s, item.Value})
}

// Provides is the type of the inputs that take what a source has: files or
// container images; "" where it cannot be fetched.
func Provides(sourceType string) string {
	switch {
	case !Supported(sourceType):
		return ""
	case sourceType == Skopeo:
		return "org.osbuild.containers"
	}
	return "org.osbuild.files"
}

// Item finds where a checksum comes from. The error tells the place in the
// manifest when the sources that have it cannot be used.
func (c *Catalog) Item(sum string) (Item, error) {
	item := Item{Checksum: sum}
	origins := c.origins[sum]
	if len(origins) == 0 {
		return item, fmt.Errorf("plan sources: no source has %q", sum)
	}
	var unsupported error
	for _, o := range origins {
		problem := func(err error) error { return fmt.Errorf("%s: %w", o.source.Path.At("items", sum), err) }
		if reason := Unfetchable(o.source.Type); reason != "" {
			if unsupported == nil {
				unsupported = problem(errors.New(reason))
			}
			continue
		}
		if err := c.add(&item, o); err != nil {
			return item, problem(err)
		}
	}
	if item.empty() {
		return item, unsupported
	}
	return item, nil
}

func (i *Item) empty() bool {
	return i.Inline == nil && i.Image == nil && i.Index == nil && len(i.Links)+len(i.Mirrored) == 0
}

// Unfetchable is why sources of a type cannot be fetched, "" when they can.
func Unfetchable(sourceType string) string {
	switch {
	case Supported(sourceType):
		return ""
	case sourceType == "org.osbuild.ostree":
		return "ostree commits cannot be fetched yet; commit the tree to a tar file and name that by org.osbuild.curl"
	case sourceType == "org.osbuild.containers-storage":
		return "the containers of this machine are no content that others could fetch; push the image to a registry and name it by " + Skopeo
	}
	return fmt.Sprintf("sources of type %q cannot be fetched; those of type %s can", sourceType, strings.Join(Types(), ", "))
}

// add reads one origin into item.
func (c *Catalog) add(item *Item, o origin) (err error) {
	switch o.source.Type {
	case Curl:
		var links []Link
		links, err = curlLinks(o.value)
		item.Links = append(item.Links, links...)
	case Librepo:
		var m Mirrored
		m, err = c.mirrored(o)
		item.Mirrored = append(item.Mirrored, m)
	case Inline:
		item.Inline = &InlineData{}
		if err := json.Unmarshal(o.value, item.Inline); err != nil {
			return fmt.Errorf("read inline data: %w", err)
		}
		return checkEncoding(item.Inline.Encoding)
	case Skopeo:
		item.Image, err = readImage(o.value, true)
	case SkopeoIndex:
		item.Index, err = readImage(o.value, false)
	}
	return err
}
