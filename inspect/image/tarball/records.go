package tarball

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A record is one line of an extended header.
type record struct{ key, value string }

// records are in the order of the archive: sparse maps repeat keys.
type records []record

// parseRecords reads "LENGTH KEY=VALUE\n" lines.
func parseRecords(b []byte) (records, error) {
	var out records
	for len(b) > 0 && b[0] != 0 {
		digits, _, ok := strings.Cut(string(b[:min(len(b), 24)]), " ")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || n <= len(digits)+2 || n > len(b) || b[n-1] != '\n' {
			return nil, errors.New("a line of the extended header is malformed")
		}
		key, value, ok := strings.Cut(string(b[len(digits)+1:n-1]), "=")
		if !ok || key == "" {
			return nil, errors.New("a line of the extended header has no key")
		}
		out = append(out, record{key, value})
		b = b[n:]
	}
	return out, nil
}

// last is the value that counts, and whether there is one: an empty one takes
// back those before it.
func (r records) last(key string) (string, bool) {
	for i := len(r) - 1; i >= 0; i-- {
		if r[i].key == key {
			return r[i].value, r[i].value != ""
		}
	}
	return "", false
}

// apply puts the values of an extended header in place of the header's own.
func (r records) apply(h *header) error {
	for key, field := range map[string]*string{"path": &h.name, "linkpath": &h.link} {
		if v, ok := r.last(key); ok {
			if strings.Contains(v, "\x00") {
				return fmt.Errorf("%s: it holds a NUL", key)
			}
			*field = v
		}
	}
	for key, field := range map[string]*int64{"uid": &h.uid, "gid": &h.gid, "size": &h.size, devMajor: &h.major, devMinor: &h.minor} {
		if v, ok := r.last(key); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return fmt.Errorf("%s: %q is no number", key, v)
			}
			*field = n
			delete(h.bad, key)
		}
	}
	if v, ok := r.last("mtime"); ok {
		t, err := parseTime(v)
		if err != nil {
			return fmt.Errorf("mtime: %w", err)
		}
		h.mtime = t
		delete(h.bad, "mtime")
	}
	v, _ := r.last("SCHILY.fflags")
	h.attributes = fileFlags(v)
	return nil
}

// The numbers of a device that the header has no room for.
const (
	devMajor = "SCHILY.devmajor"
	devMinor = "SCHILY.devminor"
)

// fileFlags are the flags of chattr(1) by the names that libarchive has for them, with
// commas between. Linux has none of the others.
func fileFlags(names string) uint32 {
	known := map[string]uint32{
		"sappnd": fsys.Append, "sappend": fsys.Append, "uappnd": fsys.Append, "uappend": fsys.Append,
		"schg": fsys.Immutable, "schange": fsys.Immutable, "simmutable": fsys.Immutable,
		"uchg": fsys.Immutable, "uchange": fsys.Immutable, "uimmutable": fsys.Immutable,
		"nodump": fsys.Nodump, "noatime": 0x80, "compress": 0x4, "ucompressed": 0x4, "dirsync": 0x10000, "projinherit": 0x20000000, "nocow": 0x800000,
		"secdel": 0x1, "securedeletion": 0x1, "sync": 0x8, "synchronous": 0x8, "topdir": 0x20000, "notail": 0x8000, "undel": 0x2,
		"journal": 0x4000, "journal-data": 0x4000,
	}
	var flags uint32
	for _, name := range strings.Split(names, ",") {
		flags |= known[name]
	}
	return flags
}

// parseTime reads decimal seconds. Digits beyond nanoseconds are cut off,
// towards the past, as the kernel would keep them.
func parseTime(s string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0123456789") != "" || sec > math.MaxInt64/2 || sec < math.MinInt64/2 {
		return time.Time{}, fmt.Errorf("%q is no time", s)
	}
	digits := (fraction + "000000000")[:9]
	nsec, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time", s)
	}
	if strings.HasPrefix(whole, "-") {
		if strings.Trim(fraction[min(9, len(fraction)):], "0") != "" {
			nsec++
		}
		nsec = -nsec
	}
	return time.Unix(sec, nsec).UTC(), nil
}

// attributes collects what the known archivers write: star and GNU tar
// (SCHILY.xattr, SCHILY.acl, RHT.security.selinux) and libarchive (LIBARCHIVE.xattr).
func (r records) attributes() (map[string]report.Raw, error) {
	out := map[string]report.Raw{}
	var errs []error
	plain := false // libarchive writes names as they are
	for _, rec := range r {
		var err error
		if name, ok := strings.CutPrefix(rec.key, "LIBARCHIVE.xattr."); ok {
			plain = true
			err = libarchiveAttribute(out, name, rec.value)
		}
		if rec.key == "RHT.security.selinux" { // setfilecon(3) puts a NUL behind it
			out["security.selinux"] = report.Raw(strings.TrimSuffix(rec.value, "\x00") + "\x00")
		}
		name, ok := strings.CutPrefix(rec.key, "SCHILY.acl.")
		if _, exact := r.last("SCHILY.xattr.system.posix_acl_" + name); ok && !exact {
			err = aclAttribute(out, name, rec.value)
		}
		errs = append(errs, err)
	}
	for _, rec := range r { // these are exact, and count more than the others
		if name, ok := strings.CutPrefix(rec.key, "SCHILY.xattr."); ok {
			if !plain {
				name = strings.NewReplacer("%3D", "=", "%25", "%").Replace(name) // as GNU tar does
			}
			out[name] = report.Raw(rec.value)
		}
	}
	return out, fsys.Reasons(errs...)
}

func libarchiveAttribute(out map[string]report.Raw, name, value string) error {
	plain, err := url.PathUnescape(name)
	if err != nil {
		return fmt.Errorf("attribute %q: %w", name, err)
	}
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return fmt.Errorf("attribute %q: %w", name, err)
	}
	out[plain] = report.Raw(data)
	return nil
}
