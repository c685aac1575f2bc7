package packages

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func (c *catalogue) repositoryKeys() section.Section {
	return section.Section{
		Name: "repository-keys", Source: "rpm's database; /etc/pki/rpm-gpg, /usr/lib/rpm/gnupg/keys, /etc/apt/trusted.gpg, /etc/apt/trusted.gpg.d, /etc/apt/keyrings, /usr/share/keyrings, " +
			"/usr/share/pacman/keyrings",
		Oracle: "gpg --show-keys", Fill: c.fillRepositoryKeys,
	}
}

func keyGlobs() []string {
	return []string{
		"/etc/pki/rpm-gpg/*", "/etc/apt/trusted.gpg", "/etc/apt/trusted.gpg.d/*", "/etc/apt/keyrings/*", "/usr/share/keyrings/*",
		"/usr/share/pacman/keyrings/*.gpg", "/usr/lib/rpm/gnupg/keys/*",
	}
}

// maxKeys bounds the list.
const maxKeys = 20_000

// fillRepositoryKeys tells the keys that rpm's database holds, and those in files.
func (c *catalogue) fillRepositoryKeys(ctx context.Context, t *tree.Tree, r *report.Report) error {
	d := c.of(ctx, t, "rpm")
	r.RepositoryKeys = append(r.RepositoryKeys, d.keys...)
	trouble := d.err
	if errors.Is(trouble, fs.ErrNotExist) {
		trouble = nil
	}
	files, err := keyFiles(t)
	trouble = firstError(trouble, err)
	for _, f := range files {
		keys, err := keysIn(f)
		trouble = firstError(trouble, err)
		if r.RepositoryKeys = append(r.RepositoryKeys, keys...); len(r.RepositoryKeys) > maxKeys {
			return fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	slices.SortStableFunc(r.RepositoryKeys, func(a, b report.RepositoryKey) int {
		return cmp.Or(cmp.Compare(a.Fingerprint, b.Fingerprint), cmp.Compare(a.Source, b.Source))
	})
	if len(files)+len(r.RepositoryKeys) == 0 && trouble == nil {
		return section.Absent("no key of packages or repositories")
	}
	return trouble
}

// keyFiles are the files that may hold keys, each once, by the path that its names lead to.
func keyFiles(t *tree.Tree) (files []*tree.File, trouble error) {
	seen := map[string]bool{}
	for _, glob := range keyGlobs() {
		names, err := t.Glob(glob)
		trouble = firstError(trouble, err)
		for _, name := range names {
			f, err := t.Lookup(name.Path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				trouble = firstError(trouble, err)
			case f.Node.Type == report.File && !seen[f.Path]:
				seen[f.Path] = true
				files = append(files, f)
			}
		}
	}
	return files, trouble
}

// keysIn reads a file of keys. That it holds none is told, and no trouble.
func keysIn(f *tree.File) ([]report.RepositoryKey, error) {
	data, err := f.Read(section.MaxTable)
	if err != nil {
		return nil, err
	}
	keys, err := readKeys(data)
	return sourced(keys, err, f), nil
}

// sourced says where keys come from, and what is wrong there.
func sourced(keys []report.RepositoryKey, err error, f *tree.File) []report.RepositoryKey {
	if err != nil {
		keys = append(keys, report.RepositoryKey{Error: section.Clip(err.Error())})
	}
	for i := range keys {
		keys[i].Source = report.Raw(f.Path)
	}
	return keys
}

// rpmKeys are the keys that a package of rpm's database is: rpm --import makes one of each.
func rpmKeys(h *rpmdb.Header, f *tree.File) (list []report.RepositoryKey) {
	if h.Name() != "gpg-pubkey" {
		return nil
	}
	for _, text := range h.Find(tagPubKeys).Strings() {
		data, err := base64.StdEncoding.DecodeString(text)
		var keys []report.RepositoryKey
		if err == nil {
			keys, err = keysOf(data)
		}
		list = append(list, sourced(keys, err, f)...)
	}
	return list
}

// tagPubKeys is the number of the tag that holds keys.
const tagPubKeys = 266

// readKeys reads the public keys of a file: OpenPGP packets, armoured or not, or GnuPG's keybox.
func readKeys(data []byte) ([]report.RepositoryKey, error) {
	if len(data) >= 12 && string(data[8:12]) == "KBXf" {
		return readKeybox(data)
	}
	if i := bytes.Index(data, []byte("-----BEGIN PGP")); i >= 0 {
		return readArmour(data[i:])
	}
	return keysOf(data)
}

// readArmour reads the blocks of a text, one after the other.
func readArmour(data []byte) (all []report.RepositoryKey, err error) {
	begin, end := []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----"), []byte("-----END PGP PUBLIC KEY BLOCK-----")
	for blocks := 0; ; blocks++ {
		i := bytes.Index(data, begin)
		if i < 0 {
			if blocks == 0 {
				return nil, errors.New("it holds no block of a public key")
			}
			return all, nil
		}
		block, rest, ok := bytes.Cut(data[i+len(begin):], end)
		if !ok {
			return all, errors.New("a block of a public key does not end")
		}
		packets, err := armoured(block)
		if err != nil {
			return all, err
		}
		keys, err := keysOf(packets)
		if all = append(all, keys...); err != nil {
			return all, err
		}
		data = rest
	}
}

// armoured decodes a block: its headers up to an empty line, base64, and perhaps a checksum,
// which newer programs do not write and none has to check (RFC 9580, section 6.1).
func armoured(block []byte) ([]byte, error) {
	var text strings.Builder
	headers := true
	for i, line := range strings.Split(string(block), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case i == 0: // the rest of the first line
		case headers && line == "":
			headers = false
		case headers && strings.Contains(line, ": "):
		case strings.HasPrefix(line, "=") && len(line) == 5:
		default:
			headers = false
			text.WriteString(line)
		}
	}
	return base64.StdEncoding.DecodeString(text.String())
}

// readKeybox reads GnuPG's keybox (kbx/keybox-blob.c): blobs with their lengths, of which those of
// kind 2 hold OpenPGP packets.
func readKeybox(data []byte) (all []report.RepositoryKey, err error) {
	for len(data) > 0 {
		if len(data) < 16 {
			return all, errors.New("a blob of the keybox is cut off")
		}
		size := int64(binary.BigEndian.Uint32(data))
		if size < 16 || size > int64(len(data)) {
			return all, fmt.Errorf("a blob of the keybox of %d bytes in %d", size, len(data))
		}
		blob := data[:size]
		data = data[size:]
		if blob[4] != 2 {
			continue
		}
		from, length := int64(binary.BigEndian.Uint32(blob[8:])), int64(binary.BigEndian.Uint32(blob[12:]))
		if from+length > size {
			return all, errors.New("a key leaves its blob in the keybox")
		}
		keys, err := keysOf(blob[from : from+length])
		if all = append(all, keys...); err != nil {
			return all, err
		}
	}
	return all, nil
}

// A keyReader puts packets together: a key, its users, its subkeys, and what its owner signed of it.
// Whether these signatures are true is not checked.
type keyReader struct {
	list    []report.RepositoryKey
	created uint32
	subkey  bool
	// direct and user are the newest signatures of the owner over the key alone and over a
	// user; the first tells how long the key is good where there is one, as GnuPG has it.
	direct, user *openpgpSignature
}

func keysOf(data []byte) ([]report.RepositoryKey, error) {
	r := &keyReader{}
	err := eachPacket(data, r.packet)
	r.finish()
	if err == nil && len(r.list) == 0 {
		err = errors.New("it holds no public key")
	}
	return r.list, err
}

func (r *keyReader) packet(kind int, body []byte) error {
	if kind == packetKey {
		r.finish()
		k, err := parseKey(body)
		if err != nil {
			return err
		}
		*r = keyReader{list: append(r.list, report.RepositoryKey{Fingerprint: k.fingerprint, Algorithm: k.algorithm, Created: stamp(uint64(k.created))}), created: k.created}
	}
	if len(r.list) == 0 {
		return nil
	}
	last := &r.list[len(r.list)-1]
	switch kind {
	case packetSubkey:
		r.subkey = true
		k, err := parseKey(body)
		if err != nil {
			return err
		}
		last.Subkeys = append(last.Subkeys, k.fingerprint)
	case packetUser:
		last.Users = append(last.Users, text(string(body)))
	case packetSignature:
		s, err := parseSignature(body)
		if err != nil {
			return err
		}
		if !r.subkey && s.issuer != "" && strings.Contains(last.Fingerprint, s.issuer) {
			r.own(last, s)
		}
	}
	return nil
}

// own takes what the key's owner says of it.
func (r *keyReader) own(k *report.RepositoryKey, s *openpgpSignature) {
	newest := &r.user
	switch {
	case s.kind == 0x20:
		k.Revoked = true
		return
	case s.kind == 0x1f:
		newest = &r.direct
	case s.kind < 0x10 || s.kind > 0x13:
		return
	}
	if *newest == nil || s.created >= (*newest).created {
		*newest = s
	}
}

// finish writes how long the last key is good.
func (r *keyReader) finish() {
	if len(r.list) == 0 {
		return
	}
	for _, s := range []*openpgpSignature{r.direct, r.user} {
		if s != nil && s.keyExpires > 0 {
			r.list[len(r.list)-1].Expires = stamp(uint64(r.created) + uint64(s.keyExpires))
			return
		}
	}
}
