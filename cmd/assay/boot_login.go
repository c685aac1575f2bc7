package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
	"github.com/assay-os/assay/verify/machine"
)

// A guestLogin is a way to run a command in a guest.
type guestLogin struct {
	user, key, password string
	// temp holds a key that was made for the occasion.
	temp string
}

// login prepares the way, and what the machine needs for it.
func (b *booting) login(ctx context.Context) (*guestLogin, error) {
	l := &guestLogin{user: b.user, key: b.key}
	switch {
	case b.command == "":
		return l, nil
	case b.password != "":
		data, err := os.ReadFile(b.password)
		if err != nil {
			return nil, usage(err)
		}
		l.password = strings.TrimRight(string(data), "\r\n")
		return l, nil
	case b.key == "":
		if err := l.makeKey(ctx, b); err != nil {
			return nil, err
		}
	}
	b.machine.Ports = []int{22}
	return l, nil
}

// makeKey makes a key that the guest's systemd lets root log in with.
func (l *guestLogin) makeKey(ctx context.Context, b *booting) (err error) {
	if l.temp, err = os.MkdirTemp("", "assay-key-"); err != nil {
		return err
	}
	l.key, l.user = filepath.Join(l.temp, "key"), "root"
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "assay", "-f", l.key).CombinedOutput(); err != nil {
		return &exitError{exitFailed, fmt.Errorf("make a key for ssh: %w: %s (or name one with --key)", err, out)}
	}
	public, err := os.ReadFile(l.key + ".pub")
	if err != nil {
		return err
	}
	b.machine.Credentials = map[string]string{"ssh.authorized_keys.root": string(public)}
	return nil
}

// Close forgets the key that was made.
func (l *guestLogin) Close() error {
	if l.temp == "" {
		return nil
	}
	return os.RemoveAll(l.temp)
}

// run runs the command. Sshd may come up after the console does.
func (l *guestLogin) run(ctx context.Context, m *machine.Machine, command string) (machine.Output, error) {
	if l.key == "" {
		if err := m.Login(ctx, l.user, l.password); err != nil {
			return machine.Output{}, err
		}
		return m.Run(ctx, command)
	}
	for {
		_, err := m.SSH(ctx, l.user, l.key, "true")
		if err == nil {
			return m.SSH(ctx, l.user, l.key, command)
		}
		select {
		case <-ctx.Done():
			return machine.Output{}, fmt.Errorf("log in as %s: %w: %w", l.user, context.Cause(ctx), err)
		case <-m.Done():
			return machine.Output{}, fmt.Errorf("log in as %s: the machine ended: %w", l.user, m.Ending())
		case <-time.After(time.Second):
		}
	}
}

// printableLines are lines that are safe for a terminal.
func printableLines(lines []string) string {
	for i := range lines {
		lines[i] = report.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// rawTerminal gives every key to the guest, where in is a terminal; the function that
// it returns takes that back.
func rawTerminal(in io.Reader) (restore func(), err error) {
	f, ok := in.(*os.File)
	if !ok {
		return func() {}, nil
	}
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if errors.Is(err, unix.ENOTTY) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at the terminal: %w", err)
	}
	raw := *before
	raw.Iflag &^= unix.BRKINT | unix.ICRNL | unix.INPCK | unix.ISTRIP | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ICANON | unix.IEXTEN | unix.ISIG
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("set the terminal: %w", err)
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }, nil
}

// escapeKey, and x behind it, ends the machine; twice, it is typed once.
const escapeKey = 0x01

// typeAll types what comes from in, until it is asked to quit. The end of in is none of
// the machine's.
func typeAll(m *machine.Machine, in io.Reader, quit chan<- struct{}) {
	buf := make([]byte, 4096)
	var k keys
	for {
		n, err := in.Read(buf)
		typed, ended := k.split(buf[:n])
		if len(typed) > 0 {
			err = errors.Join(err, m.Type(string(typed)))
		}
		if ended {
			close(quit)
			return
		}
		if err != nil {
			return
		}
	}
}

// keys take the escape out of what is typed.
type keys struct{ escaped bool }

// split is what goes to the guest, and whether the machine is to end.
func (k *keys) split(in []byte) (typed []byte, quit bool) {
	for _, c := range in {
		switch {
		case k.escaped && (c == 'x' || c == 'X'):
			return typed, true
		case k.escaped:
			k.escaped = false
			typed = append(typed, c)
		case c == escapeKey:
			k.escaped = true
		default:
			typed = append(typed, c)
		}
	}
	return typed, false
}
