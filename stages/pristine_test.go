package stages_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// used is a system that has run, with what of it must go.
func used() (stays, goes map[string]string) {
	const text = `file 0644 0:0 "x"`
	return map[string]string{
			"/etc/passwd": text, "/etc/ssh/sshd_config": text, "/etc/ssl/certs/own.pem": text, "/etc/keep-": text,
			"/var/log/README": text, "/var/lib/dpkg/status": text, "/var/backups": "dir 0755 0:0", "/root/.profile": text,
		}, map[string]string{
			"/etc/ssh/ssh_host_rsa_key": `file 0600 0:0 "secret"`, "/etc/ssh/ssh_host_rsa_key.pub": text,
			"/etc/ssh/ssh_host_ed25519_key": `file 0600 0:0 "secret"`, "/etc/ssl/private/ssl-cert-snakeoil.key": text,
			"/etc/ssl/certs/ssl-cert-snakeoil.pem": text, "/var/lib/systemd/random-seed": text,
			"/var/lib/systemd/credential.secret": text, "/var/cache/ldconfig/aux-cache": text, "/var/cache/debconf/config.dat-old": text,
			"/etc/passwd-": text, "/etc/shadow-": text, "/var/lib/dpkg/status-old": text, "/var/backups/dpkg.status.0": text,
			"/var/log/dpkg.log": text, "/var/log/apt/history.log": text, "/var/lib/dhcp/dhclient.leases": text, "/root/.bash_history": text,
		}
}

func TestPristine(t *testing.T) {
	stays, goes := used()
	before := maps.Clone(stays)
	maps.Copy(before, goes)
	maps.Copy(before, map[string]string{
		"/etc/machine-id": `file 0444 0:0 "0123456789abcdef0123456789abcdef\n"`, "/var/lib/dbus/machine-id": `file 0644 0:0 "0123"`,
		"/var/log/wtmp": `file 0664 0:43 "record"`, "/var/log/nginx/access.log": `file 0640 33:4 "GET /"`,
	})
	dir := fixtures.Tree(t, before)
	d := definition(t, "dev.assay.pristine")
	for range 2 { // the second time changes nothing
		if _, err := run(t, d, dir, `{}`, nil); err != nil {
			t.Fatal(err)
		}
	}
	after := fixtures.Snapshot(t, dir)
	maps.Copy(stays, map[string]string{
		"/etc/machine-id": `file 0444 0:0 ""`, "/var/lib/dbus/machine-id": `link 0:0 "/etc/machine-id"`,
		"/var/log/wtmp": `file 0664 0:43 ""`, "/var/log/nginx/access.log": `file 0640 33:4 ""`,
	})
	for path, want := range stays {
		if after[path] != want {
			t.Errorf("%s is %q, want %q", path, after[path], want)
		}
	}
	for path := range goes {
		if got, ok := after[path]; ok {
			t.Errorf("%s is still there: %q", path, got)
		}
	}
	for path := range after {
		if strings.HasSuffix(path, ".service") {
			t.Errorf("%s was made, though there is nothing to make", path)
		}
	}
}

func TestPristineKeeps(t *testing.T) {
	stays, goes := used()
	maps.Copy(stays, goes)
	stays["/usr/sbin/sshd"], stays["/usr/bin/ssh-keygen"] = bootFile, bootFile
	dir := fixtures.Tree(t, stays)
	before := fixtures.Snapshot(t, dir)
	kinds := `["machine-id", "ssh-host-keys", "snakeoil", "random-seed", "credential-secret", "caches", "backups", "logs", "leases", "history"]`
	if _, err := run(t, definition(t, "dev.assay.pristine"), dir, `{"keep": `+kinds+`}`, nil); err != nil {
		t.Fatal(err)
	}
	requireTree(t, dir, before)
}

func TestPristineFirstBootUnits(t *testing.T) {
	before := map[string]string{
		"/usr/sbin/sshd": bootFile, "/usr/bin/ssh-keygen": bootFile, "/usr/sbin/make-ssl-cert": bootFile,
		"/etc/ssh/ssh_host_rsa_key": bootFile,
	}
	dir := fixtures.Tree(t, before)
	d := definition(t, "dev.assay.pristine")
	for range 2 {
		if _, err := run(t, d, dir, `{}`, nil); err != nil {
			t.Fatal(err)
		}
	}
	after := fixtures.Snapshot(t, dir)
	for _, unit := range []string{"ssh-host-keys.service", "snakeoil.service"} {
		if got, want := after["/etc/systemd/system/multi-user.target.wants/"+unit], `link 0:0 "/usr/lib/systemd/system/`+unit+`"`; got != want {
			t.Errorf("%s: link is %q, want %q", unit, got, want)
		}
	}
	if text := after["/usr/lib/systemd/system/ssh-host-keys.service"]; !strings.Contains(text, "ExecStart=/usr/bin/ssh-keygen -A") ||
		!strings.Contains(text, "ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key") || !strings.Contains(text, "Before=ssh.service") {
		t.Errorf("unit is %q", text)
	}
	testRefusals(t, "dev.assay.pristine", []refusal{
		{nil, `{"keep": ["ssh_host_keys"]}`, "options.keep[0]: "},
		{nil, `{"first_boot": "no"}`, "options.first_boot: "},
	})
	dir = fixtures.Tree(t, before)
	if _, err := run(t, d, dir, `{"first_boot": false}`, nil); err != nil {
		t.Fatal(err)
	}
	if after := fixtures.Snapshot(t, dir); after["/usr/lib/systemd/system/ssh-host-keys.service"] != "" {
		t.Error("a unit was made, though first_boot is false")
	}
}
