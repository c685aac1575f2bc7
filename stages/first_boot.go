package stages

import (
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed first_boot.json
var firstBootSchema json.RawMessage

func firstBoot() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.first-boot",
		Kind:    step.Stage,
		Summary: "Run commands at the first boot",
		Description: `Makes the unit osbuild-first-boot.service, which default.target wants, and the
flag file /etc/osbuild-first-boot. At boot, where the flag file is there, the unit
removes it and then runs the commands one after the other as ExecStart= lines of
systemd.service(5). When the file cannot be removed, nothing is run.

A tree takes this stage once.`,
		Schema: firstBootSchema,
		Since:  since,
		Run:    with(addFirstBoot),
	}
}

type firstBootOptions struct {
	Commands       []string `json:"commands"`
	WaitForNetwork bool     `json:"wait_for_network"`
}

func addFirstBoot(c *step.Context, o firstBootOptions) error {
	const (
		units = "/usr/lib/systemd/system"
		unit  = "osbuild-first-boot.service"
		flag  = "/etc/osbuild-first-boot"
	)
	if err := c.Tree.MkdirAll(units+"/default.target.wants", 0o755); err != nil {
		return err
	}
	text := firstBootUnit(append([]string{"/usr/bin/rm " + flag}, o.Commands...), o.WaitForNetwork)
	if err := c.Tree.WriteFile(units+"/"+unit, []byte(text), 0o644); err != nil {
		return err
	}
	if err := c.Tree.Symlink("../"+unit, units+"/default.target.wants/"+unit); err != nil {
		return err
	}
	if err := c.Tree.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	return c.Tree.AppendFile(flag, nil, 0o644)
}

// firstBootUnit is byte for byte what upstream writes, empty lines included.
func firstBootUnit(commands []string, network bool) string {
	var b strings.Builder
	b.WriteString("[Unit]\nDescription=OSBuild First Boot Service\nConditionPathExists=/etc/osbuild-first-boot\n")
	if network {
		b.WriteString("Wants=network-online.target\nAfter=network-online.target")
	}
	b.WriteString("\n\n[Service]\nType=oneshot\n\n")
	for _, command := range commands {
		b.WriteString("ExecStart=" + command + "\n")
	}
	return b.String()
}
