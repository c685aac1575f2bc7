package stages

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// flow is a list that stands on one line.
type flow []any

// yamlText writes a mapping as PyYAML's dump does with its defaults and block
// style: keys sorted, lists not indented, quotes only where a text would be
// read as something else, lines folded at blanks behind column 80.
//
// It takes strings of printable ASCII, truth values, lists of strings, flow
// and map[string]any; that is all that the schemas let through.
func yamlText(mapping map[string]any) string {
	var b strings.Builder
	writeMapping(&b, mapping, 0)
	return b.String()
}

func writeMapping(b *strings.Builder, mapping map[string]any, indent int) {
	for _, key := range slices.Sorted(maps.Keys(mapping)) {
		start := strings.Repeat(" ", indent) + yamlScalar(key, false) + ":"
		b.WriteString(start)
		switch v := mapping[key].(type) {
		case map[string]any:
			if len(v) == 0 {
				b.WriteString(" {}\n")
				continue
			}
			b.WriteString("\n")
			writeMapping(b, v, indent+2)
		case flow:
			b.WriteString(" [" + strings.Join(yamlItems(v, true), ", ") + "]\n")
		case []any:
			writeList(b, v, indent)
		case bool:
			b.WriteString(" " + map[bool]string{true: "true", false: "false"}[v] + "\n")
		case string:
			b.WriteString(" " + fold(yamlScalar(v, false), len(start)+1, indent+2) + "\n")
		}
	}
}

func writeList(b *strings.Builder, list []any, indent int) {
	if len(list) == 0 {
		b.WriteString(" []\n")
		return
	}
	b.WriteString("\n")
	for _, item := range yamlItems(list, false) {
		b.WriteString(strings.Repeat(" ", indent) + "- " + fold(item, indent+2, indent+2) + "\n")
	}
}

func yamlItems(list []any, inFlow bool) []string {
	var items []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			items = append(items, yamlScalar(s, inFlow))
		}
	}
	return items
}

// resolved is what YAML 1.1, in PyYAML's reading, does not take for a text.
var resolved = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF`,
	`~|null|Null|NULL|<<|=`,
	`[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+`,
	`[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?`,
	`[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)`,
	`[0-9]{4}-[0-9]{2}-[0-9]{2}`,
	`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?`,
}, "|") + `)$`)

// yamlScalar is a text, in single quotes where it needs some.
func yamlScalar(s string, inFlow bool) string {
	if s == "" || resolved.MatchString(s) || !plain(s, inFlow) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return s
}

// plain says whether a text may stand without quotes.
func plain(s string, inFlow bool) bool {
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	if strings.IndexByte("#,[]{}&*!|>'\"%@`", s[0]) >= 0 || s[0] == '-' && (len(s) == 1 || s[1] == ' ') {
		return false
	}
	for i := range len(s) {
		blank := i+1 == len(s) || s[i+1] == ' '
		switch s[i] {
		case ':', '?':
			if inFlow || blank && (s[i] == ':' || i == 0) {
				return false
			}
		case '#':
			if i > 0 && s[i-1] == ' ' {
				return false
			}
		case ',', '[', ']', '{', '}':
			if inFlow {
				return false
			}
		}
	}
	return true
}

// fold breaks a line at a single blank where it is longer than 80 columns by
// then; the rest is indented.
func fold(text string, column, indent int) string {
	const width = 80
	inQuotes := strings.HasPrefix(text, "'")
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		single := text[i] == ' ' && i > 0 && text[i-1] != ' ' && i+1 < len(text) && text[i+1] != ' '
		// A blank beside the quotes would be lost.
		edge := inQuotes && (i == 1 || i == len(text)-2)
		if single && !edge && column > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
			continue
		}
		b.WriteByte(text[i])
		column++
	}
	return b.String()
}
