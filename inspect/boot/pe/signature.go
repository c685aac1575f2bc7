package pe

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// A Signature is one signature of a file. Nothing is proved by it alone: whether it is the
// certificate's, and whether that is to be trusted, is not judged here.
type Signature struct {
	// Signer is the certificate that the signature names; nil where it has none.
	Signer *x509.Certificate
	// Issuer and Serial name the certificate.
	Issuer pkix.RDNSequence
	Serial *big.Int
	// Algorithm is that of Digest, "sha256" or its object identifier; Digest is what is signed, in hex.
	Algorithm, Digest string
}

// pkcs7 is the only kind of entry that firmware reads.
const pkcs7 = 2

// maxEntries is how many signatures are read.
const maxEntries = 64

// Signatures reads the table of signatures. What was read before an error is returned.
func (f *File) Signatures() ([]Signature, error) {
	if f.certs.length == 0 {
		return nil, nil
	}
	if f.certs.length > MaxSignatures {
		return nil, fmt.Errorf("%d bytes of signatures are more than %d", f.certs.length, MaxSignatures)
	}
	table, err := f.bytes(f.certs.at, f.certs.length)
	if err != nil {
		return nil, err
	}
	var list []Signature
	for len(table) >= 8 && len(list) < maxEntries {
		length := int64(binary.LittleEndian.Uint32(table))
		if length < 8 || length > int64(len(table)) {
			return list, fmt.Errorf("a signature of %d bytes in %d", length, len(table))
		}
		if binary.LittleEndian.Uint16(table[6:]) == pkcs7 {
			s, err := parseSignature(table[8:length])
			if err != nil {
				return list, err
			}
			list = append(list, s...)
		}
		table = table[min(int64(len(table)), (length+7)/8*8):]
	}
	return list, nil
}

// What PKCS #7 (RFC 2315) has, and Microsoft's content in it.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      asn1.RawValue
	Content      contentInfo
	Certificates asn1.RawValue
	Signers      []signerInfo
}

type signerInfo struct {
	Version int
	Name    struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
}

type indirectData struct {
	Data   asn1.RawValue
	Digest struct {
		Algorithm pkix.AlgorithmIdentifier
		Value     []byte
	}
}

func parseSignature(der []byte) ([]Signature, error) {
	var outer contentInfo
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, fmt.Errorf("read signature: %w", err)
	}
	var data signedData
	if err := unmarshalSigned(outer.Content.Bytes, &data); err != nil {
		return nil, fmt.Errorf("read signed data: %w", err)
	}
	var content indirectData
	if _, err := asn1.Unmarshal(data.Content.Content.Bytes, &content); err != nil {
		return nil, fmt.Errorf("read what is signed: %w", err)
	}
	certs, err := x509.ParseCertificates(data.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	var list []Signature
	for _, info := range data.Signers {
		s := Signature{Serial: info.Name.Serial, Algorithm: algorithm(content.Digest.Algorithm.Algorithm), Digest: hex.EncodeToString(content.Digest.Value)}
		if _, err := asn1.Unmarshal(info.Name.Issuer.FullBytes, &s.Issuer); err != nil {
			return list, fmt.Errorf("read issuer: %w", err)
		}
		i := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			return c.SerialNumber.Cmp(s.Serial) == 0 && bytes.Equal(c.RawIssuer, info.Name.Issuer.FullBytes)
		})
		if i >= 0 {
			s.Signer = certs[i]
		}
		list = append(list, s)
	}
	return list, nil
}

// unmarshalSigned reads the parts of signed data. Of a signer only the beginning counts, which a
// structure of package asn1 cannot say.
func unmarshalSigned(der []byte, out *signedData) error {
	var seq asn1.RawValue
	if _, err := asn1.Unmarshal(der, &seq); err != nil {
		return err
	}
	rest, err := asn1.Unmarshal(seq.Bytes, &out.Version)
	for _, part := range []any{&out.Digests, &out.Content} {
		if err == nil {
			rest, err = asn1.Unmarshal(rest, part)
		}
	}
	if err != nil {
		return err
	}
	for len(rest) > 0 {
		var v asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &v); err != nil {
			return err
		}
		switch {
		case v.Class == asn1.ClassContextSpecific && v.Tag == 0:
			out.Certificates = v
		case v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSet:
			return unmarshalSigners(v.Bytes, out)
		}
	}
	return errors.New("no signer in it")
}

func unmarshalSigners(der []byte, out *signedData) error {
	for len(der) > 0 && len(out.Signers) < maxEntries {
		var seq asn1.RawValue
		var err error
		if der, err = asn1.Unmarshal(der, &seq); err != nil {
			return err
		}
		var s signerInfo
		rest, err := asn1.Unmarshal(seq.Bytes, &s.Version)
		if err == nil {
			_, err = asn1.Unmarshal(rest, &s.Name)
		}
		if err != nil {
			return err
		}
		if s.Name.Serial == nil {
			return errors.New("a signer without a serial number")
		}
		out.Signers = append(out.Signers, s)
	}
	return nil
}

func algorithm(id asn1.ObjectIdentifier) string {
	if id.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}) {
		return "sha256"
	}
	return id.String()
}
