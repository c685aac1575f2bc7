package canonical

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// dpkgStatus is the rule for dpkg's databases of stanzas.
func dpkgStatus() Rule {
	return Rule{
		Rule: report.Rule{Name: "dpkg-status", Version: 1,
			Reason: "dpkg finds a package by its name and architecture, a field by its name; the order in the file says nothing",
			Source: "deb-control(5); dpkg, lib/dpkg/parse.c"},
		Match: func(e *report.Entry, head []byte) bool {
			dir, base := path.Split(string(e.Path))
			return dir == "/var/lib/dpkg/" && slices.Contains([]string{"status", "status-old", "available", "available-old"}, base) &&
				strings.HasPrefix(string(head), "Package:")
		},
		canonicalise: canonicalDpkgStatus,
	}
}

// A stanza is one package of the database.
type stanza struct {
	name, digest string
}

// maxStatus bounds the database; Debian with every package has about 60 MB.
const maxStatus = 512 << 20

func canonicalDpkgStatus(ctx context.Context, in *Input, f *form) error {
	if in.Content.Size() > maxStatus {
		return ErrLimit
	}
	r := bufio.NewReaderSize(in.reader(), 64<<10)
	var list []stanza
	for {
		s, err := readStanza(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return corrupt(err)
		}
		if s != nil {
			list = append(list, *s)
		}
		if err != nil {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	slices.SortStableFunc(list, func(a, b stanza) int { return cmp.Compare(a.name, b.name) })
	for _, s := range list {
		f.part(s.name, s.digest)
	}
	return nil
}

// readStanza reads up to an empty line. Fields are sorted; one that comes
// twice keeps its order.
func readStanza(r *bufio.Reader) (*stanza, error) {
	var fields []string
	values := map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		// A line of blanks alone ends no stanza for dpkg, it is an error.
		end := err != nil || line == "\n"
		if line != "\n" && line != "" {
			if line[0] == ' ' || line[0] == '\t' {
				if len(fields) == 0 {
					return nil, malformed("a line continues no field")
				}
				fields[len(fields)-1] += "\n" + strings.TrimSuffix(line, "\n")
			} else {
				name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
				if !ok {
					return nil, malformed("%.40q is no field", line)
				}
				name = strings.ToLower(name)
				values[name] = strings.TrimSpace(value)
				fields = append(fields, name+": "+strings.TrimSpace(value))
			}
		}
		if end {
			return newStanza(fields, values), err
		}
	}
}

func newStanza(fields []string, values map[string]string) *stanza {
	if len(fields) == 0 {
		return nil
	}
	slices.SortStableFunc(fields, func(a, b string) int {
		return cmp.Compare(a[:strings.IndexByte(a, ':')], b[:strings.IndexByte(b, ':')])
	})
	name := values["package"]
	if arch := values["architecture"]; arch != "" {
		name += ":" + arch
	}
	return &stanza{name: name, digest: hexSum(fmt.Appendf(nil, "%q", fields))}
}
