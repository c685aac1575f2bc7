package source

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/manifest"
)

// An Item is one piece of content and where it comes from: URL or Inline.
type Item struct {
	Checksum string
	URL      *url.URL
	// Insecure goes without checking the server's certificate; the content's
	// checksum is checked all the same.
	Insecure bool
	Inline   *InlineData
}

// InlineData is content that stands in the manifest.
type InlineData struct {
	Encoding string `json:"encoding"`
	Data     string `json:"data"`
}

// shownURL is the URL without a password.
func (i Item) shownURL() string { return i.URL.Redacted() }

// Plan finds where each wanted checksum comes from: the first source that has
// it and can be fetched. The order is that of wanted; repeated ones count once.
func Plan(sources []*manifest.Source, wanted []string) ([]Item, error) {
	origins := index(sources)
	var items []Item
	planned := make(map[string]bool, len(wanted))
	for _, sum := range wanted {
		if planned[sum] {
			continue
		}
		planned[sum] = true
		o, ok := origins[sum]
		if !ok {
			return nil, fmt.Errorf("plan sources: no source has %q", sum)
		}
		item, err := o.item(sum)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.source.Path.At("items", sum), err)
		}
		items = append(items, item)
	}
	return items, nil
}

// An origin is the place of one item in the manifest.
type origin struct {
	source *manifest.Source
	value  json.RawMessage
}

func index(sources []*manifest.Source) map[string]origin {
	origins := map[string]origin{}
	for _, s := range sources {
		for _, item := range s.Items {
			if before, ok := origins[item.ID]; !ok || !Supported(before.source.Type) {
				origins[item.ID] = origin{s, item.Value}
			}
		}
	}
	return origins
}

func (o origin) item(sum string) (Item, error) {
	switch o.source.Type {
	case Curl:
		return curlItem(sum, o.value)
	case Inline:
		item := Item{Checksum: sum, Inline: &InlineData{}}
		if err := json.Unmarshal(o.value, item.Inline); err != nil {
			return item, fmt.Errorf("read inline data: %w", err)
		}
		return item, checkEncoding(item.Inline.Encoding)
	}
	return Item{}, fmt.Errorf("sources of type %q cannot be fetched; those of type %s can", o.source.Type, strings.Join(Types(), " and "))
}

// curlItem reads "URL" or {"url", "insecure", "secrets"}.
func curlItem(sum string, value json.RawMessage) (Item, error) {
	var v struct {
		URL      string `json:"url"`
		Insecure bool   `json:"insecure"`
		Secrets  *struct {
			Name string `json:"name"`
		} `json:"secrets"`
	}
	if json.Unmarshal(value, &v.URL) != nil {
		if err := json.Unmarshal(value, &v); err != nil {
			return Item{}, fmt.Errorf("read the item: %w", err)
		}
	}
	if v.Secrets != nil {
		return Item{}, fmt.Errorf("the secrets of %q are not to be had here; download the file and name it by a file:// URL", v.Secrets.Name)
	}
	u, err := url.Parse(v.URL)
	if err != nil {
		return Item{}, fmt.Errorf("read the URL: %w", err)
	}
	return Item{Checksum: sum, URL: u, Insecure: v.Insecure}, checkURL(u)
}

func checkURL(u *url.URL) error {
	switch {
	case !slices.Contains([]string{"http", "https", "file"}, u.Scheme):
		return fmt.Errorf("%s: the scheme %q is none of http, https and file", u.Redacted(), u.Scheme)
	case u.Scheme != "file" && u.Host == "":
		return fmt.Errorf("%s: the URL has no host", u.Redacted())
	case u.Scheme == "file" && (u.Host != "" && u.Host != "localhost" || !strings.HasPrefix(u.Path, "/")):
		return fmt.Errorf("%s: a file URL is file:///ABSOLUTE/PATH", u.Redacted())
	}
	return nil
}
