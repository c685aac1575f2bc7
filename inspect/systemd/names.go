package systemd

import (
	"path"
	"slices"
	"strings"
)

// unitTypes are the suffixes of units.
func unitTypes() []string {
	return []string{".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"}
}

// isUnit tells whether a name can be a unit's, a template's or an instance's:
// systemd.unit(5), "Unit File Load Path" and "Description".
func isUnit(name string) bool {
	ext := path.Ext(name)
	prefix := strings.TrimSuffix(name, ext)
	if len(name) >= 256 || prefix == "" || prefix[0] == '@' || !slices.Contains(unitTypes(), ext) {
		return false
	}
	for _, c := range []byte(prefix) {
		if !isUnitByte(c) {
			return false
		}
	}
	return true
}

func isUnitByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(":-_.\\@", c) >= 0
}

func isTemplate(name string) bool {
	at := strings.IndexByte(name, '@')
	return at >= 0 && strings.LastIndexByte(name, '.') == at+1
}

func isInstance(name string) bool { return strings.IndexByte(name, '@') >= 0 && !isTemplate(name) }

// templateOf is the template of an instance or a template; "" for any other unit.
func templateOf(name string) string {
	at := strings.IndexByte(name, '@')
	if at < 0 {
		return ""
	}
	return name[:at+1] + path.Ext(name)
}

// instanceOf is what stands between "@" and the suffix.
func instanceOf(name string) string {
	_, rest, _ := strings.Cut(name, "@")
	return strings.TrimSuffix(rest, path.Ext(rest))
}

// instantiate gives a template its instance.
func instantiate(template, instance string) string {
	at := strings.IndexByte(template, '@')
	if at < 0 {
		return template
	}
	return template[:at+1] + instance + path.Ext(template)
}

// expand replaces the specifiers that name the unit itself (systemd.unit(5), "Specifiers"), and
// tells whether there was none but those.
func expand(value, unit string) (string, bool) {
	if !strings.Contains(value, "%") {
		return value, true
	}
	stem := strings.TrimSuffix(unit, path.Ext(unit))
	prefix, _, _ := strings.Cut(stem, "@")
	last := prefix[strings.LastIndexByte(prefix, '-')+1:]
	known := map[byte]string{
		'n': unit, 'N': stem, 'p': prefix, 'P': unescape(prefix), 'i': instanceOf(unit), 'I': unescape(instanceOf(unit)),
		'j': last, 'J': unescape(last), '%': "%",
	}
	if strings.IndexByte(unit, '@') < 0 {
		known['i'], known['I'] = "", ""
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '%' || i+1 == len(value) {
			b.WriteByte(value[i])
			continue
		}
		i++
		s, ok := known[value[i]]
		if !ok {
			return value, false
		}
		b.WriteString(s)
	}
	return b.String(), b.Len() < 1024
}

// unescape undoes systemd-escape(1).
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '-':
			b.WriteByte('/')
		case s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' && isHex(s[i+2]) && isHex(s[i+3]):
			b.WriteByte(hexValue(s[i+2])<<4 | hexValue(s[i+3]))
			i += 3
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdef", c) >= 0 }

func hexValue(c byte) byte { return byte(strings.IndexByte("0123456789abcdef", c)) }

// mountUnit is the name of the mount unit of a directory: systemd-escape -p.
func mountUnit(dir string) string {
	dir = strings.Trim(path.Clean("/"+dir), "/")
	if dir == "" {
		return "-.mount"
	}
	var b strings.Builder
	for i, c := range []byte(dir) {
		switch {
		case c == '/':
			b.WriteByte('-')
		case c == '.' && i == 0, c == '-', c == '\\', c == '@', !isUnitByte(c):
			b.WriteString("\\x" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + ".mount"
}
