// Package keyfile reads text of sections and assignments, "[Section]" and
// "Key=value", as systemd, NetworkManager and dnf write it.
//
// It gives what is written, in its order, and nothing more: whether a key that comes
// twice counts once, whether an empty value takes back those before it, how a
// value is quoted, is its reader's business. [File.List] and [File.Last] are the
// two usual answers.
//
//	f, err := keyfile.Parse(data, keyfile.Systemd())
//	wants := f.List("Unit", "Wants")
package keyfile

import (
	"bytes"
	"strings"

	"github.com/assay-os/assay/inspect/section"
)

// White is the white space of all dialects, without the line's end.
const White = " \t\r"

// A Dialect says how one family of programs reads such text.
type Dialect struct {
	// Comments are the bytes that make a line a comment.
	Comments string
	// Backslash: a line that ends in one (an odd number of them) is continued by the
	// next line, a space in its place. Comments between the two are left out.
	Backslash bool
	// Indent: a line that begins with white space goes on with the value
	// above it, after a newline; no comment does. Behind a header a comment may stand.
	Indent bool
	// KeepTrailing: white space at a value's end belongs to it.
	KeepTrailing bool
	// Headless: assignments before any section count, as those of section "".
	Headless bool
	// Strict: a section's header that is not closed ends the reading, as the
	// program takes nothing of the file from there on.
	Strict bool
}

// Systemd is the dialect of units, of networkd's files and of the daemon's own settings:
// systemd.syntax(7).
func Systemd() Dialect { return Dialect{Comments: "#;", Backslash: true, Strict: true} }

// NetworkManager is GLib's dialect: the Desktop Entry Specification, "Basic format of the file";
// nm-settings-keyfile(5). Escapes in values stay as they are. The program takes
// nothing of a file with a [Problem].
func NetworkManager() Dialect { return Dialect{Comments: "#", KeepTrailing: true} }

// DNF is the dialect of dnf.conf(5) and of files of repositories: libdnf's IniParser
// (its versions before 0.70 end a value at an empty line or a comment, and refuse what goes on
// after it). The program takes off quotes around a whole value, and takes nothing of a file with a
// [Problem].
func DNF() Dialect { return Dialect{Comments: "#;", Indent: true} }

// A File is what was read.
type File struct {
	Assignments []Assignment
	// Headers are the sections in their order; a name comes as often as it is written.
	Headers []Header
	// Problems are lines that the program would not understand.
	Problems []Problem
	// Broken is set when the last problem ended the reading: see [Dialect].
	Broken bool
}

// An Assignment is one "Key=value".
type Assignment struct {
	Section, Key, Value string
	// Line is its number, from 1; of a continued line the first one's.
	Line int
	// Header is the line of the header above it, 0 for none: it tells apart sections of one
	// name where each is a thing of its own ("[Route]").
	Header int
}

// A Header is one "[Section]".
type Header struct {
	Section string
	Line    int
}

// A Problem is one line that is neither.
type Problem struct {
	Line int
	Text string
}

// Parse reads a file. An error, with its line, is for text that no program takes:
// a NUL byte, or a line or a number of lines beyond [section.MaxLine] and
// [section.MaxRecords]. What was read before it is returned as well.
func Parse(data []byte, d Dialect) (*File, error) {
	p := &parser{dialect: d, file: &File{}}
	err := section.EachLine(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), func(n int, line string) error {
		p.line(n, line)
		return nil
	})
	p.flush()
	return p.file, err
}

// Values are all values of a key in all sections of a name, in their order.
func (f *File) Values(section, key string) []string {
	var list []string
	for _, a := range f.Assignments {
		if a.Section == section && a.Key == key {
			list = append(list, a.Value)
		}
	}
	return list
}

// Last is the value that counts where only one can.
func (f *File) Last(section, key string) (value string, ok bool) {
	for _, a := range f.Assignments {
		if a.Section == section && a.Key == key {
			value, ok = a.Value, true
		}
	}
	return value, ok
}

// List are the values that count where they add up, and an empty one takes back
// those before it.
func (f *File) List(section, key string) []string {
	var list []string
	for _, v := range f.Values(section, key) {
		if v == "" {
			list = nil
			continue
		}
		list = append(list, v)
	}
	return list
}

// Sections are the names of the sections, each once, in their order.
func (f *File) Sections() []string {
	var list []string
	seen := map[string]bool{}
	for _, h := range f.Headers {
		if !seen[h.Section] {
			seen[h.Section] = true
			list = append(list, h.Section)
		}
	}
	return list
}

// Append adds what another file says after this one, as a drop-in does.
func (f *File) Append(other *File) {
	f.Assignments = append(f.Assignments, other.Assignments...)
	f.Headers = append(f.Headers, other.Headers...)
	f.Problems = append(f.Problems, other.Problems...)
}

// Words splits a value at white space, without looking at quotes: what lists of
// names are.
func Words(value string) []string { return strings.Fields(value) }
