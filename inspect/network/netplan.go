package network

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/inspect/section/yamltext"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func netplan() section.Section {
	return section.Section{
		Name: "netplan", Source: "*.yaml in /etc/netplan over /lib/netplan", Oracle: "netplan get",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			files, err := section.Dropins(t, "*.yaml", "/etc/netplan", "/lib/netplan")
			if err != nil {
				return err
			}
			if len(files) == 0 {
				return section.Absent("no file of netplan")
			}
			n := &report.Netplan{}
			r.Netplan = n
			m := merged{values: map[string]string{}, lists: map[string]int{}}
			for _, f := range files {
				n.Files = append(n.Files, f.Path)
				data, err := t.ReadFile(f.Path, section.MaxConfig)
				if err != nil {
					return err
				}
				leaves, err := yamltext.Leaves(data)
				if err != nil {
					n.Problems = section.AddProblem(n.Problems, fmt.Sprintf("%s: %v", f.Path, err))
					continue
				}
				m.add(leaves)
			}
			m.fill(n)
			return nil
		},
	}
}

// separator stands between the parts of a path: no key holds it.
const separator = "\x00"

// merged are all files together: of mappings the later value counts, lists go on.
type merged struct {
	values map[string]string
	// lists has how many elements a list has.
	lists map[string]int
}

func (m *merged) add(leaves []yamltext.Leaf) {
	before := maps.Clone(m.lists)
	for _, l := range leaves {
		path := slices.Clone(l.Path)
		for i, part := range path {
			n, ok := index(part)
			if !ok || i == 0 {
				continue
			}
			// Only the outermost list is continued: its elements are wholes.
			list := strings.Join(path[:i], separator)
			n += before[list]
			path[i] = strconv.Itoa(n)
			m.lists[list] = max(m.lists[list], n+1)
			break
		}
		key := strings.Join(path, separator)
		if l.Value == "null" || l.Value == "~" {
			m.drop(key)
			continue
		}
		m.values[key] = l.Value
	}
}

// drop takes back what has a path, and what is below it.
func (m *merged) drop(key string) {
	maps.DeleteFunc(m.values, func(k, _ string) bool { return k == key || strings.HasPrefix(k, key+separator) })
	maps.DeleteFunc(m.lists, func(k string, _ int) bool { return k == key || strings.HasPrefix(k, key+separator) })
}

// index is the number of a list's element.
func index(part string) (int, bool) {
	text, ok := strings.CutPrefix(part, "[")
	n, err := strconv.Atoi(strings.TrimSuffix(text, "]"))
	return n, ok && err == nil
}

func (m *merged) fill(n *report.Netplan) {
	at := map[string]int{}
	for _, key := range slices.SortedFunc(maps.Keys(m.values), byNumbers) {
		path := strings.Split(key, separator)
		switch {
		case path[0] != "network" || len(path) < 2:
			n.Problems = section.AddProblem(n.Problems, "outside of network: "+strings.Join(path, "."))
		case path[1] == "renderer":
			n.Renderer = m.values[key]
		case len(path) > 2:
			kind, id := path[1], path[2]
			i, ok := at[kind+separator+id]
			if !ok {
				i = len(n.Interfaces)
				at[kind+separator+id] = i
				n.Interfaces = append(n.Interfaces, report.NetplanInterface{ID: id, Kind: kind, Settings: map[string]string{}})
			}
			setNetplan(&n.Interfaces[i], path[3:], m.values[key])
		}
	}
	slices.SortFunc(n.Interfaces, func(a, b report.NetplanInterface) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind))
	})
}

// byNumbers orders paths so that element 10 comes after element 9.
func byNumbers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, separator), strings.Split(b, separator), func(x, y string) int {
		n, err1 := strconv.Atoi(x)
		k, err2 := strconv.Atoi(y)
		if err1 == nil && err2 == nil {
			return cmp.Or(cmp.Compare(n, k), cmp.Compare(x, y))
		}
		return cmp.Compare(x, y)
	})
}

// setNetplan keeps one value of an interface; a secret's is not shown.
func setNetplan(i *report.NetplanInterface, path []string, value string) {
	if len(path) == 0 {
		return // an interface without settings
	}
	key := strings.Join(path, ".")
	last := path[len(path)-1]
	if secret.Named(last) || len(path) > 1 && path[len(path)-2] == "keys" && last != "public" {
		i.Settings[key] = secret.Present
		return
	}
	i.Settings[key] = value
	switch {
	case key == "renderer":
		i.Renderer = value
	case key == "dhcp4":
		i.DHCP4 = truth(value)
	case key == "dhcp6":
		i.DHCP6 = truth(value)
	case path[0] == "addresses" && len(path) == 2:
		i.Addresses = append(i.Addresses, value)
	case path[0] == "addresses" && !slices.Contains(i.Addresses, path[2]): // one with options
		i.Addresses = append(i.Addresses, path[2])
	case path[0] == "nameservers" && len(path) == 3 && path[1] == "addresses":
		i.Nameservers = append(i.Nameservers, value)
	}
}

// truth is how netplan reads a switch.
func truth(value string) bool {
	return slices.Contains([]string{"true", "on", "yes", "y"}, strings.ToLower(value))
}
