package packages

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/report"
)

// text makes a string of the image one that JSON keeps.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// sum is the hex SHA-256 of data.
func sum(data []byte) string {
	d := sha256.Sum256(data)
	return hex.EncodeToString(d[:])
}

// stamp is a time of seconds since 1970.
func stamp(seconds uint64) string {
	return time.Unix(int64(min(seconds, 1<<37)), 0).UTC().Format(time.RFC3339)
}

// An rpmTeller tells headers. It knows which tags are told by other means than one
// field: files are compared one by one (section "verification"), dependencies,
// scripts and signatures have their own lists, and when it was installed is not
// told at all.
type rpmTeller struct{ told map[uint32]bool }

func newRPMTeller() *rpmTeller {
	told := map[uint32]bool{1081: true, 1082: true, 1124: true, 1125: true, 1126: true, 1008: true, 1128: true} // the changelog's words, payload, installation
	for _, r := range [][2]uint32{{1027, 1037}, {1039, 1040}, {1045, 1045}, {1095, 1097}, {1116, 1118}, {1140, 1145}, {5008, 5008}, {5010, 5011}} {
		for id := r[0]; id <= r[1]; id++ {
			told[id] = true
		}
	}
	for _, s := range scriptlets() {
		told[s.body], told[s.prog], told[s.flags] = true, true, true
	}
	for _, t := range triggers() {
		for _, id := range []uint32{t.scripts, t.progs, t.flags, t.names, t.versions, t.senses, t.indexes, t.priorities} {
			told[id] = true
		}
	}
	for _, d := range dependencies() {
		told[d.names], told[d.senses], told[d.versions] = true, true, true
	}
	for id := range signatureTags() {
		told[id] = true
	}
	return &rpmTeller{told: told}
}

// facts tells a header. The error is about what its arrays say of each other; all
// else is told all the same.
func (r *rpmTeller) facts(h *rpmdb.Header) (report.RPMPackage, error) {
	p := report.RPMPackage{}
	fields := rpmTexts(&p)
	var left []*rpmdb.Tag
	for i := range h.Tags {
		t := &h.Tags[i]
		if field := fields[t.ID]; field != nil && *field == "" && t.Type >= rpmdb.String {
			if list := t.Strings(); len(list) > 0 {
				*field = text(list[0])
			}
			continue
		}
		if !r.told[t.ID] && !rpmNumbers(&p, t) && !rpmDigest(&p, t) {
			left = append(left, t)
		}
	}
	p.Payload = strings.TrimSpace(strings.Join([]string{firstText(h, 1124), firstText(h, 1125), firstText(h, 1126)}, " "))
	p.Files = rpmFileCounts(h)
	p.Signatures = rpmSignatures(h)
	p.Tags = otherTags(left)
	var err error
	if p.Dependencies, err = rpmDependencies(h); err != nil {
		return p, fmt.Errorf("package %s: %w", p.Name, err)
	}
	if p.Scripts, err = rpmScripts(h); err != nil {
		return p, fmt.Errorf("package %s: %w", p.Name, err)
	}
	return p, nil
}

// firstText is a tag's first string.
func firstText(h *rpmdb.Header, id uint32) string {
	if list := h.Find(id).Strings(); len(list) > 0 {
		return text(list[0])
	}
	return ""
}

// rpmTexts are the tags of one string, by number; of one in several languages the
// first counts, which is that of the package's author.
func rpmTexts(p *report.RPMPackage) map[uint32]*string {
	return map[uint32]*string{
		1000: &p.Name, 1001: &p.Version, 1002: &p.Release, 1004: &p.Summary, 1007: &p.BuildHost, 1010: &p.Distribution, 1011: &p.Vendor, 1014: &p.License,
		1015: &p.Packager, 1016: &p.Group, 1020: &p.URL, 1021: &p.OS, 1022: &p.Arch, 1044: &p.SourceRPM, 1064: &p.RPMVersion, 1132: &p.Platform,
		1155: &p.DistTag, 5012: &p.BugURL, 5034: &p.VCS, 5096: &p.Modularity,
	}
}

// rpmNumbers takes a tag of one number.
func rpmNumbers(p *report.RPMPackage, t *rpmdb.Tag) bool {
	switch t.ID {
	case 1003, 1006, 1009, 5009, 1080:
	default:
		return false
	}
	n := t.Numbers()
	if len(n) == 0 {
		return false
	}
	switch t.ID {
	case 1003:
		p.Epoch = strconv.FormatUint(n[0], 10)
	case 1006:
		p.BuildTime = stamp(n[0])
	case 1009, 5009:
		p.Size = max(p.Size, int64(n[0]&(1<<63-1)))
	case 1080:
		p.Changelog = len(n)
	}
	return true
}

// digestName is the name of a tag that holds a digest.
func digestName(id uint32) string {
	switch id {
	case 261:
		return "sigmd5"
	case 269:
		return "sha1header"
	case 273:
		return "sha256header"
	case 279:
		return "sha3_256header"
	case 5092:
		return "payloaddigest"
	case 5097:
		return "payloaddigestalt"
	}
	return ""
}

// rpmDigest takes a tag that holds a digest: as bytes, as hex, or as hex in a list.
func rpmDigest(p *report.RPMPackage, t *rpmdb.Tag) bool {
	name := digestName(t.ID)
	if name == "" {
		return false
	}
	value := hex.EncodeToString(t.Data)
	if t.Type != rpmdb.Binary {
		list := t.Strings()
		if len(list) != 1 {
			return false
		}
		value = text(list[0])
	}
	if p.Digests == nil {
		p.Digests = map[string]string{}
	}
	p.Digests[name] = value
	return true
}

func rpmFileCounts(h *rpmdb.Header) report.RPMFiles {
	c := report.RPMFiles{Listed: int(max(countOf(h, 1117), countOf(h, 1027)))}
	for _, f := range h.Find(tagFileFlags).Numbers() {
		c.Config += bit(f&rpmConfig != 0)
		c.Doc += bit(f&rpmDoc != 0)
		c.Ghost += bit(f&rpmGhost != 0)
		c.License += bit(f&rpmLicense != 0)
	}
	for _, s := range h.Find(tagFileStates).Numbers() {
		c.NotInstalled += bit(s == stateNotInstalled)
		c.Replaced += bit(s == stateReplaced)
		c.NetShared += bit(s == stateNetShared)
		c.WrongColor += bit(s == stateWrongColor)
	}
	for _, text := range h.Find(tagFileCaps).Strings() {
		c.Capabilities += bit(text != "" && text != "=")
	}
	return c
}

func countOf(h *rpmdb.Header, id uint32) uint32 {
	if t := h.Find(id); t != nil {
		return t.Count
	}
	return 0
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// maxValue is how long a tag's value may be to be told whole.
const maxValue = 64

// otherTags tells the rest.
func otherTags(tags []*rpmdb.Tag) []report.RPMTag {
	var list []report.RPMTag
	for _, t := range tags {
		name := rpmdb.TagName(t.ID)
		if name == strconv.FormatUint(uint64(t.ID), 10) {
			name = ""
		}
		o := report.RPMTag{Number: t.ID, Name: name, Type: typeName(t.Type), Count: t.Count}
		switch n, s := t.Numbers(), t.Strings(); {
		case t.Type != rpmdb.Binary && len(n) == 1:
			o.Value = strconv.FormatUint(n[0], 10)
		case len(s) == 1 && len(s[0]) <= maxValue:
			o.Value = text(s[0])
		default:
			o.SHA256 = sum(t.Data)
		}
		list = append(list, o)
	}
	slices.SortStableFunc(list, func(a, b report.RPMTag) int { return int(int64(a.Number) - int64(b.Number)) })
	return list
}

// typeName is the name of a kind of values.
func typeName(kind uint32) string {
	names := []string{"null", "char", "int8", "int16", "int32", "int64", "string", "binary", "string array", "i18n string"}
	if int(kind) < len(names) {
		return names[kind]
	}
	return strconv.FormatUint(uint64(kind), 10)
}
