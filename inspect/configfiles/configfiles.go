// Package configfiles keeps the lines of the configuration files that osbuild's
// image-info tells of, as they stand: what the other sections merge and
// interpret can be seen here file by file, and package imageinfo writes upstream's
// form of a report from it.
//
// It interprets nothing: comments and empty lines are left out, where they are
// neither in the format, and secrets, by their names.
package configfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// The bounds of all files together. The largest directory of published images
// has some 60 files.
const (
	maxFiles = 5000
	maxBytes = 32 << 20
)

// Sections are those of this package.
func Sections() []section.Section {
	return []section.Section{{
		Name: "config-files", Source: "the files that osbuild's image-info tells of (`inspect/configfiles`)",
		Oracle: "osbuild-image-info", Fill: fill,
	}}
}

// A pattern names files. A whole one keeps comments and empty lines.
type pattern struct {
	glob  string
	whole bool
}

// patterns are all files that are kept, as osbuild-image-info names them.
func patterns() []pattern {
	list := []pattern{
		{"/etc/cloud/cloud.cfg", true}, {"/etc/cloud/cloud.cfg.d/*.cfg", true}, {"/etc/hostname", true}, {"/etc/machine-id", true},
		{"/etc/X11/xorg.conf.d/00-keyboard.conf", true}, {"/etc/hosts", true}, {"/boot/grub2/grubenv", true},
		{"/var/lib/containers/storage/overlay-images/images.json", true},
	}
	for _, glob := range []string{
		"/etc/os-release", "/etc/authselect/authselect.conf", "/etc/chrony.conf", "/etc/dnf/dnf.conf", "/etc/dnf/vars/*", "/etc/dnf/automatic.conf",
		"/etc/yum.repos.d/*.repo", "/etc/dracut.conf.d/*.conf", "/usr/lib/dracut/dracut.conf.d/*.conf", "/etc/fstab", "/etc/vconsole.conf",
		"/etc/security/limits.conf", "/etc/security/limits.d/*.conf", "/etc/locale.conf", "/etc/systemd/logind.conf", "/etc/systemd/logind.conf.d/*.conf",
		"/usr/lib/systemd/logind.conf.d/*.conf", "/etc/modprobe.d/*.conf", "/usr/lib/modprobe.d/*.conf", "/usr/local/lib/modprobe.d/*.conf",
		"/etc/tmpfiles.d/*.conf", "/usr/lib/tmpfiles.d/*.conf", "/etc/dnf/plugins/product-id.conf", "/etc/dnf/plugins/subscription-manager.conf",
		"/etc/rhsm/rhsm.conf", "/etc/selinux/config", "/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d/*.conf", "/etc/ssh/sshd_config",
		"/etc/ssh/sshd_config.d/*.conf", "/etc/sudoers", "/etc/sudoers.d/*", "/etc/sysconfig/kernel", "/etc/sysconfig/network",
		"/etc/sysconfig/network-scripts/ifcfg-*", "/etc/sysctl.d/*.conf", "/usr/lib/sysctl.d/*.conf", "/etc/systemd/system/*.service.d/*.conf",
		"/usr/lib/systemd/system/*.service.d/*.conf", "/etc/tuned/active_profile", "/etc/tuned/profile_mode", "/resolv.conf", "/etc/udev/rules.d/*.rules",
		"/boot/loader/entries/*.conf", "/etc/firewalld/firewalld.conf",
	} {
		list = append(list, pattern{glob: glob})
	}
	return list
}

// fill reads what there is. A file that cannot be read is told, and the others are kept.
func fill(ctx context.Context, t *tree.Tree, r *report.Report) error {
	var errs []error
	budget := int64(maxBytes)
	for _, p := range patterns() {
		if err := ctx.Err(); err != nil {
			return err
		}
		paths, err := p.paths(t)
		if err != nil {
			errs = append(errs, err)
		}
		for _, name := range paths {
			text, size, err := p.read(t, name, budget)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoFile) {
				continue
			}
			if budget -= size; err == nil && len(r.ConfigFiles) >= maxFiles {
				return fmt.Errorf("%s: more than %d configuration files", name, maxFiles)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			r.ConfigFiles = append(r.ConfigFiles, text)
		}
	}
	slices.SortFunc(r.ConfigFiles, func(a, b report.ConfigText) int { return strings.Compare(a.Path, b.Path) })
	if len(r.ConfigFiles) == 0 && len(errs) == 0 {
		return section.Absent("none of the configuration files is there")
	}
	return errors.Join(errs...)
}

// paths are the names that the pattern stands for, under the directory that it names.
func (p pattern) paths(t *tree.Tree) ([]string, error) {
	if !strings.ContainsAny(p.glob, "*") {
		return []string{p.glob}, nil
	}
	found, err := t.Glob(p.glob)
	var paths []string
	for _, f := range found {
		// A shell's pattern, and Python's, leaves out what begins with a dot.
		if strings.HasPrefix(f.Name(), ".") {
			continue
		}
		name := f.Path
		if dir := path.Dir(p.glob); !strings.Contains(dir, "*") {
			name = path.Join(dir, f.Name())
		}
		paths = append(paths, name)
	}
	return paths, err
}

var errNoFile = errors.New("it is no regular file")

func (p pattern) read(t *tree.Tree, name string, budget int64) (text report.ConfigText, size int64, err error) {
	f, err := t.Lookup(name)
	if err != nil {
		return text, 0, err
	}
	if f.Node.Type != report.File {
		return text, 0, errNoFile
	}
	data, err := f.Read(min(section.MaxConfig, budget))
	if err != nil {
		return text, 0, section.Within(name, err)
	}
	text = report.ConfigText{Path: strings.ToValidUTF8(name, "\ufffd"), Lines: []string{}}
	var hide censor
	err = section.EachLine(data, func(_ int, line string) error {
		line = strings.ToValidUTF8(strings.TrimSuffix(line, "\r"), "\ufffd")
		if content := strings.TrimSpace(line); !p.whole && (content == "" || content[0] == '#') {
			return nil
		}
		if line, shown := hide.line(line); shown {
			text.Lines = append(text.Lines, line)
		}
		return nil
	})
	return text, int64(len(data)), section.Within(name, err)
}
