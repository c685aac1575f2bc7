package settings

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func caCertificates() section.Section {
	return section.Section{
		Name: "ca-certificates", Oracle: "openssl x509",
		Source: "/etc/ssl/certs/ca-certificates.crt, /etc/pki/tls/certs/ca-bundle.crt, /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem, /etc/ssl/ca-bundle.pem, /etc/ssl/cert.pem; what is added in /usr/local/share/ca-certificates, /etc/pki/ca-trust/source/anchors, /usr/share/pki/ca-trust-source/anchors",
		Fill:   fillCertificates,
	}
}

// certificateFiles are the bundles that programs read, and the directories from
// which these are made.
func certificateFiles(t *tree.Tree) ([]string, error) {
	names := []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	}
	for _, pattern := range []string{
		"/usr/local/share/ca-certificates/*.crt", "/usr/local/share/ca-certificates/*/*.crt", "/etc/pki/ca-trust/source/anchors/*", "/usr/share/pki/ca-trust-source/anchors/*",
	} {
		files, err := t.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.Node.Type != report.Directory {
				names = append(names, f.Path)
			}
		}
	}
	return names, nil
}

func fillCertificates(_ context.Context, t *tree.Tree, r *report.Report) error {
	names, err := certificateFiles(t)
	if err != nil {
		return err
	}
	found := map[string]*report.Certificate{}
	read := map[string]bool{}
	for _, name := range names {
		f, err := t.Lookup(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if read[f.Path] {
			continue // several names are links to one bundle
		}
		read[f.Path] = true
		data, err := f.Read(section.MaxTable)
		if err != nil {
			return err
		}
		addCertificates(found, f.Path, data)
	}
	if len(read) == 0 {
		return section.Absent("no bundle of certificates")
	}
	for _, c := range found {
		r.CACertificates = append(r.CACertificates, *c)
	}
	slices.SortFunc(r.CACertificates, func(a, b report.Certificate) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return nil
}

// addCertificates takes those of one file, in PEM or a single one in DER.
func addCertificates(found map[string]*report.Certificate, source string, data []byte) {
	block, rest := pem.Decode(data)
	if block == nil {
		addCertificate(found, source, data)
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			addCertificate(found, source, block.Bytes)
		case "TRUSTED CERTIFICATE": // OpenSSL writes behind it what it is trusted for
			var certificate asn1.RawValue
			if _, err := asn1.Unmarshal(block.Bytes, &certificate); err == nil {
				addCertificate(found, source, certificate.FullBytes)
			}
		}
	}
}

// addCertificate takes one; what cannot be parsed is told with the reason.
func addCertificate(found map[string]*report.Certificate, source string, der []byte) {
	sum := sha256.Sum256(der)
	fingerprint := hex.EncodeToString(sum[:])
	c := found[fingerprint]
	if c == nil {
		c = &report.Certificate{Fingerprint: fingerprint}
		if x, err := x509.ParseCertificate(der); err == nil {
			c.Subject, c.NotAfter = x.Subject.String(), x.NotAfter.UTC().Format(time.RFC3339)
		} else {
			c.Problem = err.Error()
		}
		found[fingerprint] = c
	}
	if !slices.Contains(c.Sources, source) {
		c.Sources = append(c.Sources, source)
		slices.Sort(c.Sources)
	}
}
