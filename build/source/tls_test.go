package source

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An authority signs certificates for servers and clients of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	a.key, der = a.sign(t, template, template)
	a.write(t, "ca.pem", "CERTIFICATE", der)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a key and its certificate; the parent itself is signed by itself.
func (a *authority) sign(t *testing.T, template, parent *x509.Certificate) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if template == parent {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issue writes NAME.pem and NAME.key.
func (a *authority) issue(t *testing.T, name string) ClientTLS {
	t.Helper()
	key, der := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return ClientTLS{
		Cert: a.write(t, name+".pem", "CERTIFICATE", der), Key: a.write(t, name+".key", "PRIVATE KEY", private),
		CA: filepath.Join(a.dir, "ca.pem"),
	}
}

// serveTLS serves to clients whose certificate the authority signed.
func (a *authority) serveTLS(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := a.issue(t, "server")
	pair, err := tls.LoadX509KeyPair(server.Cert, server.Key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	site := httptest.NewUnstartedServer(handler)
	site.Config.ErrorLog = log.New(io.Discard, "", 0)
	site.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	site.StartTLS()
	t.Cleanup(site.Close)
	return site
}

// TestClientCertificate: the secrets org.osbuild.mtls, and how each way of
// getting them wrong is told: once, without trying again.
func TestClientCertificate(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	site := ours.serveTLS(t, whole(payload))
	good, foreign := ours.issue(t, "client"), theirs.issue(t, "client")
	without := func(change func(*ClientTLS)) ClientTLS {
		c := good
		change(&c)
		return c
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("SECRET garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	mtls := map[string]any{"url": site.URL + "/file", "secrets": map[string]string{"name": MutualTLS}}
	tests := map[string]struct {
		tls   ClientTLS
		value any
		err   string
	}{
		"good":               {good, mtls, ""},
		"insecure":           {without(func(c *ClientTLS) { c.CA = "" }), map[string]any{"url": site.URL, "insecure": true, "secrets": mtls["secrets"]}, ""},
		"not asked for":      {good, map[string]any{"url": site.URL + "/file", "insecure": true}, "the server wants a client certificate"},
		"of a foreign one":   {ClientTLS{foreign.Cert, foreign.Key, good.CA}, mtls, "the server wants a client certificate"},
		"unknown server":     {without(func(c *ClientTLS) { c.CA = foreign.CA }), mtls, "certificate signed by unknown authority"},
		"system authorities": {without(func(c *ClientTLS) { c.CA = "" }), mtls, "certificate signed by unknown authority"},
		"none":               {ClientTLS{}, mtls, "OSBUILD_SOURCES_CURL_SSL_CLIENT_CERT and OSBUILD_SOURCES_CURL_SSL_CLIENT_KEY"},
		"another's key":      {without(func(c *ClientTLS) { c.Key = foreign.Key }), mtls, "private key does not match public key"},
		"no key":             {without(func(c *ClientTLS) { c.Key = garbage }), mtls, "garbage: tls: failed to find any PEM data in key input"},
		"no authority":       {without(func(c *ClientTLS) { c.CA = garbage }), mtls, "has none in PEM form"},
		"no such file":       {without(func(c *ClientTLS) { c.CA = garbage + "x" }), mtls, "no such file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, o := openStore(t), quick()
			o.ClientTLS = tt.tls
			err := Fetch(t.Context(), curl(t, sum(payload), tt.value), []string{sum(payload)}, d, o)
			if tt.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				wantContent(t, d, payload)
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), site.URL) {
				t.Errorf("error %v, want the URL and %q", err, tt.err)
			}
			if err != nil && (strings.Contains(err.Error(), "tried") || strings.Contains(err.Error(), "SECRET")) {
				t.Errorf("error %v: it was tried again, or tells a secret", err)
			}
		})
	}
}
