package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func nftables() section.Section {
	return section.Section{
		Name: "nftables", Source: "/etc/nftables.conf, /etc/sysconfig/nftables.conf and what they include", Oracle: "nft -j list ruleset",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			for _, name := range []string{"/etc/nftables.conf", "/etc/sysconfig/nftables.conf"} {
				f, err := t.Lookup(name)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				n := &nftReader{tree: t, out: report.NftFile{Path: name}}
				err = n.file(f)
				r.Nftables = append(r.Nftables, n.out)
				if err != nil {
					return err
				}
			}
			if len(r.Nftables) == 0 {
				return section.Absent("no nftables.conf")
			}
			return nil
		},
	}
}

// An nftReader finds the tables and chains of nft(8) commands, and counts rules. It
// understands no rule.
type nftReader struct {
	tree     *tree.Tree
	out      report.NftFile
	includes section.Includes
}

func (n *nftReader) problem(source string, err error) {
	n.out.Problems = section.AddProblem(n.out.Problems, fmt.Sprintf("%s: %v", source, err))
}

func (n *nftReader) file(f *tree.File) error {
	if err := n.includes.Enter(f.Path, f.Node.Size); err != nil {
		n.problem(f.Path, err)
		return nil
	}
	defer n.includes.Leave()
	data, err := f.Read(section.MaxConfig)
	if err != nil {
		return err
	}
	if n.out.SHA256 == "" {
		sum := sha256.Sum256(data)
		n.out.SHA256 = hex.EncodeToString(sum[:])
	}
	statements, err := nftStatements(data)
	if err != nil {
		return section.Within(f.Path, err)
	}
	w := nftWalk{reader: n, file: f.Path}
	for _, s := range statements {
		if err := w.statement(s); err != nil {
			return err
		}
	}
	if len(w.open) > 0 {
		n.problem(f.Path, errors.New("a brace is not closed"))
	}
	return nil
}

// include reads what a pattern matches; a name that is not absolute is looked for in /etc.
func (n *nftReader) include(pattern, source string) error {
	if err := n.includes.Ask(); err != nil {
		n.problem(source, err)
		return nil
	}
	if !strings.HasPrefix(pattern, "/") {
		pattern = "/etc/" + strings.TrimPrefix(pattern, "./")
	}
	files, err := n.tree.Glob(pattern)
	if errors.Is(err, tree.ErrUnread) {
		return err
	}
	if err != nil || len(files) == 0 && !strings.ContainsAny(pattern, "*?[") {
		n.problem(source, fmt.Errorf("%s is included and not there", pattern))
	}
	for _, f := range files {
		real, err := n.tree.Lookup(f.Path)
		if err == nil && real.Node.Type == report.File {
			n.out.Includes = append(n.out.Includes, real.Path)
			err = n.file(real)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// table is the one of that family and name, made when it is new.
func (n *nftReader) table(family, name string) *report.NftTable {
	i := slices.IndexFunc(n.out.Tables, func(t report.NftTable) bool { return t.Family == family && t.Name == name })
	if i < 0 {
		if len(n.out.Tables) >= maxNft {
			return &report.NftTable{}
		}
		i = len(n.out.Tables)
		n.out.Tables = append(n.out.Tables, report.NftTable{Family: family, Name: name})
	}
	return &n.out.Tables[i]
}

// maxNft bounds tables, and the chains of one; what is beyond does not show.
const maxNft = 256

func chainOf(t *report.NftTable, name string) *report.NftChain {
	i := slices.IndexFunc(t.Chains, func(c report.NftChain) bool { return c.Name == name })
	if i < 0 {
		if len(t.Chains) >= maxNft {
			return &report.NftChain{}
		}
		i = len(t.Chains)
		t.Chains = append(t.Chains, report.NftChain{Name: name})
	}
	return &t.Chains[i]
}
