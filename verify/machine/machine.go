// Package machine boots disk images in QEMU and talks to what comes up: over the
// serial console, over ssh, over forwarded ports.
//
// The image is only read: the machine writes to a copy-on-write overlay that ends
// with it. Its network is the guest's own; nothing but the ports that were asked
// for leads in, from 127.0.0.1, and nothing leads out. The processor is emulated unless
// KVM is asked for, so that it runs wherever assay does.
//
// What an image is, the caller says: QEMU is never left to guess a format, since a raw
// disk may hold what looks like another one that names files of the host.
package machine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Options are how a machine is made. The zero value is a machine with one
// processor and 1 GiB that boots a raw disk by BIOS, without ports.
type Options struct {
	// Format is a name of qemu-img(1): "raw" when it is empty.
	Format string
	// Memory is in MiB.
	Memory, CPUs int
	// KVM lets the kernel run the guest, which takes /dev/kvm and is many times as fast.
	KVM bool
	// Ports are the guest's TCP ports that are to be reached: see [Machine.Port].
	Ports []int
	// Firmware is a file that is started in the place of the BIOS, such as OVMF's.
	Firmware string
	// Clock, when set, is what the guest's clock says at the start.
	Clock time.Time
	// Credentials are given to the guest's systemd (251 or later) through SMBIOS, by name:
	// systemd.system-credentials(7).
	Credentials map[string]string
	// Console, when set, gets all that the guest prints on the serial console as well.
	Console io.Writer
}

// Formats are those that a machine can boot.
func Formats() []string { return []string{"raw", "qcow2", "vmdk", "vdi", "vpc", "vhdx"} }

// A Machine is a running image.
type Machine struct {
	options Options
	cmd     *exec.Cmd
	stop    context.CancelFunc
	done    chan struct{}
	input   io.WriteCloser
	serial  *console
	ports   map[int]int
	started time.Time
	temp    string
}

// ErrNoQEMU says that the program that emulates is not installed.
var ErrNoQEMU = errors.New("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")

// Start starts an image. The machine ends when ctx does, or with [Machine.Close], which
// the caller owes it.
func Start(ctx context.Context, image string, o Options) (_ *Machine, err error) {
	o = o.withDefaults()
	if !slices.Contains(Formats(), o.Format) {
		return nil, fmt.Errorf("boot %s: a machine cannot start from %s", image, o.Format)
	}
	// A name with a colon could be one of QEMU's protocols; an absolute path is none.
	if image, err = filepath.Abs(image); err != nil {
		return nil, fmt.Errorf("boot %s: %w", image, err)
	}
	program, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", image, ErrNoQEMU)
	}
	m := &Machine{options: o, done: make(chan struct{}), serial: newConsole(o.Console), ports: map[int]int{}, started: time.Now()}
	for _, guest := range o.Ports {
		if m.ports[guest], err = freePort(); err != nil {
			return nil, fmt.Errorf("boot %s: %w", image, err)
		}
	}
	if m.temp, err = os.MkdirTemp("", "assay-boot-"); err != nil {
		return nil, fmt.Errorf("boot %s: %w", image, err)
	}
	ctx, m.stop = context.WithCancel(ctx)
	if err := m.start(ctx, program, image); err != nil {
		m.stop()
		return nil, errors.Join(fmt.Errorf("boot %s: %w", image, err), os.RemoveAll(m.temp))
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context, program, image string) (err error) {
	m.cmd = exec.CommandContext(ctx, program, m.argv(image)...)
	m.cmd.Env = append(os.Environ(), "TMPDIR="+m.temp) // the overlay's place
	m.cmd.Stdout, m.cmd.Stderr = m.serial, m.serial
	m.cmd.WaitDelay = 5 * time.Second
	// A machine does not outlive who started it.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if m.input, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	go func() {
		m.serial.end(m.cmd.Wait())
		close(m.done)
	}()
	return nil
}

func (o Options) withDefaults() Options {
	if o.Format == "" {
		o.Format = "raw"
	}
	if o.Memory == 0 {
		o.Memory = 1024
	}
	if o.CPUs == 0 {
		o.CPUs = 1
	}
	return o
}

// argv is a machine with a disk, a serial console, a source of randomness and
// a network card, and nothing else.
func (m *Machine) argv(image string) []string {
	user := "user,id=net,restrict=on"
	for _, guest := range m.options.Ports {
		user += fmt.Sprintf(",hostfwd=tcp:127.0.0.1:%d-:%d", m.ports[guest], guest)
	}
	accelerator := "tcg,thread=multi"
	if m.options.KVM {
		accelerator = "kvm"
	}
	argv := []string{
		"-accel", accelerator, "-nodefaults", "-display", "none", "-no-reboot",
		"-m", strconv.Itoa(m.options.Memory), "-smp", strconv.Itoa(m.options.CPUs),
		"-drive", "if=virtio,snapshot=on,format=" + m.options.Format + ",file=" + strings.ReplaceAll(image, ",", ",,"),
		"-serial", "stdio", "-monitor", "none",
		"-device", "virtio-rng-pci",
		"-netdev", user, "-device", "virtio-net-pci,netdev=net,romfile=",
	}
	if m.options.Firmware != "" {
		argv = append(argv, "-bios", m.options.Firmware)
	}
	if !m.options.Clock.IsZero() {
		argv = append(argv, "-rtc", "base="+m.options.Clock.UTC().Format("2006-01-02T15:04:05"))
	}
	for _, name := range slices.Sorted(maps.Keys(m.options.Credentials)) {
		value := base64.StdEncoding.EncodeToString([]byte(m.options.Credentials[name]))
		argv = append(argv, "-smbios", "type=11,value=io.systemd.credential.binary:"+name+"="+value)
	}
	return argv
}

// freePort is a port of 127.0.0.1 that nobody listens on just now.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Close ends the machine, waits until it is gone, and removes what it wrote.
func (m *Machine) Close() error {
	m.stop()
	<-m.done
	return os.RemoveAll(m.temp)
}

// Done is closed when the machine has ended.
func (m *Machine) Done() <-chan struct{} { return m.done }

// Ending is how it ended.
func (m *Machine) Ending() error { return m.serial.ending() }

// Age is how long ago the machine was started.
func (m *Machine) Age() time.Duration { return time.Since(m.started) }

// Port is the port of 127.0.0.1 that leads to the guest's; 0 for one that
// Options.Ports does not name.
func (m *Machine) Port(guest int) int { return m.ports[guest] }
