package source

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// maxMirrors is how many mirrors of a list are used.
const maxMirrors = 500

// parseMirrorList reads a base URL a line; lines with # are comments. What is
// neither http nor https (ftp, rsync) is passed over.
func parseMirrorList(data []byte) ([]*url.URL, error) {
	var bases []*url.URL
	for line := range strings.Lines(string(data)) {
		if base := webURL(strings.TrimSpace(line)); base != nil && len(bases) < maxMirrors {
			bases = append(bases, base)
		}
	}
	return bases, nil
}

// webURL is the URL when it is one of http or https, nil else.
func webURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}

// repomd is the file that a repository's metalink is about; a mirror's base
// URL is what stands before it.
const repomd = "repodata/repomd.xml"

// A metalinkURL is one place of the file, the greater the preference the
// better: metalinker.org, Metalink 3.0.
type metalinkURL struct {
	Text       string `xml:",chardata"`
	Preference int    `xml:"preference,attr"`
}

// parseMetalink reads the places of repomd.xml, the preferred ones first.
func parseMetalink(data []byte) ([]*url.URL, error) {
	var document struct {
		XMLName xml.Name `xml:"metalink"`
		Files   []struct {
			Name string        `xml:"name,attr"`
			URLs []metalinkURL `xml:"resources>url"`
		} `xml:"files>file"`
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("the encoding %q is not read; UTF-8 is", charset)
	}
	if err := d.Decode(&document); err != nil {
		return nil, err
	}
	for _, file := range document.Files {
		if file.Name != "repomd.xml" {
			continue
		}
		slices.SortStableFunc(file.URLs, func(a, b metalinkURL) int { return b.Preference - a.Preference })
		return metalinkBases(file.URLs), nil
	}
	return nil, errors.New("it names no repomd.xml")
}

func metalinkBases(urls []metalinkURL) []*url.URL {
	var bases []*url.URL
	for _, u := range urls {
		text, ok := strings.CutSuffix(strings.TrimSpace(u.Text), repomd)
		if base := webURL(text); ok && base != nil && len(bases) < maxMirrors {
			bases = append(bases, base)
		}
	}
	return bases
}
