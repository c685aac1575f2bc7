package imageinfo

import "strings"

// An ini is sections of options, as Python's configparser reads them. The section
// DEFAULT is in all others.
type ini map[string]map[string]string

// parseINI reads sections; lower makes the names of options lower case, as
// configparser does unless it is told not to. What it would refuse is left out.
func parseINI(lines []string, lower bool) ini {
	p := &iniParser{found: ini{}, defaults: map[string]string{}, lower: lower}
	for _, line := range lines {
		p.line(line)
	}
	for _, options := range p.found {
		for name, value := range p.defaults {
			if _, ok := options[name]; !ok {
				options[name] = value
			}
		}
	}
	return p.found
}

type iniParser struct {
	found    ini
	defaults map[string]string
	lower    bool
	options  map[string]string // of the section that is read
	option   string            // the last one, which a deeper line goes on with
	indent   int
}

func (p *iniParser) line(line string) {
	text := strings.TrimSpace(line)
	if text == "" || text[0] == '#' || text[0] == ';' {
		return
	}
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	if p.option != "" && indent > p.indent {
		p.options[p.option] += "\n" + text
		return
	}
	p.indent, p.option = indent, ""
	if text[0] == '[' {
		p.section(text)
		return
	}
	i := strings.IndexAny(text, "=:")
	if i < 0 || p.options == nil {
		return
	}
	p.option = strings.TrimSpace(text[:i])
	if p.lower {
		p.option = strings.ToLower(p.option)
	}
	p.options[p.option] = strings.TrimSpace(text[i+1:])
}

func (p *iniParser) section(text string) {
	i := strings.LastIndexByte(text, ']')
	if i < 2 {
		return
	}
	name := text[1:i]
	if name == "DEFAULT" {
		p.options = p.defaults
		return
	}
	if p.found[name] == nil {
		p.found[name] = map[string]string{}
	}
	p.options = p.found[name]
}

// filled are the sections that have options.
func (f ini) filled() ini {
	out := ini{}
	for name, options := range f {
		if len(options) > 0 {
			out[name] = options
		}
	}
	return out
}

// The bounds of interpolation: how deep configparser follows names in values, and
// how many names of a value are followed in all.
const (
	maxInterpolation = 10
	maxNames         = 1000
)

// interpolated replaces %(name)s by the option of that name, and %% by %.
func (f ini) interpolated() ini {
	out := ini{}
	for section, options := range f {
		out[section] = map[string]string{}
		for name, value := range options {
			p := interpolation{options: options, left: maxNames}
			out[section][name] = p.text(value, maxInterpolation)
		}
	}
	return out
}

type interpolation struct {
	options map[string]string
	left    int
}

func (p *interpolation) text(value string, depth int) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(value, "%")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, found := strings.Cut(strings.TrimPrefix(rest, "("), ")s")
		switch {
		case strings.HasPrefix(rest, "%"):
			b.WriteByte('%')
			value = rest[1:]
		case strings.HasPrefix(rest, "(") && found && depth > 0 && p.left > 0:
			p.left--
			b.WriteString(p.text(p.options[strings.ToLower(name)], depth-1))
			value = after
		default:
			b.WriteByte('%')
			value = rest
		}
	}
}
