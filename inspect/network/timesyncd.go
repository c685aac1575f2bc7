package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func timesyncd() section.Section {
	return section.Section{
		Name: "timesyncd", Source: "timesyncd.conf and timesyncd.conf.d in /etc/systemd, /usr/local/lib/systemd, /usr/lib/systemd",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			s := &report.TimeService{}
			file, err := daemonConf(t, "timesyncd", s)
			if err != nil {
				return err
			}
			if len(s.Files) == 0 {
				return section.Absent("no timesyncd.conf")
			}
			r.Timesyncd = s
			for kind, key := range map[string]string{"server": "NTP", "fallback": "FallbackNTP"} {
				for _, address := range strings.Fields(strings.Join(file.List("Time", key), " ")) {
					s.Sources = append(s.Sources, report.TimeSource{Address: address, Kind: kind, Source: key})
				}
			}
			sortSources(s)
			return nil
		},
	}
}

// daemonConf reads the settings of one of systemd's daemons, drop-ins behind the main file.
func daemonConf(t *tree.Tree, daemon string, s *report.TimeService) (*keyfile.File, error) {
	dirs := []string{"/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"}
	var dropIns []string
	for _, dir := range dirs {
		dropIns = append(dropIns, dir+"/"+daemon+".conf.d")
	}
	main, err := section.Dropins(t, daemon+".conf", dirs...)
	if err != nil {
		return nil, err
	}
	more, err := section.Dropins(t, "*.conf", dropIns...)
	if err != nil {
		return nil, err
	}
	all := &keyfile.File{}
	for _, f := range append(main, more...) {
		file, err := readKeyfile(t, f.Path, keyfile.Systemd(), &s.Problems)
		if err != nil {
			return nil, err
		}
		if file == nil {
			continue
		}
		s.Files = append(s.Files, f.Path)
		all.Append(file)
		for _, a := range file.Assignments {
			s.Settings = append(s.Settings, report.Setting{Key: a.Key, Value: secret.Value(a.Key, a.Value), Source: fmt.Sprintf("%s:%d", f.Path, a.Line)})
		}
	}
	return all, nil
}

func ntp() section.Section {
	return section.Section{
		Name: "ntp", Source: "/etc/ntp.conf, /etc/ntpsec/ntp.conf",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, name := range []string{"/etc/ntpsec/ntp.conf", "/etc/ntp.conf"} {
				data, err := t.ReadFile(name, section.MaxConfig)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				s := &report.TimeService{Files: []string{name}}
				r.NTP = s
				return section.Within(name, readNTP(s, name, data))
			}
			return section.Absent("no ntp.conf")
		},
	}
}

// readNTP reads the lines of ntp.conf(5). The password of "crypto pw" is not kept.
func readNTP(s *report.TimeService, name string, data []byte) error {
	return section.EachTableLine(data, func(n int, line string) error {
		line, _, _ = strings.Cut(line, "#")
		w := strings.Fields(line)
		source := fmt.Sprintf("%s:%d", name, n)
		for i := 1; i < len(w); i++ {
			if w[i-1] == "pw" || w[i-1] == "ident" && w[0] == "crypto" {
				w[i] = secret.Present
			}
		}
		switch kind := strings.ToLower(w[0]); {
		case len(w) > 1 && (kind == "server" || kind == "pool" || kind == "peer" || kind == "refclock"):
			s.Sources = append(s.Sources, report.TimeSource{Address: w[1], Kind: kind, Options: strings.Join(w[2:], " "), Source: source})
		default:
			s.Settings = append(s.Settings, report.Setting{Key: kind, Value: strings.Join(w[1:], " "), Source: source})
		}
		return nil
	})
}

// sortSources puts fallbacks behind; the order of the others is the file's.
func sortSources(s *report.TimeService) {
	slices.SortStableFunc(s.Sources, func(a, b report.TimeSource) int { return -cmp.Compare(a.Kind, b.Kind) })
}
