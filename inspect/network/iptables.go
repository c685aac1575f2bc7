package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func iptables() section.Section {
	return section.Section{
		Name: "iptables", Source: "/etc/iptables/rules.v4 and rules.v6, /etc/iptables/iptables.rules, /etc/sysconfig/iptables, /etc/sysconfig/ip6tables", Oracle: "iptables-save",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, name := range []string{
				"/etc/iptables/ip6tables.rules", "/etc/iptables/iptables.rules", "/etc/iptables/rules.v4", "/etc/iptables/rules.v6",
				"/etc/sysconfig/ip6tables", "/etc/sysconfig/iptables",
			} {
				data, err := t.ReadFile(name, section.MaxTable)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				f, err := iptablesFile(name, data)
				r.Iptables = append(r.Iptables, f)
				if err != nil {
					return section.Within(name, err)
				}
			}
			if len(r.Iptables) == 0 {
				return section.Absent("no saved rules of iptables")
			}
			return nil
		},
	}
}

// iptablesFile reads the form of iptables-save(8).
func iptablesFile(name string, data []byte) (report.IptablesFile, error) {
	sum := sha256.Sum256(data)
	f := report.IptablesFile{Path: name, SHA256: hex.EncodeToString(sum[:])}
	at := map[string]int{}
	err := section.EachTableLine(data, func(n int, line string) error {
		words := strings.Fields(line)
		if words[0][0] == '[' { // counters
			words = words[1:]
		}
		switch {
		case len(words) == 0:
		case words[0][0] == '*':
			f.Tables, at = append(f.Tables, report.IptablesTable{Name: words[0][1:]}), map[string]int{}
		case words[0] == "COMMIT":
		case len(f.Tables) == 0:
			f.Problems = section.AddProblem(f.Problems, place(name, n, fmt.Errorf("%.60q stands in no table", line)))
		case words[0][0] == ':' && len(words) > 1:
			addChain(&f.Tables[len(f.Tables)-1], at, words[0][1:]).Policy = strings.Trim(words[1], "-")
		case (words[0] == "-A" || words[0] == "-I") && len(words) > 1:
			addChain(&f.Tables[len(f.Tables)-1], at, words[1]).Rules++
		default:
			f.Problems = section.AddProblem(f.Problems, place(name, n, fmt.Errorf("%.60q is not understood", line)))
		}
		return nil
	})
	return f, err
}

// addChain is the chain of that name; at has where the chains of the table are.
func addChain(t *report.IptablesTable, at map[string]int, name string) *report.NftChain {
	i, ok := at[name]
	if !ok {
		i = len(t.Chains)
		at[name] = i
		t.Chains = append(t.Chains, report.NftChain{Name: name})
	}
	return &t.Chains[i]
}
