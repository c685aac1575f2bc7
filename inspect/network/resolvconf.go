package network

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const resolvFile = "/etc/resolv.conf"

func resolvConf() section.Section {
	return section.Section{
		Name: "resolv-conf", Source: resolvFile,
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			f, err := t.Lstat(resolvFile)
			if err != nil {
				return err
			}
			c := &report.ResolvConf{}
			r.ResolvConf = c
			if f.Node.Type == report.Symlink {
				c.Link = f.Node.Target.String()
			}
			data, err := t.ReadFile(resolvFile, section.MaxConfig)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // the link says all that there is
			}
			if err != nil {
				return err
			}
			return section.Within(resolvFile, readResolvConf(c, data))
		},
	}
}

// readResolvConf reads the keywords of resolv.conf(5). Of search and domain the
// last counts.
func readResolvConf(c *report.ResolvConf, data []byte) error {
	return section.EachTableLine(data, func(_ int, line string) error {
		c.Lines = append(c.Lines, line)
		f := strings.Fields(line)
		switch f[0] {
		case "nameserver":
			c.Nameservers = append(c.Nameservers, f[1:min(len(f), 2)]...)
		case "search":
			c.Search = f[1:]
		case "domain":
			c.Search = f[1:min(len(f), 2)]
		case "options":
			c.Options = append(c.Options, f[1:]...)
		}
		return nil
	})
}
