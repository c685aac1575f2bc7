package stages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/assay-os/assay/build/deb"
	"github.com/assay-os/assay/build/step"
)

// A debsInstall makes a system of a set of packages, as mmdebstrap(1) does:
// the essential packages are unpacked so that programs can run, then dpkg in
// the tree installs them again, properly, and after them the rest.
type debsInstall struct {
	c       *step.Context
	set     *deb.Set
	path    map[*deb.Package]string
	exclude []string
}

func (i *debsInstall) run(ctx context.Context) error {
	essential := i.set.Essential()
	if len(essential) == 0 {
		return errors.New("no package of the input is essential: it needs at least those that Debian marks so")
	}
	if err := i.set.Extract(ctx, i.c.Tree, essential); err != nil {
		return err
	}
	if err := i.prepare(); err != nil {
		return err
	}
	if err := i.checkClock(ctx); err != nil {
		return err
	}
	// dpkg does not order by Pre-Depends what it unpacks in one run, and
	// these are in circles: all files are there already, so nothing breaks.
	if err := i.install(ctx, essential, "--force-depends"); err != nil {
		return err
	}
	if err := i.rest(ctx, essential); err != nil {
		return err
	}
	if err := i.audit(ctx); err != nil {
		return err
	}
	return i.clean()
}

// prepare writes what dpkg and the scripts must find.
func (i *debsInstall) prepare() error {
	t := i.c.Tree
	for _, dir := range []string{"/var/lib/dpkg/info", "/var/lib/dpkg/updates", "/var/log", "/usr/sbin", "/etc"} {
		if err := t.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := t.WriteFile("/var/lib/dpkg/status", nil, 0o644); err != nil {
		return err
	}
	// A script that finds no machine-id makes a random one.
	if err := t.WriteFile("/etc/machine-id", []byte(strings.Repeat("f", 32)+"\n"), 0o444); err != nil {
		return err
	}
	// invoke-rc.d(8) and deb-systemd-invoke(1p) start nothing on 101.
	return t.WriteFile(policyRcD, []byte("#!/bin/sh\nexit 101\n"), 0o755)
}

// checkClock refuses a clock that is behind the epoch: what is made now would
// keep its time, and shadow(5) tools ignore an epoch in their future. The
// clock is asked where the scripts will ask it.
func (i *debsInstall) checkClock(ctx context.Context) error {
	out, err := i.c.Output(ctx, step.Program{Argv: []string{"date", "+%s"}, Chroot: true, Env: debsEnvironment()})
	if err != nil {
		return err
	}
	now, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return fmt.Errorf("ask the time: %w", err)
	}
	if now < i.c.Epoch.Unix() {
		return fmt.Errorf("the clock of this machine is at %s, before the epoch of the manifest, %s, so that the tree would depend on it; set the clock",
			time.Unix(now, 0).UTC().Format(time.RFC3339), i.c.Epoch.Format(time.RFC3339))
	}
	return nil
}

const policyRcD = "/usr/sbin/policy-rc.d"

// rest installs everything beyond the essential packages, kernels last.
func (i *debsInstall) rest(ctx context.Context, done []*deb.Package) error {
	in := map[*deb.Package]bool{}
	for _, p := range done {
		in[p] = true
	}
	var rest []*deb.Package
	for _, p := range i.set.Packages {
		if !in[p] {
			rest = append(rest, p)
		}
	}
	others, kernels := i.set.Kernels(rest)
	batches := i.set.Batches(others, done)
	batches = append(batches, i.set.Batches(kernels, append(done[:len(done):len(done)], others...))...)
	for _, batch := range batches {
		if err := i.install(ctx, batch); err != nil {
			return err
		}
	}
	return i.dpkg(ctx, nil, "--configure", "--pending")
}

// debsDir is where the package files are shown in the tree: on the tree's
// private /tmp.
const debsDir = "/tmp/assay-debs"

// install has dpkg unpack and configure packages, in the order given.
func (i *debsInstall) install(ctx context.Context, packages []*deb.Package, flags ...string) error {
	dir := filepath.Join(i.c.TreePath, debsDir)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("show the packages in the tree: %w", err)
	}
	args := append(flags, "--install")
	for _, p := range packages {
		name := fmt.Sprintf("%s_%s_%s.deb", p.Name, strings.ReplaceAll(p.Version, ":", "%3a"), p.Architecture)
		if err := copyFile(i.path[p], filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("show the packages in the tree: %w", err)
		}
		args = append(args, path.Join(debsDir, name))
	}
	if err := i.dpkg(ctx, nil, args...); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// debsEnvironment keeps scripts from asking, and from speaking another
// language or telling another time on another machine.
func debsEnvironment() []string {
	return []string{
		"DEBIAN_FRONTEND=noninteractive", "DEBCONF_NONINTERACTIVE_SEEN=true", "DEBCONF_NOWARNINGS=yes",
		"LC_ALL=C.UTF-8", "LANGUAGE=C", "TZ=UTC", "HOME=/root", "SHELL=/bin/sh",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
}

// dpkg runs the tree's dpkg. It does not sync: the store does, once.
func (i *debsInstall) dpkg(ctx context.Context, stdout io.Writer, args ...string) error {
	argv := []string{"dpkg", "--force-unsafe-io", "--log=/dev/null"}
	for _, pattern := range i.exclude {
		argv = append(argv, "--path-exclude="+pattern)
	}
	err := i.c.Exec(ctx, step.Program{Argv: append(argv, args...), Chroot: true, Env: debsEnvironment(), Stdout: stdout})
	var failed *step.CommandError
	if errors.As(err, &failed) {
		return dpkgError(failed)
	}
	return err
}

// dpkgError shortens an argv of a thousand packages and picks dpkg's own word
// on what went wrong.
func dpkgError(e *step.CommandError) error {
	short := *e
	if len(short.Argv) > 6 {
		short.Argv = append(short.Argv[:5:5], fmt.Sprintf("... (%d packages)", len(e.Argv)-5))
	}
	for _, line := range e.Tail {
		if strings.HasPrefix(line, "dpkg: error") {
			short.Tail = []string{line}
			break
		}
	}
	return &short
}

// audit makes sure that every package is installed and configured.
func (i *debsInstall) audit(ctx context.Context) error {
	var out bytes.Buffer
	if err := i.dpkg(ctx, &out, "--audit"); err != nil {
		return err
	}
	if text := strings.TrimSpace(out.String()); text != "" {
		return fmt.Errorf("dpkg did not finish: %s", strings.Join(strings.Fields(text), " "))
	}
	return nil
}

// clean removes what tells of this installation: its tools, its time, its
// random numbers.
func (i *debsInstall) clean() error {
	if err := i.c.Tree.Remove(policyRcD); err != nil {
		return err
	}
	return instanceState().remove(i.c.Tree, nil)
}
