package packages

import (
	"crypto/sha1" //nolint:gosec // what names a key of version 4
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The kinds of OpenPGP packets that are read (RFC 9580, section 5).
const (
	packetSignature = 2
	packetKey       = 6
	packetUser      = 13
	packetSubkey    = 14
)

// maxPackets bounds what one file of keys may hold.
const maxPackets = 100_000

var errPacket = errors.New("an OpenPGP packet is cut off")

// eachPacket calls fn for each OpenPGP packet of data: RFC 9580, section 4.2. One of
// partial or unknown length, which only literal data may have, is an error.
func eachPacket(data []byte, fn func(kind int, body []byte) error) error {
	for n := 0; len(data) > 0; n++ {
		if n == maxPackets {
			return fmt.Errorf("more than %d OpenPGP packets", maxPackets)
		}
		kind, body, rest, err := nextPacket(data)
		if err != nil {
			return err
		}
		if err := fn(kind, body); err != nil {
			return err
		}
		data = rest
	}
	return nil
}

func nextPacket(data []byte) (kind int, body, rest []byte, err error) {
	head := data[0]
	if head&0x80 == 0 {
		return 0, nil, nil, errors.New("it holds no OpenPGP packets")
	}
	length, data := 0, data[1:]
	if head&0x40 != 0 {
		kind = int(head & 0x3f)
		if length, data, err = newLength(data); err != nil {
			return 0, nil, nil, err
		}
	} else {
		kind = int(head>>2) & 0xf
		width := 1 << (head & 3)
		if width == 8 || len(data) < width {
			return 0, nil, nil, errPacket
		}
		for _, b := range data[:width] {
			length = length<<8 | int(b)
		}
		data = data[width:]
	}
	if length > len(data) {
		return 0, nil, nil, errPacket
	}
	return kind, data[:length], data[length:], nil
}

// newLength reads a length of one, two or five bytes; subpackets have it, too.
func newLength(data []byte) (int, []byte, error) {
	switch {
	case len(data) > 0 && data[0] < 192:
		return int(data[0]), data[1:], nil
	case len(data) > 1 && data[0] < 224:
		return (int(data[0])-192)<<8 + int(data[1]) + 192, data[2:], nil
	case len(data) > 4 && data[0] == 255:
		return int(binary.BigEndian.Uint32(data[1:])), data[5:], nil
	}
	return 0, nil, errPacket
}

// An openpgpSignature is what stands in a signature, hashed or not.
type openpgpSignature struct {
	kind            byte
	algorithm, hash byte
	created         uint32
	issuer          string
	fingerprint     string
	keyExpires      uint32
}

// parseSignature reads a signature packet of version 3 to 6.
func parseSignature(body []byte) (*openpgpSignature, error) {
	if len(body) == 0 {
		return nil, errPacket
	}
	switch body[0] {
	case 2, 3:
		if len(body) < 17 || body[1] != 5 {
			return nil, errPacket
		}
		return &openpgpSignature{kind: body[2], created: binary.BigEndian.Uint32(body[3:]), issuer: fmt.Sprintf("%016X", body[7:15]), algorithm: body[15], hash: body[16]}, nil
	case 4, 6:
		return parseSubpackets(body)
	}
	return nil, fmt.Errorf("a signature of version %d", body[0])
}

func parseSubpackets(body []byte) (*openpgpSignature, error) {
	width := 2
	if body[0] == 6 {
		width = 4
	}
	if len(body) < 4+width {
		return nil, errPacket
	}
	s := &openpgpSignature{kind: body[1], algorithm: body[2], hash: body[3]}
	rest := body[4:]
	for range 2 { // the hashed ones, then the others
		if len(rest) < width {
			return nil, errPacket
		}
		size := int(binary.BigEndian.Uint16(rest))
		if width == 4 {
			size = int(binary.BigEndian.Uint32(rest))
		}
		if size > len(rest)-width {
			return nil, errPacket
		}
		if err := s.subpackets(rest[width : width+size]); err != nil {
			return nil, err
		}
		rest = rest[width+size:]
	}
	return s, nil
}

// subpackets reads what is known of RFC 9580, section 5.2.3.7.
func (s *openpgpSignature) subpackets(data []byte) error {
	for len(data) > 0 {
		size, rest, err := newLength(data)
		if err != nil || size == 0 || size > len(rest) {
			return errPacket
		}
		kind, value := rest[0]&0x7f, rest[1:size]
		switch {
		case kind == 2 && len(value) == 4:
			s.created = binary.BigEndian.Uint32(value)
		case kind == 9 && len(value) == 4:
			s.keyExpires = binary.BigEndian.Uint32(value)
		case kind == 16 && len(value) == 8:
			s.issuer = fmt.Sprintf("%016X", value)
		case kind == 33 && len(value) > 8:
			s.fingerprint = fmt.Sprintf("%X", value[1:])
			if value[0] == 4 {
				s.issuer = s.fingerprint[max(0, len(s.fingerprint)-16):]
			} else {
				s.issuer = s.fingerprint[:16]
			}
		}
		data = rest[size:]
	}
	return nil
}

// An openpgpKey is a public key's packet.
type openpgpKey struct {
	fingerprint string
	algorithm   string
	created     uint32
}

// parseKey reads the packet of a public key of version 4 to 6. Keys of version 3 are
// named by an MD5, and no package manager takes them any more.
func parseKey(body []byte) (*openpgpKey, error) {
	if len(body) < 6 {
		return nil, errPacket
	}
	k := &openpgpKey{created: binary.BigEndian.Uint32(body[1:])}
	material := body[6:]
	switch body[0] {
	case 4:
		head := []byte{0x99, byte(len(body) >> 8), byte(len(body))}
		k.fingerprint = fmt.Sprintf("%X", sha1.Sum(append(head, body...))) //nolint:gosec // as the format has it
	case 5, 6:
		if len(body) < 10 {
			return nil, errPacket
		}
		head := binary.BigEndian.AppendUint32([]byte{0x95 + body[0]}, uint32(len(body)))
		k.fingerprint = fmt.Sprintf("%X", sha256.Sum256(append(head, body...)))
		material = body[10:]
	default:
		return nil, fmt.Errorf("a key of version %d", body[0])
	}
	k.algorithm = keyAlgorithm(body[5], material)
	return k, nil
}

// keyAlgorithm names a key's kind as gpg does.
func keyAlgorithm(id byte, material []byte) string {
	bits := 0
	if len(material) >= 2 {
		bits = int(binary.BigEndian.Uint16(material))
	}
	switch id {
	case 1, 2, 3:
		return fmt.Sprintf("rsa%d", bits)
	case 16:
		return fmt.Sprintf("elg%d", bits)
	case 17:
		return fmt.Sprintf("dsa%d", bits)
	case 18, 19, 22:
		if len(material) > 0 && int(material[0]) < len(material) {
			return curveName(material[1 : 1+material[0]])
		}
	case 25:
		return "x25519"
	case 26:
		return "x448"
	case 27:
		return "ed25519"
	case 28:
		return "ed448"
	}
	return fmt.Sprintf("algorithm %d", id)
}

// curveName names a curve by the bytes of its object identifier.
func curveName(oid []byte) string {
	names := map[string]string{
		"2b06010401da470f01": "ed25519", "2b060104019755010501": "cv25519", "2a8648ce3d030107": "nistp256", "2b81040022": "nistp384", "2b81040023": "nistp521",
		"2b2403030208010107": "brainpoolP256r1", "2b240303020801010b": "brainpoolP384r1", "2b240303020801010d": "brainpoolP512r1", "2b8104000a": "secp256k1",
	}
	if name := names[fmt.Sprintf("%x", oid)]; name != "" {
		return name
	}
	return fmt.Sprintf("curve %x", oid)
}

// signatureAlgorithm names a signature's kind as rpm does.
func signatureAlgorithm(s *openpgpSignature) string {
	kinds := map[byte]string{1: "RSA", 3: "RSA", 17: "DSA", 19: "ECDSA", 22: "EdDSA", 27: "Ed25519", 28: "Ed448"}
	hashes := map[byte]string{1: "MD5", 2: "SHA1", 3: "RIPEMD160", 8: "SHA256", 9: "SHA384", 10: "SHA512", 11: "SHA224", 12: "SHA3-256", 14: "SHA3-512"}
	kind, hash := kinds[s.algorithm], hashes[s.hash]
	if kind == "" {
		kind = fmt.Sprintf("algorithm %d", s.algorithm)
	}
	if hash == "" {
		hash = fmt.Sprintf("digest %d", s.hash)
	}
	return strings.Join([]string{kind, hash}, "/")
}
