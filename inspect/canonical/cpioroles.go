package canonical

import (
	"bytes"
	"context"
	"io"
	"slices"
)

// maxIdentityMember bounds a member that is searched for identifiers.
const maxIdentityMember = 1 << 20

// identified is the meaning of a member that may name things of the disk; it
// keeps the form by roles.
func (u *unpacking) identified(ctx context.Context, m *cpioMember, body io.Reader) (meaning, error) {
	var text bytes.Buffer
	got, err := u.in.member(ctx, m.path, io.TeeReader(body, &limited{&text, maxIdentityMember + 1}))
	if err != nil || text.Len() > maxIdentityMember {
		return got, err
	}
	if f := roleForm(u.in.Identities, text.String()); f != nil {
		m.roles = f.digest()
	}
	return got, nil
}

// A limited writer takes the first bytes and forgets the others.
type limited struct {
	w    *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	l.w.Write(p[:min(len(p), l.left-l.w.Len())])
	return len(p), nil
}

// byRole is the archive with the identifiers in names and contents replaced; nil
// where no member that is made for one disk has any.
func (u *unpacking) byRole() *unpacking {
	if u.in.Identities.Empty() {
		return nil
	}
	out := &unpacking{formats: u.formats, members: slices.Clone(u.members)}
	some := false
	for i := range out.members {
		m := &out.members[i]
		if !identityMember(m.path) {
			continue
		}
		if m.roles != "" {
			m.meaning, some = meaning{digest: "by role " + m.roles}, true
		}
		if name, ok := u.in.Identities.Replace(m.path); ok {
			m.path, some = name, true
		}
	}
	if !some {
		return nil
	}
	return out
}
