package accounts

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/keyfile"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func polkit() section.Section {
	return section.Section{
		Name: "polkit", Source: "/etc/polkit-1, /usr/local/share/polkit-1, /usr/share/polkit-1, /var/lib/polkit-1",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			p := &report.Polkit{}
			err := errors.Join(polkitRules(t, p), polkitAuthorities(t, p), polkitActions(t, p))
			if err == nil && len(p.Rules)+len(p.Authorities)+p.Actions == 0 {
				return section.Absent("no rules and no actions of polkit")
			}
			r.Polkit = p
			return err
		},
	}
}

// polkitRules lists the scripts by their names; of equal names the one in /etc is asked first:
// polkit(8).
func polkitRules(t *tree.Tree, p *report.Polkit) error {
	var files []*tree.File
	for _, dir := range []string{"/etc/polkit-1/rules.d", "/usr/local/share/polkit-1/rules.d", "/usr/share/polkit-1/rules.d"} {
		found, err := t.Glob(dir + "/*.rules")
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	slices.SortStableFunc(files, func(a, b *tree.File) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, f := range files {
		digest, err := digestOf(t, f)
		if err != nil {
			p.Problems = section.AddProblem(p.Problems, err.Error())
			continue
		}
		p.Rules = append(p.Rules, report.PolkitRules{Path: f.Path, SHA256: digest})
	}
	return nil
}

// digestOf is the SHA-256 of a configuration file, a link followed.
func digestOf(t *tree.Tree, f *tree.File) (string, error) {
	data, err := t.ReadFile(f.Path, section.MaxConfig)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// polkitAuthorities reads what versions before 0.106 and polkit-pkla-compat do: pklocalauthority(8).
func polkitAuthorities(t *tree.Tree, p *report.Polkit) error {
	for _, dir := range []string{"/etc/polkit-1/localauthority", "/var/lib/polkit-1/localauthority"} {
		files, err := t.Glob(dir + "/*/*.pkla")
		if err != nil {
			return err
		}
		for _, f := range files {
			data, err := t.ReadFile(f.Path, section.MaxConfig)
			if err == nil {
				err = addAuthorities(p, f.Path, data)
			}
			if err != nil {
				p.Problems = section.AddProblem(p.Problems, err.Error())
			}
		}
	}
	slices.SortStableFunc(p.Authorities, func(a, b report.PolkitAuthority) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func addAuthorities(p *report.Polkit, name string, data []byte) error {
	file, err := keyfile.Parse(data, keyfile.NetworkManager()) // GLib's, as polkit's is
	at := map[string]int{}
	for _, title := range file.Sections() {
		at[title] = len(p.Authorities)
		p.Authorities = append(p.Authorities, report.PolkitAuthority{Name: title, Source: name, Values: map[string]string{}})
	}
	for _, x := range file.Assignments {
		p.Authorities[at[x.Section]].Values[x.Key] = x.Value
	}
	return section.Within(name, err)
}

// polkitActions counts declarations without taking the XML apart: there are a
// hundred files of them on a desktop.
func polkitActions(t *tree.Tree, p *report.Polkit) error {
	files, err := t.Glob("/usr/share/polkit-1/actions/*.policy")
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := t.ReadFile(f.Path, section.MaxConfig)
		if err != nil {
			p.Problems = section.AddProblem(p.Problems, err.Error())
			continue
		}
		p.Actions += countActions(data)
	}
	return nil
}

func countActions(xml []byte) int {
	n := 0
	for len(xml) > 0 {
		text, rest, open := bytes.Cut(xml, []byte("<!--"))
		n += bytes.Count(text, []byte("<action ")) + bytes.Count(text, []byte("<action\t")) + bytes.Count(text, []byte("<action\n"))
		if !open {
			break
		}
		_, xml, _ = bytes.Cut(rest, []byte("-->"))
	}
	return n
}

// note formats a problem with its place.
func note(name string, line int, err error) string { return fmt.Sprintf("%s:%d: %v", name, line, err) }
