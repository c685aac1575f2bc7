package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func crypttab() section.Section {
	return section.Section{
		Name: "crypttab", Source: "/etc/crypttab", Oracle: "systemd-cryptsetup-generator",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/etc/crypttab", section.MaxTable)
			if err != nil {
				return err
			}
			r.Crypttab, err = parseCrypttab(data)
			return section.Within("/etc/crypttab", err)
		},
	}
}

// parseCrypttab reads the lines of crypttab(5) in their order, what was read before an error too.
func parseCrypttab(data []byte) ([]report.CrypttabEntry, error) {
	var list []report.CrypttabEntry
	err := section.EachTableLine(data, func(_ int, line string) error {
		f := append(strings.Fields(line), "", "")
		if len(f) < 4 {
			return fmt.Errorf("%d fields, an encrypted device needs a name and a device", len(f)-2)
		}
		e := report.CrypttabEntry{Name: f[0], Device: f[1], Key: f[2], Options: f[3]}
		if e.Key == "-" || e.Key == "none" {
			e.Key = ""
		}
		if e.Options == "-" {
			e.Options = ""
		}
		list = append(list, e)
		return nil
	})
	return list, err
}

// mdadmFiles are where mdadm looks: mdadm.conf(5).
func mdadmFiles() []string {
	return []string{"/etc/mdadm.conf", "/etc/mdadm.conf.d/*.conf", "/etc/mdadm/mdadm.conf", "/etc/mdadm/mdadm.conf.d/*.conf"}
}

func mdadm() section.Section {
	return section.Section{
		Name: "mdadm", Source: strings.Join(mdadmFiles(), ", "),
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			found := false
			for _, pattern := range mdadmFiles() {
				files, err := t.Glob(pattern)
				if err != nil {
					return err
				}
				for _, f := range files {
					found = true
					data, err := t.ReadFile(f.Path, section.MaxConfig)
					if errors.Is(err, fs.ErrNotExist) {
						continue
					}
					if err == nil {
						r.Mdadm, err = parseMdadm(r.Mdadm, data)
					}
					if err != nil {
						return section.Within(f.Path, err)
					}
				}
			}
			if !found {
				return section.Absent("no mdadm.conf")
			}
			return nil
		},
	}
}

// parseMdadm adds the lines of a mdadm.conf(5) by their keyword. A line that begins with
// white space goes on with the one before.
func parseMdadm(into map[string][]string, data []byte) (map[string][]string, error) {
	if into == nil {
		into = map[string][]string{}
	}
	last := ""
	err := section.EachLine(data, func(_ int, line string) error {
		text, _, _ := strings.Cut(line, "#")
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
		case text[0] == ' ' || text[0] == '\t':
			if n := len(into[last]); n > 0 && len(into[last][n-1])+len(text) < section.MaxLine {
				into[last][n-1] += " " + strings.Join(words, " ")
			}
		default:
			last = strings.ToUpper(words[0])
			into[last] = append(into[last], strings.Join(words[1:], " "))
		}
		return nil
	})
	return into, err
}

func zipl() section.Section {
	return section.Section{
		Name: "zipl", Source: "/etc/zipl.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/etc/zipl.conf", section.MaxConfig)
			if err != nil {
				return err
			}
			r.Zipl, err = parseZipl(data)
			return section.Within("/etc/zipl.conf", err)
		},
	}
}

// parseZipl reads zipl.conf(5): sections, menus among them (":menu"), and "key=value" lines.
func parseZipl(data []byte) ([]report.ZiplSection, error) {
	var list []report.ZiplSection
	err := section.EachTableLine(data, func(_ int, line string) error {
		if line[0] == ':' || line[0] == '[' {
			list = append(list, report.ZiplSection{Name: strings.Trim(line, "[] \t")})
			return nil
		}
		if len(list) == 0 {
			return errors.New("a setting stands in no section")
		}
		key, value, ok := strings.Cut(line, "=")
		text := strings.TrimSpace(key)
		if ok {
			text += "=" + strings.Trim(strings.TrimSpace(value), `"'`)
		}
		at := &list[len(list)-1]
		at.Settings = append(at.Settings, text)
		return nil
	})
	return list, err
}
