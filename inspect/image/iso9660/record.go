package iso9660

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf16"
)

// The flags of a directory record.
const (
	flagDirectory  = 0x02
	flagAssociated = 0x04
	flagMore       = 0x80 // another extent of the file follows
)

// A record is a directory record.
type record struct {
	extent    uint32 // in blocks, after the extended attributes
	size      uint32
	date      []byte
	flags     byte
	weaved    bool
	name      []byte
	systemUse []byte
}

// parseRecord reads one record, which is what b holds.
func parseRecord(b []byte) (record, error) {
	const fixed = 33
	if len(b) < fixed+1 || int(b[32]) > len(b)-fixed {
		return record{}, errors.New("a directory record is too short")
	}
	end := fixed + int(b[32])
	rec := record{
		extent: le.Uint32(b[2:]) + uint32(b[1]),
		size:   le.Uint32(b[10:]),
		date:   b[18:25],
		flags:  b[25],
		weaved: b[26] != 0 || b[27] != 0,
		name:   b[fixed:end],
	}
	end += end % 2 // the area starts at an even byte
	if end < len(b) {
		rec.systemUse = b[end:]
	}
	return rec, nil
}

func (r *record) directory() bool { return r.flags&flagDirectory != 0 }

// self tells of the two records that stand for a directory and its parent.
func (r *record) self() bool { return len(r.name) == 1 && r.name[0] <= 1 }

// mtime is the time of the record.
func (r *record) mtime() time.Time { return shortTime(r.date) }

// shortTime is a time of seven bytes: the year since 1900, and the zone in
// quarters of an hour east of UTC, which Linux heeds up to 13 hours.
func shortTime(b []byte) time.Time {
	t := time.Date(1900+int(b[0]), time.Month(b[1]), int(b[2]), int(b[3]), int(b[4]), int(b[5]), 0, time.UTC)
	return east(t, int8(b[6]))
}

func east(t time.Time, zone int8) time.Time {
	if zone < -52 || zone > 52 {
		return t
	}
	return t.Add(-time.Duration(zone) * 15 * time.Minute)
}

// longTime is a time of 17 bytes, 16 of them digits.
func longTime(b []byte) (time.Time, error) {
	var year, month, day, hour, minute, second, hundredths int
	if _, err := fmt.Sscanf(string(b[:16]), "%4d%2d%2d%2d%2d%2d%2d", &year, &month, &day, &hour, &minute, &second, &hundredths); err != nil {
		return time.Time{}, fmt.Errorf("the time %q: %w", b[:16], err)
	}
	return east(time.Date(year, time.Month(month), day, hour, minute, second, hundredths*10_000_000, time.UTC), int8(b[16])), nil
}

// plainName is a name as Linux shows it where there is nothing better: in lower
// case, without ";1" and without the dot before it.
func plainName(old []byte) string {
	var out []byte
	for i, c := range old {
		rest := string(old[i:])
		if c == 0 || rest == ".;1" || rest == ";1" {
			break
		}
		switch {
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		case c == ';' || c == '/':
			c = '.'
		}
		out = append(out, c)
	}
	return string(out)
}

// jolietName is a name in big-endian UTF-16, without ";1" and dots at its end.
func jolietName(b []byte) string {
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		c := uint16(b[i])<<8 | uint16(b[i+1])
		if c == 0 {
			break
		}
		units = append(units, c)
	}
	if n := len(units); n > 2 && units[n-2] == ';' && units[n-1] == '1' {
		units = units[:n-2]
	}
	for n := len(units); n >= 2 && units[n-1] == '.'; n-- {
		units = units[:n-1]
	}
	return string(utf16.Decode(units))
}
