package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
)

//go:embed pristine.json
var pristineSchema json.RawMessage

func pristine() step.Definition {
	return step.Definition{
		Name:    "dev.assay.pristine",
		Kind:    step.Stage,
		Summary: "Remove what belongs to one instance of a system",
		Description: `Takes out of a tree what packages' scripts made as if this were a running machine, so that
every machine made from the image gets its own: SSH host keys, machine-id, the snakeoil certificate, random seeds,
systemd's credential secret, leases; and what tells of the installation: logs, caches, backups, shell histories.

/etc/machine-id stays as an empty file, which systemd fills at the first boot, and /var/lib/dbus/machine-id becomes a link
to it. Where Debian has nothing that makes the rest again, a unit is added that does so at boot when it is not there:
ssh-host-keys.service (ssh-keygen -A) and snakeoil.service (make-ssl-cert).

Use it last. Every kind can be kept:

    {"keep": ["logs", "ssh-host-keys"]}`,
		Schema: pristineSchema,
		Since:  since,
		Run:    with(makePristine),
	}
}

type pristineOptions struct {
	Keep      []string `json:"keep"`
	FirstBoot *bool    `json:"first_boot"`
}

func makePristine(c *step.Context, o pristineOptions) error {
	if err := instanceState().remove(c.Tree, o.Keep); err != nil {
		return err
	}
	if !slices.Contains(o.Keep, "machine-id") {
		if err := linkDBusID(c.Tree); err != nil {
			return err
		}
	}
	if !or(o.FirstBoot, true) {
		return nil
	}
	for _, m := range firstBootMakers() {
		if slices.Contains(o.Keep, m.kind) {
			continue
		}
		if err := m.add(c.Tree); err != nil {
			return err
		}
	}
	return nil
}

// linkDBusID makes dbus take systemd's id, as dbus' own tmpfiles.d does at boot.
func linkDBusID(t *tree.Root) error {
	if there, err := t.Exists("/var/lib/dbus"); err != nil || !there {
		return err
	}
	return t.Symlink("/etc/machine-id", "/var/lib/dbus/machine-id")
}

// A firstBootMaker is a unit that makes again what was removed.
type firstBootMaker struct {
	kind, unit, description string
	// needs are programs that must be in the tree: without them there is
	// nothing to be made.
	needs []string
	// missing is the glob of what the unit makes.
	missing, command, before string
}

func firstBootMakers() []firstBootMaker {
	return []firstBootMaker{
		{
			kind: "ssh-host-keys", unit: "ssh-host-keys.service", description: "Make SSH host keys where there are none",
			needs:   []string{"/usr/sbin/sshd", "/usr/bin/ssh-keygen"},
			missing: "/etc/ssh/ssh_host_*_key", command: "/usr/bin/ssh-keygen -A",
			before: "ssh.service ssh.socket sshd.service sshd.socket",
		},
		{
			kind: "snakeoil", unit: "snakeoil.service", description: "Make a self-signed certificate where there is none",
			needs:   []string{"/usr/sbin/make-ssl-cert"},
			missing: "/etc/ssl/private/ssl-cert-snakeoil.key", command: "/usr/sbin/make-ssl-cert generate-default-snakeoil",
			before: "apache2.service nginx.service postfix.service postgresql.service",
		},
	}
}

func (m firstBootMaker) add(t *tree.Root) error {
	for _, program := range m.needs {
		if _, err := t.Stat(program); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
	}
	const units, wants = "/usr/lib/systemd/system", "/etc/systemd/system/multi-user.target.wants"
	for _, dir := range []string{units, wants} {
		if err := t.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := t.WriteFile(units+"/"+m.unit, []byte(m.text()), 0o644); err != nil {
		return err
	}
	err := t.Symlink(units+"/"+m.unit, wants+"/"+m.unit)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// text is the unit. The condition is looked at when the unit would start, so
// that keys which something else made (cloud-init) stay.
func (m firstBootMaker) text() string {
	return fmt.Sprintf(`[Unit]
Description=%s
ConditionPathExistsGlob=!%s
After=local-fs.target systemd-random-seed.service
Before=%s

[Service]
Type=oneshot
ExecStart=%s

[Install]
WantedBy=multi-user.target
`, m.description, m.missing, m.before, m.command)
}
