package resolve

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// systemStages make the tree, in the order in which later ones may rely on
// earlier ones. What removes the traces of installing comes last.
func (p *plan) systemStages() []stage {
	c := &p.blueprint.Customizations
	stages := []stage{
		{Type: "dev.assay.debs", Options: options{"mode": "install"}, Inputs: packagesInput(p.system)},
		{Type: "org.osbuild.hostname", Options: options{"hostname": c.Hostname}},
		{Type: "org.osbuild.locale", Options: options{"language": c.Locale.Languages[0]}},
		{Type: "org.osbuild.timezone", Options: options{"zone": c.Timezone.Timezone}},
	}
	if c.Locale.Keyboard != "" {
		stages = append(stages, stage{Type: "org.osbuild.keymap", Options: options{"keymap": c.Locale.Keyboard}})
	}
	stages = append(stages, accountStages(c)...)
	stages = append(stages, p.fstabStage())
	stages = append(stages, contentStages(c)...)
	if s := c.Services; len(s.Enabled)+len(s.Disabled)+len(s.Masked) > 0 {
		stages = append(stages, stage{Type: "org.osbuild.systemd", Options: serviceOptions(s)})
	}
	kernel := strings.TrimSpace(p.distro.KernelOptions + " " + c.Kernel.Append)
	return append(stages,
		stage{Type: "org.osbuild.kernel-cmdline", Options: options{"root_fs_uuid": p.ids.root, "kernel_opts": kernel}},
		stage{Type: "dev.assay.grub", Options: options{"serial": options{}}},
		stage{Type: "dev.assay.pristine", Options: options{}},
	)
}

func (p *plan) fstabStage() stage {
	return stage{Type: "org.osbuild.fstab", Options: options{"filesystems": []options{{
		"uuid": p.ids.root, "path": "/", "vfs_type": p.distro.RootFilesystem,
		"options": "errors=remount-ro", "freq": 0, "passno": 1,
	}}}}
}

func serviceOptions(s Services) options {
	o := options{}
	for key, list := range map[string][]string{
		"enabled_services": s.Enabled, "disabled_services": s.Disabled, "masked_services": s.Masked,
	} {
		if len(list) > 0 {
			o[key] = list
		}
	}
	return o
}

func accountStages(c *Customizations) []stage {
	var stages []stage
	if len(c.Groups) > 0 {
		groups := options{}
		for _, g := range c.Groups {
			groups[g.Name] = numbers(options{}, "gid", g.GID)
		}
		stages = append(stages, stage{Type: "org.osbuild.groups", Options: options{"groups": groups}})
	}
	users := options{}
	for _, u := range c.Users {
		users[u.Name] = userOptions(u, c.SSHKeys)
	}
	for _, k := range c.SSHKeys {
		if _, ok := users[k.User]; !ok {
			users[k.User] = userOptions(User{Name: k.User}, c.SSHKeys)
		}
	}
	if len(users) > 0 {
		stages = append(stages, stage{Type: "org.osbuild.users", Options: options{"users": users}})
	}
	return stages
}

func userOptions(u User, more []SSHKey) options {
	o := options{}
	for key, value := range map[string]string{
		"description": u.Description, "password": u.Password, "home": u.Home, "shell": u.Shell,
	} {
		if value != "" {
			o[key] = value
		}
	}
	if len(u.Groups) > 0 {
		o["groups"] = u.Groups
	}
	numbers(o, "uid", u.UID)
	numbers(o, "gid", u.GID)
	var keys []string
	if u.Key != "" {
		keys = append(keys, u.Key)
	}
	for _, k := range more {
		if k.User == u.Name {
			keys = append(keys, k.Key)
		}
	}
	switch len(keys) {
	case 0:
	case 1:
		o["key"] = keys[0]
	default:
		o["keys"] = keys
	}
	return o
}

func numbers(o options, key string, value *int) options {
	if value != nil {
		o[key] = *value
	}
	return o
}

// contentStages make the blueprint's directories and files.
func contentStages(c *Customizations) []stage {
	var stages []stage
	owners, modes := options{}, options{}
	if len(c.Directories) > 0 {
		paths := make([]options, len(c.Directories))
		for i, d := range c.Directories {
			paths[i] = options{"path": "tree://" + d.Path, "parents": d.EnsureParents, "exist_ok": true}
			setMode(modes, d.Path, d.Mode)
			setOwner(owners, d.Path, d.User, d.Group)
		}
		stages = append(stages, stage{Type: "org.osbuild.mkdir", Options: options{"paths": paths}})
	}
	if len(c.Files) > 0 {
		stages = append(stages, copyStage(c.Files))
	}
	for _, f := range c.Files {
		mode := f.Mode
		if mode == "" {
			mode = "0644"
		}
		setMode(modes, f.Path, mode)
		setOwner(owners, f.Path, f.User, f.Group)
	}
	if len(owners) > 0 {
		stages = append(stages, stage{Type: "org.osbuild.chown", Options: options{"items": owners}})
	}
	// chown(2) takes the set-user-ID bit away, so modes come after owners.
	if len(modes) > 0 {
		stages = append(stages, stage{Type: "org.osbuild.chmod", Options: options{"items": modes}})
	}
	return stages
}

func setMode(items options, path, mode string) {
	if mode != "" {
		items[path] = options{"mode": mode}
	}
}

func setOwner(items options, path string, user, group any) {
	o := options{}
	if user != nil {
		o["user"] = owner(user)
	}
	if group != nil {
		o["group"] = owner(group)
	}
	if len(o) > 0 {
		items[path] = o
	}
}

// owner keeps a number a number: "0" and 0 are the same owner.
func owner(v any) any {
	if s, ok := v.(string); ok {
		if n, err := strconv.Atoi(s); err == nil {
			return n
		}
	}
	return v
}

func copyStage(files []File) stage {
	paths := make([]options, len(files))
	inputs := map[string]input{}
	for i, f := range files {
		id, _ := inlineItem(f.Data)
		name := "file-" + id[len("sha256:"):][:12]
		paths[i] = options{"from": fmt.Sprintf("input://%s/%s", name, id), "to": "tree://" + f.Path, "remove_destination": true}
		inputs[name] = input{"org.osbuild.files", "org.osbuild.source", []string{id}}
	}
	return stage{Type: "org.osbuild.copy", Options: options{"paths": paths}, Inputs: inputs}
}

// inlineItem is the id and the item of content that stands in the manifest.
func inlineItem(data string) (string, options) {
	id := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(data)))
	return id, options{"encoding": "base64", "data": base64.StdEncoding.EncodeToString([]byte(data))}
}
