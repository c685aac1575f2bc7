package iso9660

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/assay-os/assay/report"
)

const (
	sectorSize = 2048
	systemArea = 16 * sectorSize
	// maxDescriptors bounds the list of volume descriptors.
	maxDescriptors = 64
)

// The types of volume descriptors.
const (
	typeBoot          = 0
	typePrimary       = 1
	typeSupplementary = 2
	typeEnd           = 255
)

// A volume is what the volume descriptors say.
type volume struct {
	primary    []byte
	joliet     []byte
	blockSize  int64
	root       record
	jolietRoot *record
	bootID     string
	boot       []bootImage
}

var errNoISO = errors.New("it is no ISO 9660 filesystem")

// readVolume reads the descriptors, which start at the 17th sector.
func readVolume(r io.ReaderAt) (volume, error) {
	var v volume
	var catalog uint32
	for i := range int64(maxDescriptors) {
		b := make([]byte, sectorSize)
		if n, _ := r.ReadAt(b, systemArea+i*sectorSize); n < sectorSize || string(b[1:6]) != "CD001" {
			break
		}
		switch b[0] {
		case typePrimary:
			if v.primary == nil {
				v.primary = b
			}
		case typeSupplementary:
			if v.joliet == nil && jolietLevel(b) {
				v.joliet = b
			}
		case typeBoot:
			if id := text(b[7:39]); id == "EL TORITO SPECIFICATION" && catalog == 0 {
				v.bootID, catalog = id, le.Uint32(b[0x47:])
			}
		}
		if b[0] == typeEnd {
			break
		}
	}
	if v.primary == nil {
		return v, errNoISO
	}
	if catalog != 0 {
		v.boot = readCatalog(r, catalog)
	}
	return v, v.measure()
}

// measure reads the sizes and the records of the root directories.
func (v *volume) measure() error {
	v.blockSize = int64(le.Uint16(v.primary[128:]))
	if v.blockSize != 512 && v.blockSize != 1024 && v.blockSize != sectorSize {
		return fmt.Errorf("blocks of %d bytes", v.blockSize)
	}
	root, err := parseRecord(v.primary[156:190])
	if err != nil {
		return fmt.Errorf("the record of the root directory: %w", err)
	}
	v.root = root
	if v.joliet != nil {
		if root, err := parseRecord(v.joliet[156:190]); err == nil {
			v.jolietRoot = &root
		}
	}
	return nil
}

// jolietLevel tells whether the escape sequences choose UCS-2.
func jolietLevel(b []byte) bool {
	e := string(b[88:91])
	return e == "%/@" || e == "%/C" || e == "%/E"
}

func (v *volume) size() int64 { return int64(le.Uint32(v.primary[80:])) * v.blockSize }

// text is a field that blanks fill up.
func text(b []byte) string { return strings.TrimRight(string(b), " \x00") }

func (v *volume) describe() report.Filesystem {
	return report.Filesystem{Type: "iso9660", UUID: v.uuid(), Label: v.label(), Settings: v.settings()}
}

// uuid is the time of the last change, or of the making, in digits: what
// blkid(8) takes for one.
func (v *volume) uuid() string {
	for _, at := range []int{830, 813} {
		d := string(v.primary[at : at+16])
		if strings.Trim(d, "0\x00") == "" && v.primary[at+16] == 0 {
			continue
		}
		return strings.Join([]string{d[:4], d[4:6], d[6:8], d[8:10], d[10:12], d[12:14], d[14:16]}, "-")
	}
	return ""
}

// label is the volume's name. Where Joliet has it in 16 characters, these
// stand for the underscores of the other, as blkid(8) puts it together.
func (v *volume) label() string {
	ascii := v.primary[40:72]
	if v.joliet == nil {
		return text(ascii)
	}
	units := make([]uint16, 0, len(ascii))
	wide := v.joliet[40:72]
	u, a := 0, 0
	for ; u+1 < len(wide) && a < len(ascii); u, a = u+2, a+1 {
		c := uint16(wide[u])<<8 | uint16(wide[u+1])
		if c >= 0xd800 && c < 0xdc00 && u+3 < len(wide) && wide[u+2]&0xfc == 0xdc {
			units = append(units, c)
			u += 2
			c = uint16(wide[u])<<8 | uint16(wide[u+1])
		}
		if ascii[a] != '_' {
			c = uint16(ascii[a])
		}
		units = append(units, c)
	}
	for ; a < len(ascii); a++ {
		units = append(units, uint16(ascii[a]))
	}
	return strings.TrimRight(string(utf16.Decode(units)), " \x00")
}

// settings are the descriptors' fields that are not the place of something, and
// the boot catalog.
func (v *volume) settings() map[string]string {
	p := v.primary
	m := map[string]string{
		"block_size": strconv.FormatInt(v.blockSize, 10),
		"blocks":     strconv.FormatUint(uint64(le.Uint32(p[80:])), 10),
	}
	for _, f := range []struct {
		name     string
		from, to int
	}{
		{"system_id", 8, 40}, {"volume_set_id", 190, 318}, {"publisher_id", 318, 446}, {"data_preparer_id", 446, 574},
		{"application_id", 574, 702}, {"copyright_file", 702, 739}, {"abstract_file", 739, 776}, {"bibliographic_file", 776, 813},
	} {
		if value := text(p[f.from:f.to]); value != "" {
			m[f.name] = value
		}
	}
	for name, at := range map[string]int{"created": 813, "modified": 830, "expires": 847, "effective": 864} {
		if d := p[at : at+17]; strings.Trim(string(d[:16]), "0\x00") != "" {
			m[name] = fmt.Sprintf("%s%+d", d[:16], int8(d[16])) // the zone in quarters of an hour
		}
	}
	if v.joliet != nil {
		m["version"] = "Joliet Extension"
	}
	if v.bootID != "" {
		m["boot_system_id"] = v.bootID
	}
	for i, b := range v.boot {
		m[fmt.Sprint("boot_image_", i+1)] = b.String()
	}
	return m
}
