package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/boot/pe"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func bls() section.Section {
	return section.Section{
		Name: "bls", Source: "loader/entries/*.conf in " + strings.Join(bootDirs(), ", "), Oracle: "systemd-analyze compare-versions (their order)",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, dir := range bootDirs() {
				list, err := readBLS(t, dir)
				if err != nil {
					return err
				}
				for i, e := range list {
					r.BLS = append(r.BLS, report.BLSEntry{Path: e.path, Keys: e.lines, Order: i + 1, TriesLeft: e.left, TriesDone: e.done})
				}
			}
			if len(r.BLS) == 0 {
				return section.Absent("no loader/entries/*.conf")
			}
			slices.SortFunc(r.BLS, func(a, b report.BLSEntry) int { return cmp.Compare(a.Path, b.Path) })
			return nil
		},
	}
}

// A blsEntry is one entry of type 1.
type blsEntry struct {
	path, id   string
	lines      []string
	keys       map[string]string // the last of each, options joined
	left, done int
}

// readBLS reads the entries of one boot partition in the order of the menu.
func readBLS(t *tree.Tree, dir string) ([]blsEntry, error) {
	files, err := t.Glob(dir + "/loader/entries/*.conf")
	if err != nil {
		return nil, err
	}
	var list []blsEntry
	for _, f := range files {
		e, err := readBLSEntry(t, f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	slices.SortStableFunc(list, compareBLS)
	return list, nil
}

func readBLSEntry(t *tree.Tree, f *tree.File) (blsEntry, error) {
	e := blsEntry{path: f.Path, keys: map[string]string{}}
	e.id, e.left, e.done = bootCount(strings.TrimSuffix(f.Name(), ".conf"))
	data, err := t.ReadFile(f.Path, section.MaxConfig)
	if err != nil {
		return e, err
	}
	err = section.EachTableLine(data, func(_ int, line string) error {
		key, value := line, ""
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			key, value = line[:i], strings.TrimSpace(line[i:])
		}
		e.lines = append(e.lines, key+" "+value)
		if key == "options" || key == "initrd" {
			value = strings.TrimSpace(e.keys[key] + " " + value)
		}
		e.keys[key] = value
		return nil
	})
	return e, section.Within(f.Path, err)
}

// bootCount takes "+LEFT-DONE" off an entry's name: Boot Loader Specification, "Boot counting".
func bootCount(name string) (id string, left, done int) {
	id, count, ok := cutLast(name, "+")
	if !ok {
		return name, -1, -1
	}
	l, d, _ := strings.Cut(count, "-")
	left, err := strconv.Atoi(l)
	if err != nil || left < 0 {
		return name, -1, -1
	}
	if d != "" {
		if done, err = strconv.Atoi(d); err != nil || done < 0 {
			return name, -1, -1
		}
	}
	return id, left, done
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// compareBLS orders as the Boot Loader Specification says under "Sorting": what has tries left or does not count
// first, then by sort-key, machine-id and the newest version, else by the newest name.
func compareBLS(a, b blsEntry) int {
	if c := cmp.Compare(spent(a), spent(b)); c != 0 {
		return c
	}
	ka, kb := a.keys["sort-key"], b.keys["sort-key"]
	switch {
	case ka != "" && kb == "":
		return -1
	case ka == "" && kb != "":
		return 1
	case ka != "":
		c := cmp.Or(strings.Compare(ka, kb), strings.Compare(a.keys["machine-id"], b.keys["machine-id"]), compareVersions(b.keys["version"], a.keys["version"]))
		if c != 0 {
			return c
		}
	}
	return cmp.Or(compareVersions(b.id, a.id), strings.Compare(a.path, b.path))
}

func spent(e blsEntry) int {
	if e.left == 0 {
		return 1
	}
	return 0
}

// compareVersions is the Version Format Specification's order.
func compareVersions(a, b string) int {
	for a != "" || b != "" {
		a, b = strings.TrimLeftFunc(a, notInVersion), strings.TrimLeftFunc(b, notInVersion)
		if c, done := compareSigns(&a, &b); done {
			return c
		}
		x, y := piece(&a), piece(&b)
		if c := comparePieces(x, y); c != 0 {
			return c
		}
	}
	return 0
}

func notInVersion(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("~-^.", r)
}

// compareSigns orders by the sign that comes next: a tilde is before everything, the end before
// the others, and "-" before "^" before "." before letters and digits.
func compareSigns(a, b *string) (int, bool) {
	for _, sign := range []string{"~", "", "-", "^", "."} {
		x, y := next(*a, sign), next(*b, sign)
		switch {
		case x && y && sign == "":
			return 0, true
		case x && y:
			*a, *b = (*a)[1:], (*b)[1:]
			return 0, false
		case x:
			return -1, true
		case y:
			return 1, true
		}
	}
	return 0, false
}

// next tells whether a text goes on with a sign; with the empty one, that it ends.
func next(s, sign string) bool {
	if sign == "" {
		return s == ""
	}
	return strings.HasPrefix(s, sign)
}

// piece takes the digits, or the letters, that a text begins with.
func piece(s *string) string {
	digits := *s != "" && isDigit((*s)[0])
	n := 0
	for n < len(*s) && (isDigit((*s)[n]) && digits || isLetter((*s)[n]) && !digits) {
		n++
	}
	out := (*s)[:n]
	*s = (*s)[n:]
	return out
}

// comparePieces: numbers by their value and after letters.
func comparePieces(x, y string) int {
	dx, dy := x != "" && isDigit(x[0]), y != "" && isDigit(y[0])
	if dx != dy {
		return map[bool]int{true: 1, false: -1}[dx]
	}
	if dx {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Compare(len(x), len(y)); c != 0 {
			return c
		}
	}
	return strings.Compare(x, y)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func systemdBoot() section.Section {
	return section.Section{
		Name: "systemd-boot", Source: "loader/loader.conf, loader/random-seed and EFI/systemd/*.efi in " + strings.Join(bootDirs(), ", "),
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, dir := range bootDirs() {
				s, err := readSystemdBoot(t, dir)
				if err != nil {
					return err
				}
				if s != nil {
					r.SystemdBoot = append(r.SystemdBoot, *s)
				}
			}
			if len(r.SystemdBoot) == 0 {
				return section.Absent("no loader/loader.conf and no systemd-boot")
			}
			return nil
		},
	}
}

// readSystemdBoot reads one partition; nil where it has nothing of systemd-boot.
func readSystemdBoot(t *tree.Tree, dir string) (*report.SystemdBoot, error) {
	s := &report.SystemdBoot{Path: dir}
	lines, err := readLoaderConf(t, dir)
	if err != nil {
		return nil, err
	}
	programs, err := regular(t, dir+"/EFI/systemd/systemd-boot*.efi")
	if err != nil {
		return nil, err
	}
	if lines == nil && len(programs) == 0 {
		return nil, nil
	}
	s.Settings = lines
	for _, f := range programs {
		if s.Version, err = loaderVersion(f); err != nil {
			return nil, err
		}
	}
	seed, err := firstThere(t, []string{dir + "/loader/random-seed"})
	if err != nil {
		return nil, err
	}
	s.RandomSeed = seed != ""
	s.Default, err = loaderChoice(t, dir, lines)
	return s, err
}

// readLoaderConf gives the lines of loader.conf(5); nil where there is none.
func readLoaderConf(t *tree.Tree, dir string) ([]string, error) {
	name := dir + "/loader/loader.conf"
	data, err := t.ReadFile(name, section.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines := []string{}
	err = section.EachTableLine(data, func(_ int, line string) error {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
		return nil
	})
	return lines, section.Within(name, err)
}

// loaderVersion is what systemd-boot says of itself in its section .sdmagic: "LoaderInfo: systemd-boot 252".
func loaderVersion(f *tree.File) (string, error) {
	text := ""
	err := withPE(f, func(_ *tree.File, p *pe.File) (err error) {
		text, err = sectionText(p, ".sdmagic")
		return err
	})
	if err != nil && !errors.Is(err, pe.ErrNotPE) {
		return "", fmt.Errorf("%s: %w", f.Path, err)
	}
	_, text, _ = strings.Cut(text, "LoaderInfo: ")
	text, _, _ = strings.Cut(text, " ####")
	return strings.TrimPrefix(text, "systemd-boot "), nil
}

// loaderChoice is the entry that systemd-boot starts: the first in the menu that fits the pattern of
// loader.conf, else the first. Unified images come by their names among entries of no sort-key.
func loaderChoice(t *tree.Tree, dir string, lines []string) (string, error) {
	entries, err := loaderMenu(t, dir)
	if err != nil || len(entries) == 0 {
		return "", err
	}
	pattern := ""
	for _, line := range lines {
		if p, ok := strings.CutPrefix(line, "default "); ok {
			pattern = p
		}
	}
	if pattern != "" && !strings.HasPrefix(pattern, "@") {
		for _, e := range entries {
			if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(path.Base(e.path))); err == nil && ok {
				return e.path, nil
			}
		}
	}
	return entries[0].path, nil
}

// loaderMenu are the entries of both types in the order of the menu.
func loaderMenu(t *tree.Tree, dir string) ([]blsEntry, error) {
	list, err := readBLS(t, dir)
	if err != nil {
		return nil, err
	}
	images, err := regular(t, dir+"/EFI/Linux/*.efi")
	if err != nil {
		return nil, err
	}
	for _, f := range images {
		e := blsEntry{path: f.Path, keys: map[string]string{}}
		e.id, e.left, e.done = bootCount(strings.TrimSuffix(f.Name(), ".efi"))
		var u report.UKI
		err := withPE(f, func(_ *tree.File, p *pe.File) (err error) {
			u, err = ukiTexts(p)
			return err
		})
		if err != nil && !errors.Is(err, pe.ErrNotPE) {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		// What systemd-boot makes of the image's os-release.
		e.keys["sort-key"], e.keys["version"] = cmp.Or(u.OSRelease["IMAGE_ID"], u.OSRelease["ID"]), cmp.Or(u.OSRelease["IMAGE_VERSION"], u.OSRelease["VERSION_ID"], u.OSRelease["BUILD_ID"])
		list = append(list, e)
	}
	slices.SortStableFunc(list, compareBLS)
	return list, nil
}
