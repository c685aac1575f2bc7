package canonical

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

const (
	arMagic  = "!<arch>\n"
	arHeader = 60
)

// ar is the rule for archives of objects and Debian packages.
func ar() Rule {
	return Rule{
		Rule: report.Rule{Name: "ar", Version: 1,
			Reason: "neither a linker nor dpkg looks at the times and owners of members; order, names, modes and contents count",
			Source: "ar(5); deb(5)"},
		Match:        func(_ *report.Entry, head []byte) bool { return bytes.HasPrefix(head, []byte(arMagic)) },
		canonicalise: canonicalAr,
	}
}

func canonicalAr(ctx context.Context, in *Input, f *form) error {
	r := bufio.NewReaderSize(in.reader(), 64<<10)
	if _, err := r.Discard(len(arMagic)); err != nil {
		return corrupt(err)
	}
	for {
		name, mode, size, err := arMember(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return corrupt(err)
		}
		body := &io.LimitedReader{R: r, N: size}
		m, err := in.member(ctx, name, body)
		if err != nil {
			return corrupt(err)
		}
		if body.N > 0 {
			return malformed("%s: it ends %d bytes early", report.Raw(name), body.N)
		}
		if size%2 == 1 {
			// The last member may lack its padding.
			if _, err := r.Discard(1); err != nil && err != io.EOF {
				return corrupt(err)
			}
		}
		f.fact("mode", mode)
		f.part(name, m.digest)
	}
}

// arMember reads a member's header: name/16 date/12 uid/6 gid/6 mode/8 size/10 and two bytes.
func arMember(r io.Reader) (name, mode string, size int64, err error) {
	var h [arHeader]byte
	if n, err := io.ReadFull(r, h[:]); err != nil {
		if n == 0 {
			return "", "", 0, io.EOF
		}
		return "", "", 0, err
	}
	if string(h[58:]) != "`\n" {
		return "", "", 0, malformed("a member's header ends in %q", h[58:])
	}
	size, err = strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 64)
	if err != nil || size < 0 {
		return "", "", 0, malformed("a member's size is %q", h[48:58])
	}
	name = strings.TrimRight(string(h[:16]), " ")
	if len(name) > 1 && name != "//" {
		name = strings.TrimSuffix(name, "/")
	}
	return name, fmt.Sprint(strings.TrimSpace(string(h[40:48]))), size, nil
}
