// Package sshkey tells of OpenSSH's keys what their public part is: type, size and
// fingerprint. Of a private key it reads no more than that.
package sshkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
)

// A Key is what everybody may know of a key.
type Key struct {
	// Type is OpenSSH's name: "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", ...
	Type        string
	Bits        int
	Fingerprint string
	Comment     string
	// Encrypted: it is a private key with a passphrase.
	Encrypted bool
}

// The errors of what is no key.
var (
	errNoKey  = errors.New("it holds no key")
	errNoBlob = errors.New("its public part cannot be read")
)

// Public reads the first line of a ".pub" file: "type base64 comment".
func Public(line string) (Key, error) {
	line, _, _ = strings.Cut(strings.TrimSpace(line), "\n")
	f := strings.SplitN(strings.TrimSpace(line), " ", 3)
	if len(f) < 2 {
		return Key{}, errNoKey
	}
	blob, err := base64.StdEncoding.DecodeString(f[1])
	if err != nil {
		return Key{}, errNoKey
	}
	k, err := FromBlob(blob)
	if err == nil && k.Type != f[0] {
		return Key{}, errNoKey
	}
	if len(f) == 3 {
		k.Comment = strings.TrimSpace(f[2])
	}
	return k, err
}

// FromBlob describes a public key in its wire form: RFC 4253, section 6.6.
func FromBlob(blob []byte) (Key, error) {
	kind, rest, ok := text(blob)
	if !ok || len(kind) == 0 {
		return Key{}, errNoBlob
	}
	sum := sha256.Sum256(blob)
	k := Key{Type: string(kind), Fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])}
	k.Bits = bits(k.Type, rest)
	return k, nil
}

// bits is the size as ssh-keygen(1) shows it; 0 where it is not known.
func bits(kind string, rest []byte) int {
	switch kind {
	case "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "sk-ecdsa-sha2-nistp256@openssh.com":
		return 256
	case "ecdsa-sha2-nistp384":
		return 384
	case "ecdsa-sha2-nistp521":
		return 521
	case "ssh-rsa":
		if _, rest, ok := text(rest); ok { // the exponent
			return bitLength(rest)
		}
	case "ssh-dss":
		return bitLength(rest)
	}
	return 0
}

// bitLength is the length of a number in its wire form.
func bitLength(rest []byte) int {
	number, _, ok := text(rest)
	if !ok {
		return 0
	}
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 {
		return 0
	}
	n := len(number) * 8
	for top := number[0]; top&0x80 == 0; top <<= 1 {
		n--
	}
	return n
}

// text takes one string off a wire form.
func text(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

// Private finds the public part of a private key's file: OpenSSH's own form (PROTOCOL.key),
// PKCS 1, PKCS 8 and SEC 1. The error says that it shows none; an encrypted key in
// OpenSSH's form does.
func Private(data []byte) (Key, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return Key{}, errNoKey
	}
	if block.Type == "OPENSSH PRIVATE KEY" {
		return openSSH(block.Bytes)
	}
	if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") || block.Type == "ENCRYPTED PRIVATE KEY" {
		return Key{Encrypted: true}, nil
	}
	return other(block)
}

// openSSH reads up to the public key, which is never encrypted.
func openSSH(b []byte) (Key, error) {
	b, ok := bytes.CutPrefix(b, []byte("openssh-key-v1\x00"))
	if !ok {
		return Key{}, errNoKey
	}
	cipher, b, ok1 := text(b)
	_, b, ok2 := text(b) // the key derivation's name
	_, b, ok3 := text(b) // and its options
	if !ok1 || !ok2 || !ok3 || len(b) < 4 {
		return Key{}, errNoBlob
	}
	blob, _, ok := text(b[4:])
	if !ok {
		return Key{}, errNoBlob
	}
	k, err := FromBlob(blob)
	k.Encrypted = string(cipher) != "none"
	return k, err
}

// other computes the public part of a key in one of OpenSSL's forms.
func other(block *pem.Block) (Key, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return Key{}, errNoKey
	}
	if err != nil {
		return Key{}, errNoBlob // the parser's words may tell of the key
	}
	var public any
	switch k := key.(type) {
	case *rsa.PrivateKey:
		public = &k.PublicKey
	case *ecdsa.PrivateKey:
		public = &k.PublicKey
	case ed25519.PrivateKey:
		public = k.Public()
	}
	p, err := ssh.NewPublicKey(public)
	if err != nil {
		return Key{}, errNoBlob
	}
	return FromBlob(p.Marshal())
}
