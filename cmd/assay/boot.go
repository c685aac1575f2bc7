package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-os/assay/verify/machine"
)

func newBoot() *cobra.Command {
	var how opening
	var b booting
	c := &cobra.Command{
		Use:   "boot IMAGE",
		Short: "Boot a disk image in QEMU, without writing to it",
		Long: `Boot starts IMAGE in a machine that QEMU emulates, with the serial console on the
terminal. The image is only read: what the machine writes is gone with it. It has
no network but its own.

Ctrl-A x ends the machine. With --wait the command ends as soon as the console asks
who logs in; with --run it runs a command in the guest, prints what that prints,
and ends with exit code 0 where the command did, else 1. The command is run over
ssh with --key; at the console with --password-file; else over ssh as root with a
key that is made for the occasion, which a guest with systemd 252 or later and
sshd takes from the machine's firmware.`,
		Example: `  assay boot disk.qcow2
  assay boot --wait --timeout 3m disk.raw
  assay boot --run 'systemctl is-system-running --wait' disk.raw`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: bounded(&how.maxMemory, func(c *cobra.Command, args []string) error { return b.run(c, how, args[0]) }),
	}
	f := c.Flags()
	f.BoolVar(&how.AllowBacking, "allow-backing", false, "let an image read the files that it names, out of its own directory alone")
	f.StringVar(&how.maxMemory, "max-memory", defaultMaxMemory, "give up when more than `SIZE` of memory is needed, the guest's aside")
	f.BoolVar(&b.wait, "wait", false, "end when the console asks who logs in")
	f.StringVar(&b.command, "run", "", "run `COMMAND` in the guest, and end")
	f.StringVar(&b.user, "user", "root", "log in as `USER`")
	f.StringVar(&b.key, "key", "", "log in over ssh with the private key in `FILE`")
	f.StringVar(&b.password, "password-file", "", "log in at the console with the password in `FILE`")
	f.StringVar(&b.log, "log", "", "write what the console prints to `FILE`")
	f.DurationVar(&b.timeout, "timeout", 10*time.Minute, "give up after `TIME`; with neither --wait nor --run the machine may run for ever")
	f.IntVar(&b.machine.Memory, "memory", 1024, "give the guest `N` MiB of memory")
	f.IntVar(&b.machine.CPUs, "cpus", 1, "give the guest `N` processors")
	f.BoolVar(&b.machine.KVM, "kvm", false, "let the kernel run the guest (needs /dev/kvm): fast; by default the processor is emulated")
	f.StringVar(&b.machine.Firmware, "firmware", "", "start `FILE` in the place of the BIOS, such as /usr/share/ovmf/OVMF.fd")
	return c
}

// booting are the flags of boot.
type booting struct {
	machine                           machine.Options
	wait                              bool
	command, user, key, password, log string
	timeout                           time.Duration
}

func (b *booting) run(c *cobra.Command, how opening, name string) (err error) {
	if b.key != "" && b.password != "" {
		return usage(errors.New("--key and --password-file: choose one way to log in"))
	}
	if b.machine.Memory < 1 || b.machine.CPUs < 1 || b.timeout <= 0 {
		return usage(errors.New("--memory, --cpus and --timeout are more than nothing"))
	}
	if b.machine.Format, err = diskFormat(c.Context(), how, name); err != nil {
		return err
	}
	if b.log != "" {
		log, err := os.Create(b.log)
		if err != nil {
			return usage(err)
		}
		defer func() { err = errors.Join(err, log.Close()) }()
		b.machine.Console = log
	}
	if b.wait || b.command != "" {
		return b.unattended(c, name)
	}
	return b.interactive(c, name)
}

// diskFormat is QEMU's name of the format that the image is found to have. It has been
// opened by then: what an image names outside of itself is refused as in any command.
func diskFormat(ctx context.Context, how opening, name string) (string, error) {
	img, err := how.open(ctx, name)
	if err != nil {
		return "", err
	}
	format := img.Subject.Format
	kind := img.Subject.Kind
	if err := img.Close(); err != nil {
		return "", err
	}
	if format == "vhd" {
		format = "vpc"
	}
	if kind != "disk" && kind != "filesystem" {
		return "", usage(fmt.Errorf("boot %s: it is a %s, not a disk", name, kind))
	}
	for _, f := range machine.Formats() {
		if f == format {
			return f, nil
		}
	}
	return "", usage(fmt.Errorf("boot %s: a machine cannot start from %s; unpack it first", name, format))
}

// unattended waits, runs what is to be run, and ends the machine.
func (b *booting) unattended(c *cobra.Command, name string) (err error) {
	ctx, cancel := context.WithTimeoutCause(c.Context(), b.timeout, fmt.Errorf("not within %v (--timeout)", b.timeout))
	defer cancel()
	login, err := b.login(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, login.Close()) }()
	m, err := machine.Start(ctx, name, b.machine)
	if err != nil {
		return &exitError{exitFailed, err}
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := m.WaitLogin(ctx); err != nil {
		return b.failed(m, err)
	}
	fmt.Fprintf(c.ErrOrStderr(), "assay: %s asks for a login after %v\n", name, m.Age().Round(time.Second))
	if b.command == "" {
		return nil
	}
	out, err := login.run(ctx, m, b.command)
	if err != nil {
		return b.failed(m, err)
	}
	if out.Stdout != "" {
		fmt.Fprintln(c.OutOrStdout(), out.Stdout)
	}
	if out.Code != 0 {
		fmt.Fprintf(c.ErrOrStderr(), "assay: the command ended with exit code %d\n", out.Code)
		return unmet()
	}
	return nil
}

// failed is the error of a machine that did not do what it should, with the console's
// last lines.
func (b *booting) failed(m *machine.Machine, err error) error {
	return &exitError{exitFailed, fmt.Errorf("%w; the console's last lines:\n%s", err, lastLines(m.Tail()))}
}

// lastLines are those of a console without what a terminal would obey.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r", "")), "\n")
	return printableLines(lines[max(0, len(lines)-15):])
}

// interactive connects the console with the terminal until the machine ends.
func (b *booting) interactive(c *cobra.Command, name string) (err error) {
	console := c.OutOrStdout()
	if b.machine.Console != nil {
		console = io.MultiWriter(console, b.machine.Console)
	}
	b.machine.Console = console
	m, err := machine.Start(c.Context(), name, b.machine)
	if err != nil {
		return &exitError{exitFailed, err}
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	restore, err := rawTerminal(c.InOrStdin())
	if err != nil {
		return err
	}
	defer restore()
	fmt.Fprint(c.ErrOrStderr(), "assay: Ctrl-A x ends the machine\r\n")
	quit := make(chan struct{})
	go func() {
		typeAll(m, c.InOrStdin(), quit)
	}()
	select {
	case <-quit:
	case <-m.Done():
	case <-c.Context().Done():
	}
	return nil
}
