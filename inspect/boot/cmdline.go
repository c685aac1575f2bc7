package boot

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/boot/pe"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func kernelCmdline() section.Section {
	return section.Section{
		Name: "kernel-cmdline", Source: "the boot loaders' entries with grubenv, unified kernel images, /etc/kernel/cmdline{,.d/*.conf}, /usr/lib/kernel/cmdline{,.d/*.conf}, /etc/default/grub",
		Fill: func(ctx context.Context, t *tree.Tree, r *report.Report) error {
			for _, read := range []func(context.Context, *tree.Tree) ([]report.KernelCmdline, error){
				grubLines, blsLines, ukiLines, settingLines,
			} {
				list, err := read(ctx, t)
				r.KernelCmdline = append(r.KernelCmdline, list...)
				if err != nil {
					return err
				}
			}
			if len(r.KernelCmdline) == 0 {
				return section.Absent("no boot entry, and no setting for one")
			}
			slices.SortStableFunc(r.KernelCmdline, func(a, b report.KernelCmdline) int { return cmp.Compare(a.Source, b.Source) })
			return nil
		},
	}
}

// grubLines are those of grub.cfg's own entries. The default is the one that "boot" tells, else the first.
func grubLines(_ context.Context, t *tree.Tree) ([]report.KernelCmdline, error) {
	var out []report.KernelCmdline
	for _, dir := range []string{"/boot/grub", "/boot/grub2"} {
		script, err := readGrubScript(t, dir+"/grub.cfg")
		if err != nil {
			return out, err
		}
		if script == nil {
			continue
		}
		scratch := &report.Report{}
		if _, err := grubEntries(t, dir, scratch); err != nil {
			return out, err
		}
		env, err := grubEnv(t, dir+"/grubenv")
		if err != nil {
			return out, err
		}
		chosen := slices.ContainsFunc(scratch.Boot, func(e report.BootEntry) bool { return e.Default })
		for i, e := range scratch.Boot {
			if e.Linux == "" {
				continue
			}
			line := report.KernelCmdline{Source: e.Source, Kind: "entry", Name: e.Title, Kernel: e.Linux, Default: e.Default || !chosen && i == 0 && !script.blscfg}
			line.Text, line.Unset = replaceVariables(e.Options, script.values, env)
			out = append(out, line)
		}
	}
	return out, nil
}

// blsLines are those of the Boot Loader Specification's entries, as GRUB's blscfg or systemd-boot takes them.
func blsLines(_ context.Context, t *tree.Tree) ([]report.KernelCmdline, error) {
	var out []report.KernelCmdline
	for _, dir := range bootDirs() {
		entries, err := readBLS(t, dir)
		if err != nil || len(entries) == 0 {
			if err != nil {
				return out, err
			}
			continue
		}
		script, env, err := blsGrub(t)
		if err != nil {
			return out, err
		}
		values := map[string]string{}
		var choice string
		if script != nil {
			values = script.values
			choice = grubChoice(entries, script, env)
		} else if choice, err = systemdChoice(t, dir); err != nil {
			return out, err
		}
		for _, e := range entries {
			line := report.KernelCmdline{Source: e.path, Kind: "entry", Name: e.keys["title"], Kernel: cmp.Or(e.keys["linux"], e.keys["efi"], e.keys["uki"]), Default: e.path == choice}
			line.Text, line.Unset = replaceVariables(e.keys["options"], values, env)
			out = append(out, line)
		}
	}
	return out, nil
}

// blsGrub is the GRUB that reads such entries, by its command blscfg; nil without one.
func blsGrub(t *tree.Tree) (*grubScript, map[string]string, error) {
	for _, dir := range []string{"/boot/grub2", "/boot/grub"} {
		script, err := readGrubScript(t, dir+"/grub.cfg")
		if err != nil {
			return nil, nil, err
		}
		if script != nil && script.blscfg {
			env, err := grubEnv(t, dir+"/grubenv")
			return script, env, err
		}
	}
	return nil, nil, nil
}

// grubChoice is what blscfg starts: the saved entry by its id or number, else the first, which
// is the newest.
func grubChoice(entries []blsEntry, script *grubScript, env map[string]string) string {
	choice := cmp.Or(env["saved_entry"], script.values["default"])
	for i, e := range entries {
		if e.id == choice || e.keys["title"] == choice || choice == strconv.Itoa(i) {
			return e.path
		}
	}
	return entries[0].path
}

func systemdChoice(t *tree.Tree, dir string) (string, error) {
	lines, err := readLoaderConf(t, dir)
	if err != nil {
		return "", err
	}
	return loaderChoice(t, dir, lines)
}

// ukiLines are those inside of unified kernel images.
func ukiLines(ctx context.Context, t *tree.Tree) ([]report.KernelCmdline, error) {
	var out []report.KernelCmdline
	err := eachPE(ctx, t, func(f *tree.File, p *pe.File) error {
		if p.Section(".linux") == nil {
			return nil
		}
		u, err := ukiTexts(p)
		out = append(out, report.KernelCmdline{Source: f.Path, Kind: "uki", Name: u.OSRelease["PRETTY_NAME"], Text: u.Cmdline, Kernel: f.Path})
		return err
	})
	if err != nil {
		return out, err
	}
	for _, dir := range bootDirs() {
		choice, err := systemdChoice(t, dir)
		if err != nil {
			return out, err
		}
		for i := range out {
			out[i].Default = out[i].Default || out[i].Source == choice
		}
	}
	return out, nil
}

// settingLines are those that the next entry is made of: kernel-install(8), grub-mkconfig.
func settingLines(_ context.Context, t *tree.Tree) ([]report.KernelCmdline, error) {
	var out []report.KernelCmdline
	for _, pattern := range []string{"/etc/kernel/cmdline", "/etc/kernel/cmdline.d/*.conf", "/usr/lib/kernel/cmdline", "/usr/lib/kernel/cmdline.d/*.conf"} {
		files, err := t.Glob(pattern)
		if err != nil {
			return out, err
		}
		for _, f := range files {
			text, err := readCmdline(t, f.Path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return out, err
			}
			out = append(out, report.KernelCmdline{Source: f.Path, Kind: "setting", Text: text})
		}
	}
	defaults, err := readGrubDefaults(t)
	if err != nil {
		return out, err
	}
	for _, name := range []string{"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"} {
		if text, ok := defaults[name]; ok {
			out = append(out, report.KernelCmdline{Source: grubDefaults, Kind: "setting", Name: name, Text: text})
		}
	}
	return out, nil
}

// readCmdline reads a file of words; lines that are comments count for nothing.
func readCmdline(t *tree.Tree, name string) (string, error) {
	data, err := t.ReadFile(name, section.MaxConfig)
	if err != nil {
		return "", err
	}
	var words []string
	err = section.EachTableLine(data, func(_ int, line string) error {
		words = append(words, strings.Fields(line)...)
		return nil
	})
	return strings.Join(words, " "), section.Within(name, err)
}

// maxCmdline is the longest line that is told; kernels take 4096 bytes at most.
const maxCmdline = 64 << 10

// replaceVariables puts values in the place of $name and ${name}: those that grubenv has, else those that
// grub.cfg sets. It gives the line in single spaces, and the names without a value.
func replaceVariables(line string, set, env map[string]string) (string, []string) {
	var unset []string
	var b strings.Builder
	for i := 0; i < len(line) && b.Len() < maxCmdline; {
		name, n := variableAt(line[i:])
		if n == 0 {
			b.WriteByte(line[i])
			i++
			continue
		}
		i += n
		value, ok := env[name]
		if !ok {
			value, ok = set[name]
		}
		if !ok && !slices.Contains(unset, name) {
			unset = append(unset, name)
		}
		b.WriteString(value)
	}
	return strings.Join(strings.Fields(b.String()), " "), unset
}

// variableAt is the variable that a text begins with, and how long it is written.
func variableAt(s string) (name string, length int) {
	if !strings.HasPrefix(s, "$") {
		return "", 0
	}
	if strings.HasPrefix(s, "${") {
		end := strings.IndexByte(s, '}')
		if end < 3 {
			return "", 0
		}
		return s[2:end], end + 1
	}
	n := 1
	for n < len(s) && (isDigit(s[n]) || isLetter(s[n]) || s[n] == '_') {
		n++
	}
	if n == 1 {
		return "", 0
	}
	return s[1:n], n
}
