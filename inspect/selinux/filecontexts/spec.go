package filecontexts

import (
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// None is the context of a line that says: no label is to be set.
const None = "<<none>>"

// A kind is the type of file that a line holds for; kindAny for all.
type kind uint8

const kindAny kind = 0

// kinds is how many kinds there are, kindAny included.
const kinds = 8

// kindOf gives the kind of a type of file. What is none of the seven types
// is kindAny: libselinux looks at lines of every type where it knows no mode.
func kindOf(t report.Type) kind {
	switch t {
	case report.Block:
		return 1
	case report.Char:
		return 2
	case report.Directory:
		return 3
	case report.FIFO:
		return 4
	case report.Symlink:
		return 5
	case report.Socket:
		return 6
	case report.File:
		return 7
	}
	return kindAny
}

// typeOfField reads the second field of a line.
func typeOfField(field string) (report.Type, bool) {
	switch field {
	case "-b":
		return report.Block, true
	case "-c":
		return report.Char, true
	case "-d":
		return report.Directory, true
	case "-p":
		return report.FIFO, true
	case "-l":
		return report.Symlink, true
	case "-s":
		return report.Socket, true
	case "--":
		return report.File, true
	}
	return "", false
}

// A Spec is one line of a policy's file contexts.
type Spec struct {
	// File is the name of the file that has the line, Line its number from 1.
	File string
	Line int
	// Regex is the first field, as it is written.
	Regex string
	// Type is the type of file that the line holds for; empty for all.
	Type report.Type
	// Context is what the line gives; [None] where it says that there is to be no label.
	Context string

	kind kind
	// input is the rank of the file, and order the rank of the line: of all
	// lines that match, the one of the highest order counts.
	input, order int
	exact        bool
	// stem is the directory below which the line is looked at, or empty.
	stem string
	// doubt says why the expression could not be read.
	doubt error
	// literal is the one path that the line matches, where isLiteral.
	literal   string
	isLiteral bool
	// prefix starts every path that a line in doubt can match.
	prefix string
	node   *node
}

// matchesKind tells whether the line is looked at for files of kind k.
func (s *Spec) matchesKind(k kind) bool { return k == kindAny || s.kind == kindAny || s.kind == k }

// Rules are the rules of the search, which changed once.
type Rules int

const (
	// Until37 is the search of libselinux up to 3.7.
	Until37 Rules = iota
	// Since38 is the search of libselinux 3.8 and later, where
	//   - a line is looked at for paths below up to three directories that it
	//     starts with, so "/usr/lib/?" no longer matches "/usr/lib";
	//   - such directories are read without their backslashes ("/a\-b/c" was never found);
	//   - "]", ")" and "}" count as metacharacters, and so do escapes except of
	//     punctuation that the library lists;
	//   - of lines without metacharacters for the same path, the first of the
	//     last file counts, and the path is compared, not matched;
	//   - a line of a deeper directory that says [None] counts even where a later
	//     line of a directory above matches.
	// It is the state of libselinux 3.9 and later.
	Since38
)

// isMeta tells whether c is a metacharacter.
func (r Rules) isMeta(c byte) bool {
	switch c {
	case '.', '^', '$', '?', '*', '+', '|', '[', '(', '{':
		return true
	case ']', ')', '}':
		return r == Since38
	}
	return false
}

// isPlainEscape tells whether c may follow a backslash in a line without
// metacharacters, by Since38.
func isPlainEscape(c byte) bool { return Since38.isMeta(c) || c == '-' || c == '_' || c == ',' }

// isExact tells whether an expression counts as one without metacharacters.
func (r Rules) isExact(regex string) bool {
	for i := 0; i < len(regex); i++ {
		if regex[i] == '\\' {
			i++
			if r == Since38 && (i >= len(regex) || !isPlainEscape(regex[i])) {
				return false
			}
			continue
		}
		if r.isMeta(regex[i]) {
			return false
		}
	}
	return true
}

// maxStems is how many directories make a stem by Since38.
const maxStems = 3

// stemOf gives the directory below which the expression is looked at.
func (r Rules) stemOf(regex string) string {
	if r == Until37 {
		return stemUntil37(regex)
	}
	var stem strings.Builder
	for at, depth := 0, 0; depth < maxStems && at < len(regex); {
		end := strings.IndexByte(regex[at+1:], '/')
		if end < 0 {
			break
		}
		name, ok := simplify(regex[at+1 : at+1+end])
		if !ok {
			break
		}
		at += 1 + end
		if name != "" {
			stem.WriteString("/" + name)
			depth++
		}
	}
	return stem.String()
}

func stemUntil37(regex string) string {
	end := strings.IndexByte(regex[1:], '/') + 1
	for i := range end {
		if Until37.isMeta(regex[i]) {
			return ""
		}
	}
	return regex[:end]
}

// simplify takes the backslashes out of a text without metacharacters.
func simplify(text string) (string, bool) {
	escapes := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
			if i >= len(text) || !isPlainEscape(text[i]) {
				return "", false
			}
			escapes = true
		case Since38.isMeta(text[i]):
			return "", false
		}
	}
	if !escapes {
		return text, true
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		}
		plain = append(plain, text[i])
	}
	return string(plain), true
}

// stemsOf gives the stems that lines for path may have, the deepest first and
// "" last.
func (r Rules) stemsOf(path string) []string {
	if r == Until37 {
		if end := strings.IndexByte(path[1:], '/') + 1; end > 0 {
			return []string{path[:end], ""}
		}
		return []string{""}
	}
	stems := []string{""}
	for at := 0; len(stems) <= maxStems && path[at] == '/'; {
		end := strings.IndexByte(path[at+1:], '/')
		if end < 0 {
			break
		}
		if end > 0 {
			stems = append(stems, stems[len(stems)-1]+path[at:at+1+end])
		}
		at += 1 + end
	}
	slices.Reverse(stems)
	return stems
}
