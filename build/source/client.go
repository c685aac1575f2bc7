package source

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
)

// Access is how a server is talked to.
type Access struct {
	// Insecure goes without checking the server's certificate; the content's
	// checksum is checked all the same.
	Insecure bool
	// Secrets names who knows what the server asks for: "" or [MutualTLS].
	Secrets string
}

// The providers of secrets that osbuild has.
const (
	MutualTLS    = "org.osbuild.mtls"
	subscription = "org.osbuild.rhsm"
)

// checkSecrets refuses providers that cannot be asked here.
func checkSecrets(name string) error {
	switch name {
	case "", MutualTLS:
		return nil
	case subscription, subscription + ".consumer":
		return fmt.Errorf("the secrets of %q, a subscription of this machine, are not read; "+
			"name the subscription's certificate by %q, or download the file and name it by a file:// URL", name, MutualTLS)
	}
	return fmt.Errorf("the secrets of %q are not to be had here; %q can be", name, MutualTLS)
}

func newTransport(o Options) (*http.Transport, error) {
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: o.Stall}
	}
	transport = transport.Clone()
	// A server may pack content on the way; checksums are over what it packs.
	transport.DisableCompression = true
	transport.MaxIdleConnsPerHost = o.Parallel
	if o.Proxy == "" {
		return transport, nil
	}
	proxy, err := url.Parse(o.Proxy)
	if err != nil || proxy.Host == "" {
		// The URL may hold a password: it is not shown.
		return nil, errors.New("the proxy's URL is none; it is written http://HOST:PORT")
	}
	transport.Proxy = http.ProxyURL(proxy)
	return transport, nil
}

// client is the client for one kind of access.
func (f *fetcher) client(a Access) (*http.Client, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.clients[a]; c != nil {
		return c, nil
	}
	transport := f.base.Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{}
	}
	transport.TLSClientConfig.InsecureSkipVerify = a.Insecure
	if a.Secrets == MutualTLS {
		if err := f.o.ClientTLS.apply(transport.TLSClientConfig); err != nil {
			return nil, err
		}
	}
	c := &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	f.clients[a] = c
	return c, nil
}

// apply reads the files. Errors name them and show nothing of what is in them.
func (c ClientTLS) apply(config *tls.Config) error {
	if c.Cert == "" || c.Key == "" {
		return fmt.Errorf("the secrets %s need paths in OSBUILD_SOURCES_CURL_SSL_CLIENT_CERT and OSBUILD_SOURCES_CURL_SSL_CLIENT_KEY", MutualTLS)
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return fmt.Errorf("read the client certificate %s and its key %s: %w", c.Cert, c.Key, err)
	}
	config.Certificates = []tls.Certificate{pair}
	if c.CA == "" {
		return nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return fmt.Errorf("read the authority's certificates: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("read the authority's certificates: %s has none in PEM form", c.CA)
	}
	return nil
}

// maxRedirects is how many redirects one request follows.
const maxRedirects = 10

// errRedirects ends a chain of redirects; trying again would not help.
var errRedirects = fmt.Errorf("more than %d redirects", maxRedirects)

func checkRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errRedirects
	}
	return nil
}
