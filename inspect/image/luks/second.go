package luks

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The header of version 2: a binary one of 4 KiB, then JSON. A copy lies behind it.
const (
	minHeader = 16 << 10
	maxHeader = 4 << 20
	// maxObjects is how many key slots, segments and digests cryptsetup takes.
	maxObjects = 32
)

// A number is one that JSON has as a string, for 64 bits.
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil || v < 0 {
		return fmt.Errorf("%.40s is no number", b)
	}
	*n = number(v)
	return nil
}

// metadata is the JSON of a header.
type metadata struct {
	Keyslots map[string]struct {
		Type    string
		KeySize int64 `json:"key_size"`
		Area    struct {
			Type, Encryption string
			KeySize          int64 `json:"key_size"`
			Offset, Size     number
		}
		KDF struct {
			Type, Hash       string
			Salt             []byte
			Iterations, Time int64
			Memory, CPUs     int64
		}
		AF struct {
			Type, Hash string
			Stripes    int64
		}
	}
	Segments map[string]struct {
		Type       string
		Offset     number
		Size       string
		IVTweak    number `json:"iv_tweak"`
		Encryption string
		SectorSize int64 `json:"sector_size"`
		Integrity  *struct{ Type string }
		Flags      []string
	}
	Digests map[string]struct {
		Type, Hash         string
		Keyslots, Segments []string
		Iterations         int64
		Salt, Digest       []byte
	}
	Tokens map[string]struct{ Type string }
	Config struct {
		Flags        []string
		Requirements struct{ Mandatory []string }
	}
}

// readSecond reads a header of version 2, or its copy where it is broken.
func (v *Volume) readSecond() error {
	m, label, err := v.readHeader(0, magic)
	if err != nil {
		first := err
		for at := int64(minHeader); at <= maxHeader; at *= 2 {
			if m, label, err = v.readHeader(at, secondMagic); err == nil {
				v.Problems = append(v.Problems, fmt.Errorf("the first header is broken, its copy was read: %w", first))
				break
			}
		}
		if err != nil {
			return first
		}
	}
	v.Label = label
	return v.take(m)
}

// readHeader reads one of the two, and checks its checksum.
func (v *Volume) readHeader(at int64, want string) (*metadata, string, error) {
	head := make([]byte, headSize)
	if err := readFull(v.dev, head, at); err != nil {
		return nil, "", err
	}
	size := int64(be.Uint64(head[8:]))
	switch {
	case string(head[:6]) != want || be.Uint16(head[6:]) != 2:
		return nil, "", fmt.Errorf("there is no header at byte %d", at)
	case int64(be.Uint64(head[256:])) != at:
		return nil, "", fmt.Errorf("the header at byte %d says that it is elsewhere", at)
	case size < minHeader || size > maxHeader || size > v.dev.Size()-at:
		return nil, "", fmt.Errorf("a header of %d bytes is impossible", size)
	}
	b := make([]byte, size)
	if err := readFull(v.dev, b, at); err != nil {
		return nil, "", err
	}
	sums := map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New}
	h := sums[text(head[72:104])]
	if h == nil {
		return nil, "", fmt.Errorf("the checksum %q is not read", text(head[72:104]))
	}
	sum := h()
	clear(b[448:512])
	sum.Write(b)
	if got := sum.Sum(nil); !bytes.Equal(got, head[448:448+len(got)]) {
		return nil, "", errors.New("the checksum of the header does not match")
	}
	doc, _, _ := bytes.Cut(b[headSize:], []byte{0})
	m := &metadata{}
	if err := json.Unmarshal(doc, m); err != nil {
		return nil, "", fmt.Errorf("metadata: %w", err)
	}
	v.facts["subsystem"] = text(head[208:256])
	if v.facts["subsystem"] == "" {
		delete(v.facts, "subsystem")
	}
	return m, text(head[24:72]), nil
}

// take fills the volume from the metadata.
func (v *Volume) take(m *metadata) error {
	if max(len(m.Keyslots), len(m.Segments), len(m.Digests), len(m.Tokens)) > maxObjects {
		return fmt.Errorf("there are more than %d key slots, segments, digests or tokens", maxObjects)
	}
	if err := v.takeSegment(m); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.Digests)) {
		d := m.Digests[name]
		v.digests = append(v.digests, digest{
			kdf:    kdf{kind: d.Type, hash: d.Hash, salt: d.Salt, time: d.Iterations},
			want:   d.Digest,
			slots:  d.Keyslots,
			ofData: len(d.Segments) > 0,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Keyslots)) {
		k := m.Keyslots[name]
		if k.Type != "luks2" || k.Area.Type != "raw" || k.AF.Type != "luks1" {
			v.facts["keyslot_"+name] = k.Type + " " + k.Area.Type
			continue // of a reencryption
		}
		s := slot{
			name: name, keySize: k.KeySize, hash: k.AF.Hash, stripes: k.AF.Stripes,
			offset: int64(k.Area.Offset), cipher: k.Area.Encryption, cipherKeySize: k.Area.KeySize,
			kdf: kdf{kind: k.KDF.Type, hash: k.KDF.Hash, salt: k.KDF.Salt, time: k.KDF.Time, memory: k.KDF.Memory, threads: k.KDF.CPUs},
		}
		if s.kdf.kind == "pbkdf2" {
			s.kdf.time = k.KDF.Iterations
		}
		for i, d := range v.digests {
			if d.ofData && slices.Contains(d.slots, name) {
				s.digests = append(s.digests, i)
			}
		}
		v.slots = append(v.slots, s)
	}
	v.takeFacts(m)
	return nil
}

// takeSegment takes the one segment of a volume that is in no reencryption.
func (v *Volume) takeSegment(m *metadata) error {
	if len(m.Segments) != 1 {
		names := slices.Sorted(maps.Keys(m.Segments))
		v.closed = fmt.Errorf("it has the segments %q: one in the middle of a reencryption is not read", names)
	}
	names := slices.Sorted(maps.Keys(m.Segments))
	if len(names) == 0 {
		return errors.New("there is no segment")
	}
	s := m.Segments[names[0]]
	v.Cipher, v.SectorSize, v.Offset, v.tweak = s.Encryption, s.SectorSize, int64(s.Offset), uint64(s.IVTweak)
	if v.SectorSize < 512 || v.SectorSize > 4096 || v.SectorSize&(v.SectorSize-1) != 0 {
		return fmt.Errorf("sectors of %d bytes are impossible", v.SectorSize)
	}
	switch {
	case s.Type != "crypt":
		v.closed = fmt.Errorf("a segment of the type %q is not read", s.Type)
	case s.Integrity != nil:
		v.closed = fmt.Errorf("a volume with integrity (%s) is not read", s.Integrity.Type)
	}
	if s.Size == "dynamic" {
		v.Size = (v.dev.Size() - v.Offset) / v.SectorSize * v.SectorSize
		return nil
	}
	size, err := strconv.ParseInt(s.Size, 10, 64)
	if err != nil || size <= 0 || size%v.SectorSize != 0 {
		return fmt.Errorf("a segment of %.40q bytes is impossible", s.Size)
	}
	v.Size = size
	return nil
}

// takeFacts notes what else changes how a volume is opened.
func (v *Volume) takeFacts(m *metadata) {
	if r := m.Config.Requirements.Mandatory; len(r) > 0 {
		v.closed = fmt.Errorf("it requires %s, which is not read", strings.Join(r, ", "))
	}
	if len(m.Config.Flags) > 0 {
		slices.Sort(m.Config.Flags)
		v.facts["flags"] = strings.Join(m.Config.Flags, " ")
	}
	var tokens []string
	for _, t := range m.Tokens {
		tokens = append(tokens, t.Type)
	}
	if slices.Sort(tokens); len(tokens) > 0 {
		v.facts["tokens"] = strings.Join(tokens, " ")
	}
}
