package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/network/sshconf"
	"github.com/assay-os/assay/inspect/network/sshkey"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func sshHostKeys() section.Section {
	return section.Section{
		Name: "ssh-host-keys", Source: "/etc/ssh/ssh_host_*_key and what sshd_config names", Oracle: "ssh-keygen -l",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			paths, err := hostKeyPaths(t)
			if err != nil {
				return err
			}
			for _, path := range slices.Sorted(maps.Keys(paths)) {
				k, err := hostKey(t, path)
				if err != nil {
					return err
				}
				k.Configured = paths[path]
				if k.Private || k.Public {
					r.SSHHostKeys = append(r.SSHHostKeys, k)
				}
			}
			if len(r.SSHHostKeys) == 0 {
				return section.Absent("no host key of SSH")
			}
			return nil
		},
	}
}

// maxHostKeys bounds the names in one configuration.
const maxHostKeys = 256

// hostKeyPaths are the paths of private keys, there or not, and whether sshd uses them.
func hostKeyPaths(t *tree.Tree) (map[string]bool, error) {
	var named []string
	config, err := sshconf.Read(t, sshconf.Server())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if config != nil {
		named = sshconf.All(config.Settings, "hostkey")
	}
	if len(named) > maxHostKeys {
		return nil, fmt.Errorf("sshd_config names %d host keys, more than %d", len(named), maxHostKeys)
	}
	paths := map[string]bool{}
	files, err := t.Glob("/etc/ssh/ssh_host_*")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		path := strings.TrimSuffix(f.Path, ".pub")
		standard := slices.Contains([]string{"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"}, path)
		if strings.HasSuffix(path, "_key") {
			paths[path] = len(named) == 0 && standard
		}
	}
	for _, path := range named {
		if strings.HasPrefix(path, "/") {
			paths[path] = true
		}
	}
	return paths, nil
}

// hostKey reads a pair of files. Of a private key only what it says of its public part is kept.
func hostKey(t *tree.Tree, path string) (report.SSHHostKey, error) {
	k := report.SSHHostKey{Path: path}
	data, err := t.ReadFile(path, section.MaxConfig)
	if unless(err) != nil {
		return k, err
	}
	var private sshkey.Key
	if err == nil {
		k.Private = true
		var problem error
		if private, problem = sshkey.Private(data); problem != nil {
			k.Problems = section.AddProblem(k.Problems, fmt.Sprintf("%s: %v", path, problem))
		}
		k.Encrypted = private.Encrypted
	}
	data, err = t.ReadFile(path+".pub", section.MaxConfig)
	if unless(err) != nil {
		return k, err
	}
	var public sshkey.Key
	if err == nil {
		k.Public = true
		var problem error
		if public, problem = sshkey.Public(string(data)); problem != nil {
			k.Problems = section.AddProblem(k.Problems, fmt.Sprintf("%s.pub: %v", path, problem))
		}
	}
	if private.Fingerprint != "" && public.Fingerprint != "" && private.Fingerprint != public.Fingerprint {
		k.Problems = section.AddProblem(k.Problems, fmt.Sprintf("%s.pub is of another key, %s", path, public.Fingerprint))
	}
	k.Type, k.Bits = cmp.Or(private.Type, public.Type), cmp.Or(private.Bits, public.Bits)
	k.Fingerprint, k.Comment = cmp.Or(private.Fingerprint, public.Fingerprint), public.Comment
	return k, nil
}
