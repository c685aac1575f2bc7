package packages

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A dpkgInfo is what lies beside the status: a file for each package and thing in
// /var/lib/dpkg/info, or the lists of digests in status.d.
type dpkgInfo struct{ files map[string]*tree.File }

func newDpkgInfo(t *tree.Tree) (*dpkgInfo, error) {
	info := &dpkgInfo{files: map[string]*tree.File{}}
	for _, dir := range []string{"/status.d", "/info"} {
		files, err := t.ReadDir(dpkgDir + dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			info.files[f.Name()] = f
		}
	}
	return info, nil
}

// file is a package's file of one kind; that of a Multi-Arch: same package has the
// architecture in its name. It is nil when there is none.
func (d *dpkgInfo) file(p *report.DpkgPackage, kind string) *tree.File {
	if f := d.files[p.Name+":"+p.Arch+"."+kind]; f != nil {
		return f
	}
	return d.files[p.Name+"."+kind]
}

// read reads a package's file of one kind; nil when there is none.
func (d *dpkgInfo) read(p *report.DpkgPackage, kind string) ([]byte, error) {
	f := d.file(p, kind)
	if f == nil {
		return nil, nil
	}
	data, err := f.Read(section.MaxTable)
	if data == nil && err == nil {
		data = []byte{}
	}
	return data, err
}

// facts adds to the packages what lies beside their stanzas.
func (d *dpkgInfo) facts(list []report.DpkgPackage) error {
	var trouble error
	for i := range list {
		p := &list[i]
		for _, kind := range []string{"config", "postinst", "postrm", "preinst", "prerm"} {
			if f := d.file(p, kind); f != nil {
				s, err := maintainerScript(f, kind)
				p.Scripts, trouble = append(p.Scripts, s), firstError(trouble, err)
			}
		}
		data, err := d.read(p, "triggers")
		if err == nil {
			err = section.EachTableLine(data, func(_ int, line string) error {
				p.Triggers = append(p.Triggers, text(strings.Join(strings.Fields(line), " ")))
				return nil
			})
		}
		if err != nil {
			trouble = firstError(trouble, fmt.Errorf("triggers of %s: %w", p.Name, err))
		}
	}
	return trouble
}

// maintainerScript tells who runs a script, and its digest.
func maintainerScript(f *tree.File, kind string) (report.MaintainerScript, error) {
	s := report.MaintainerScript{Kind: kind}
	data, err := f.Read(section.MaxTable)
	if err != nil {
		return s, err
	}
	if s.SHA256 = recorded(f); s.SHA256 == "" {
		s.SHA256 = sum(data)
	}
	if first, ok := strings.CutPrefix(string(data[:min(len(data), 256)]), "#!"); ok {
		line, _, _ := strings.Cut(first, "\n")
		s.Interpreter = text(strings.TrimSpace(line))
	}
	return s, nil
}
