package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A Link is one URL with how it is accessed.
type Link struct {
	URL *url.URL
	Access
	// accept is the Accept header, "" for none.
	accept string
	// client is for a server that wants more than Access says.
	client *http.Client
	// slots bounds how many requests are made at once; nil does not.
	slots chan struct{}
}

// shown is the URL without a password.
func (l Link) shown() string { return l.URL.Redacted() }

// wait takes a slot, where the number of requests is bounded.
func (l Link) wait(ctx context.Context) (release func(), err error) {
	if l.slots == nil {
		return func() {}, nil
	}
	select {
	case l.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-l.slots }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// secrets names a provider, as curl's items and librepo's mirrors do.
type secrets struct {
	Name string `json:"name"`
}

func (s *secrets) provider() (string, error) {
	if s == nil {
		return "", nil
	}
	return s.Name, checkSecrets(s.Name)
}

// curlLinks reads "URL" or {"url", "mirrors", "insecure", "secrets"}.
func curlLinks(value json.RawMessage) ([]Link, error) {
	var v struct {
		URL      string   `json:"url"`
		Mirrors  []string `json:"mirrors"`
		Insecure bool     `json:"insecure"`
		Secrets  *secrets `json:"secrets"`
	}
	if json.Unmarshal(value, &v.URL) != nil {
		if err := json.Unmarshal(value, &v); err != nil {
			return nil, fmt.Errorf("read the item: %w", err)
		}
	}
	provider, err := v.Secrets.provider()
	if err != nil {
		return nil, err
	}
	var links []Link
	for _, text := range append([]string{v.URL}, v.Mirrors...) {
		u, err := readURL(text)
		if err != nil {
			return nil, err
		}
		links = append(links, Link{URL: u, Access: Access{v.Insecure, provider}})
	}
	return links, nil
}

func readURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The error repeats the URL, which may hold a password.
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("read the URL: %w", err)
	}
	return u, checkURL(u)
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
