package canonical

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// A Survey is what there is in an initramfs, seen while its form was made: an archive that
// is decompressed once need not be a second time.
type Survey struct {
	Archives []SurveyedArchive
	// Members are in the order of the archives.
	Members []SurveyedMember
	// Texts are the contents of small members that tell how the initramfs was made, by their
	// path; of several the last, as for the kernel.
	Texts map[string][]byte
}

// A SurveyedArchive is one cpio archive.
type SurveyedArchive struct {
	// Compression is that of the part it lies in; empty for none.
	Compression string
	Members     int
	// Size is that of all contents.
	Size int64
}

// A SurveyedMember is one member. Path begins with a slash.
type SurveyedMember struct {
	Path string
	Mode uint32 // with the type, as in stat(2)
	Size int64
	// Archive is an index of Archives.
	Archive int
}

// The bounds of the contents that a survey keeps.
const (
	maxSurveyText  = 64 << 10
	maxSurveyTexts = 200
)

// SurveyInitramfs reads an initramfs for what is in it alone.
func SurveyInitramfs(ctx context.Context, e *report.Entry, content Content) (*Survey, error) {
	in := &Input{Entry: e, Content: content, Survey: &Survey{}, Work: &Work{}}
	in.unfold = &unfolding{work: in.Work, bytes: MaxUnfolded, members: MaxMembers}
	rule := initramfs()
	if _, err := rule.apply(ctx, in); err != nil {
		return nil, err
	}
	return in.Survey, nil
}

// tells tells whether a member says how the initramfs was made, by the paths that
// dracut, initramfs-tools and mkinitcpio write.
func tells(name string) bool {
	name = strings.TrimPrefix(name, "/usr")
	dir, base := path.Split(name)
	switch dir {
	case "/lib/dracut/":
		return base == "build-parameter.txt" || base == "modules.txt" || strings.HasPrefix(base, "dracut-")
	case "/lib/", "/etc/":
		return base == "initrd-release" || base == "os-release"
	case "/conf/", "/conf/conf.d/":
		return true
	case "/":
		return slices.Contains([]string{"config", "buildconfig", "VERSION"}, base)
	}
	return false
}

// survey looks at a member whose content is about to be read, and gives what to read
// it from.
func (u *unpacking) survey(m *cpioMember, body io.Reader) io.Reader {
	s := u.in.Survey
	if s == nil {
		return body
	}
	name := path.Join("/", m.path)
	at := len(s.Archives) - 1
	s.Archives[at].Members++
	s.Archives[at].Size += int64(m.size)
	s.Members = append(s.Members, SurveyedMember{Path: name, Mode: uint32(m.mode), Size: int64(m.size), Archive: at})
	if m.kind() != cpioFile || m.size > maxSurveyText || !tells(name) || len(s.Texts) >= maxSurveyTexts {
		return body
	}
	if s.Texts == nil {
		s.Texts = map[string][]byte{}
	}
	return io.TeeReader(body, &surveyText{texts: s.Texts, name: name})
}

// A surveyText keeps what is written as one text.
type surveyText struct {
	texts map[string][]byte
	name  string
	begun bytes.Buffer
}

func (t *surveyText) Write(p []byte) (int, error) {
	n, err := t.begun.Write(p)
	t.texts[t.name] = t.begun.Bytes()
	return n, err
}

// surveyArchive begins the next archive.
func (u *unpacking) surveyArchive() {
	if s := u.in.Survey; s != nil {
		s.Archives = append(s.Archives, SurveyedArchive{Compression: u.compression})
	}
}
