package stages

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed sysconfig.json
var sysconfigSchema json.RawMessage

func sysconfig() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.sysconfig",
		Kind:    step.Stage,
		Summary: "Configure what Fedora's and RHEL's scripts read",
		Description: `Writes files below /etc/sysconfig, which is made: kernel, network,
network-scripts/ifcfg-NAME, livesys and desktop, each with the options that are given. The
keys stand in a fixed order. (Upstream writes the Python expression instead of the value for
livesys and desktop; this stage writes the value.)`,
		Schema: sysconfigSchema,
		Since:  since,
		Run:    with(writeSysconfig),
	}
}

type sysconfigOptions struct {
	Kernel struct {
		UpdateDefault *bool   `json:"update_default"`
		DefaultKernel *string `json:"default_kernel"`
	} `json:"kernel"`
	Network struct {
		Networking *bool `json:"networking"`
		NoZeroConf *bool `json:"no_zero_conf"`
	} `json:"network"`
	Scripts *struct {
		Ifcfg map[string]ifcfg `json:"ifcfg"`
	} `json:"network-scripts"`
	Livesys struct {
		Session *string `json:"session"`
	} `json:"livesys"`
	Desktop struct {
		Preferred      *string `json:"preferred"`
		DisplayManager *string `json:"displaymanager"`
	} `json:"desktop"`
}

type ifcfg struct {
	BootProto *string `json:"bootproto"`
	Device    *string `json:"device"`
	IPv6Init  *bool   `json:"ipv6init"`
	OnBoot    *bool   `json:"onboot"`
	PeerDNS   *bool   `json:"peerdns"`
	Type      *string `json:"type"`
	UserCtl   *bool   `json:"userctl"`
}

// A shellFile is a file of variables.
type shellFile struct {
	name string
	text strings.Builder
}

// set adds a variable, its value between quotes, unless the value is nil.
func set[T string | bool](f *shellFile, name string, value *T, quote string) {
	if value == nil {
		return
	}
	text := ""
	switch v := any(*value).(type) {
	case string:
		text = v
	case bool:
		text = yesNo(v)
	}
	f.text.WriteString(name + "=" + quote + text + quote + "\n")
}

func writeSysconfig(c *step.Context, o sysconfigOptions) error {
	const dir = "/etc/sysconfig"
	kernel, network, livesys, desktop := &shellFile{name: "kernel"}, &shellFile{name: "network"}, &shellFile{name: "livesys"}, &shellFile{name: "desktop"}
	set(kernel, "UPDATEDEFAULT", o.Kernel.UpdateDefault, "")
	set(kernel, "DEFAULTKERNEL", o.Kernel.DefaultKernel, "")
	set(network, "NETWORKING", o.Network.Networking, "")
	set(network, "NOZEROCONF", o.Network.NoZeroConf, "")
	set(livesys, "livesys_session", o.Livesys.Session, `"`)
	set(desktop, "PREFERRED", o.Desktop.Preferred, "")
	set(desktop, "DISPLAYMANAGER", o.Desktop.DisplayManager, "")
	files := []*shellFile{kernel, network, livesys, desktop}
	made := dir
	if o.Scripts != nil {
		made = dir + "/network-scripts"
		for _, name := range slices.Sorted(maps.Keys(o.Scripts.Ifcfg)) {
			files = append(files, interfaceFile(name, o.Scripts.Ifcfg[name]))
		}
	}
	if err := c.Tree.MkdirAll(made, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if f.text.Len() == 0 {
			continue
		}
		if err := c.Tree.WriteFile(dir+"/"+f.name, []byte(f.text.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func interfaceFile(name string, o ifcfg) *shellFile {
	f := &shellFile{name: "network-scripts/ifcfg-" + name}
	set(f, "BOOTPROTO", o.BootProto, `"`)
	set(f, "DEVICE", o.Device, `"`)
	set(f, "IPV6INIT", o.IPv6Init, `"`)
	set(f, "ONBOOT", o.OnBoot, `"`)
	set(f, "PEERDNS", o.PeerDNS, `"`)
	set(f, "TYPE", o.Type, `"`)
	set(f, "USERCTL", o.UserCtl, `"`)
	return f
}
