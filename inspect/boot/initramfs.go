package boot

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func initramfs() section.Section {
	return section.Section{
		Name: "initramfs", Source: "initrd*, initramfs*, *-ucode.img in /boot, /efi, /boot/efi, their machines' directories, and /usr/lib/modules/*",
		Oracle: "lsinitramfs, lsinitrd",
		Fill: func(ctx context.Context, t *tree.Tree, r *report.Report) error {
			files, err := regular(t, below("initrd*", "initramfs*", "*-ucode.img")...)
			if err != nil {
				return err
			}
			for _, f := range files {
				one, err := describeInitramfs(ctx, f)
				if err != nil {
					return err
				}
				r.Initramfs = append(r.Initramfs, one)
			}
			if len(r.Initramfs) == 0 {
				return section.Absent("no initramfs in /boot, an EFI partition or /usr/lib/modules")
			}
			return nil
		},
	}
}

// describeInitramfs tells what is in one image, from what was seen when it was hashed where it was.
func describeInitramfs(ctx context.Context, f *tree.File) (report.Initramfs, error) {
	out := report.Initramfs{Path: f.Path}
	s, err := surveyOf(ctx, f)
	if errors.Is(err, canonical.ErrMalformed) {
		out.Problem = section.Clip(err.Error())
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Members = len(s.Members)
	for _, a := range s.Archives {
		out.Archives = append(out.Archives, report.InitramfsArchive{Compression: a.Compression, Members: a.Members, Size: a.Size})
	}
	for _, m := range s.Members {
		takeMember(&out, m)
	}
	for _, list := range []*[]string{&out.Microcode, &out.Kernels, &out.Modules, &out.Hooks} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	maker(&out, s.Texts)
	return out, nil
}

func surveyOf(ctx context.Context, f *tree.File) (*canonical.Survey, error) {
	if f.First != nil && f.First.Survey != nil {
		f = f.First
	}
	if f.Survey != nil {
		return f.Survey, nil
	}
	c, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return canonical.SurveyInitramfs(ctx, &f.Node.Entry, c)
}

const (
	kindMask = 0o170000
	kindFile = 0o100000
	kindDir  = 0o040000
)

// takeMember sorts one member by its path.
func takeMember(out *report.Initramfs, m canonical.SurveyedMember) {
	name := strings.TrimPrefix(m.Path, "/usr")
	dir, base := path.Split(name)
	isDir := m.Mode&kindMask == kindDir
	switch {
	case strings.HasPrefix(name, "/kernel/") && strings.HasSuffix(dir, "/microcode/") && !isDir:
		out.Microcode = append(out.Microcode, m.Path)
	case strings.HasPrefix(name, "/lib/modules/"):
		release, rest, _ := strings.Cut(strings.TrimPrefix(name, "/lib/modules/"), "/")
		out.Kernels = append(out.Kernels, release)
		if module, _, ok := strings.Cut(path.Base(rest), ".ko"); ok && !isDir {
			out.Modules = append(out.Modules, module)
		}
	case strings.HasPrefix(name, "/lib/firmware/") && !isDir:
		out.Firmware++
	case isDir || base == "ORDER":
	case strings.HasPrefix(name, "/scripts/") && strings.Count(name, "/") > 2, strings.HasPrefix(name, "/lib/dracut/hooks/"), strings.HasPrefix(name, "/hooks/"):
		out.Hooks = append(out.Hooks, m.Path)
	case name == "/lib/systemd/systemd":
		out.Systemd = true
	}
}

// maker reads what the programs that make such images leave in them.
func maker(out *report.Initramfs, texts map[string][]byte) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		text := string(texts[name])
		short := strings.TrimPrefix(name, "/usr")
		switch {
		case strings.HasPrefix(short, "/lib/dracut/dracut-"):
			out.Maker, out.Version = "dracut", cmp.Or(strings.TrimPrefix(strings.TrimSpace(text), "dracut-"), strings.TrimPrefix(path.Base(short), "dracut-"))
		case short == "/lib/dracut/build-parameter.txt":
			out.Maker, out.Arguments = cmp.Or(out.Maker, "dracut"), strings.TrimSpace(text)
		case short == "/lib/dracut/modules.txt":
			out.Maker, out.Parts = cmp.Or(out.Maker, "dracut"), strings.Fields(text)
		case short == "/conf/initramfs.conf":
			out.Maker = "initramfs-tools"
			out.Settings = append(out.Settings, assignments(text)...)
		case strings.HasPrefix(short, "/conf/conf.d/"):
			out.Settings = append(out.Settings, assignments(text)...)
		case short == "/buildconfig":
			out.Maker = "mkinitcpio"
			out.Settings = append(out.Settings, assignments(text)...)
		case short == "/VERSION" && out.Maker == "mkinitcpio":
			out.Version = strings.TrimSpace(text)
		}
	}
}

// assignments are the lines of shell assignments in a text, as they are written. What else
// is in it is no setting.
func assignments(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, value, ok := strings.Cut(line, "="); ok && name != "" && !strings.ContainsAny(name, "# \t$'\"") {
			list = append(list, section.Clip(name+"="+secret.Value(name, value)))
		}
	}
	return list
}
