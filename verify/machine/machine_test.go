package machine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
)

// echoSector is a boot sector that prints a line on the first serial port and
// then gives back what is typed.
func echoSector() []byte {
	code := []byte{
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0xfc,             // cld
		0xbe, 0x23, 0x7c, // mov si, message
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0xac,       // next: lodsb
		0x84, 0xc0, // test al, al
		0x74, 0x03, // jz echo
		0xee,       // out dx, al
		0xeb, 0xf8, // jmp next
		0xba, 0xfd, 0x03, // echo: mov dx, 0x3fd
		0xec,       // in al, dx
		0xa8, 0x01, // test al, 1
		0x74, 0xf8, // jz echo
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0xec,       // in al, dx
		0xee,       // out dx, al
		0xeb, 0xf0, // jmp echo
	}
	sector := make([]byte, 1<<20)
	copy(sector, code)
	copy(sector[0x23:], "ready 42\r\n\x00")
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}

// image is a disk with the sector, that nobody may write to.
func image(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk,raw") // a comma must not end the name
	if err := os.WriteFile(name, echoSector(), 0o444); err != nil {
		t.Fatal(err)
	}
	return name
}

func start(t *testing.T, name string, o Options) *Machine {
	t.Helper()
	fixtures.RequireTool(t, "qemu-system-x86_64")
	m, err := Start(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestConsole(t *testing.T) {
	name := image(t)
	var seen bytes.Buffer
	m := start(t, name, Options{Memory: 64, Ports: []int{22}, Console: &seen})
	found, err := m.Expect(within(t, 30*time.Second), regexp.MustCompile(`ready (\d+)\r?\n`))
	if err != nil || found[1] != "42" {
		t.Fatalf("found %q, %v", found, err)
	}
	if err := m.Type("ping"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Expect(within(t, 10*time.Second), regexp.MustCompile("ping")); err != nil {
		t.Error(err)
	}
	never := regexp.MustCompile("never")
	if _, err := m.Expect(within(t, 100*time.Millisecond), never); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for nothing: %v", err)
	}
	if m.Port(22) == 0 || m.Port(80) != 0 {
		t.Errorf("ports %d and %d", m.Port(22), m.Port(80))
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Expect(t.Context(), never); err == nil || !strings.Contains(err.Error(), "machine ended") {
		t.Errorf("waiting for a dead machine: %v", err)
	}
	if !strings.Contains(seen.String(), "ready 42") {
		t.Errorf("the copy of the console is %q", seen.String())
	}
	content, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(content, echoSector()) {
		t.Errorf("the image was written to: %v", err)
	}
	if _, err := os.Stat(m.temp); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", m.temp, err)
	}
}

func TestBadImage(t *testing.T) {
	m := start(t, filepath.Join(t.TempDir(), "missing"), Options{Memory: 64})
	_, err := m.Expect(within(t, 30*time.Second), regexp.MustCompile("ready"))
	if err == nil || !strings.Contains(err.Error(), "machine ended") {
		t.Errorf("a missing image: %v", err)
	}
	if !strings.Contains(m.Tail(), "No such file") {
		t.Errorf("qemu's own words are lost: %q", m.Tail())
	}
	if _, err := Start(t.Context(), "x", Options{Format: "gzip"}); err == nil || !strings.Contains(err.Error(), "cannot start from gzip") {
		t.Errorf("a format that cannot be booted: %v", err)
	}
}

func TestConsoleIsBounded(t *testing.T) {
	c := newConsole(nil)
	for range 3 {
		if _, err := c.Write(make([]byte, maxSerial)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte("end")); err != nil {
		t.Fatal(err)
	}
	if found, _, _ := c.take(regexp.MustCompile("end")); found == nil || len(c.text) > maxSerial {
		t.Errorf("%d bytes are kept, found %q", len(c.text), found)
	}
}

func TestArgv(t *testing.T) {
	m := &Machine{options: Options{Format: "qcow2", Memory: 256, CPUs: 2, Ports: []int{22}, Firmware: "/fw", Credentials: map[string]string{"a.b": "c"}, Clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, ports: map[int]int{22: 5000}}
	argv := strings.Join(m.argv("a,b"), " ")
	for _, want := range []string{
		"if=virtio,snapshot=on,format=qcow2,file=a,,b", "-m 256", "-smp 2", "restrict=on,hostfwd=tcp:127.0.0.1:5000-:22", "-bios /fw", "value=io.systemd.credential.binary:a.b=Yw==", "-rtc base=2026-01-02T03:04:05",
	} {
		if !strings.Contains(argv, want) {
			t.Errorf("%s: no %s", argv, want)
		}
	}
	if plain := (&Machine{options: Options{}.withDefaults()}).argv("x"); slices.Contains(plain, "-bios") || slices.Contains(plain, "-rtc") || slices.Contains(plain, "kvm") {
		t.Errorf("%v", plain)
	}
}

// played is a machine whose guest is the function: it gets what is typed.
func played(t *testing.T, guest func(typed string) string) *Machine {
	t.Helper()
	m := &Machine{serial: newConsole(nil), done: make(chan struct{})}
	m.input = writer(func(p []byte) (int, error) {
		_, err := m.serial.Write([]byte(guest(string(p))))
		return len(p), err
	})
	return m
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
func (w writer) Close() error                { return nil }

func TestLogin(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		fails   string
	}{
		"password":    {map[string]string{"bob\n": "Password: ", "pw\n": "\r\nbob@x:~$ "}, ""},
		"wrong":       {map[string]string{"bob\n": "Password: ", "pw\n": "\r\nLogin incorrect\r\nx login: "}, "refused"},
		"asked twice": {map[string]string{"bob\n": "Password: ", "pw\n": "\r\nPassword: "}, "refused"},
	} {
		m := played(t, func(typed string) string { return c.answers[typed] })
		err := m.Login(within(t, time.Second), "bob", "pw")
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRun plays a shell that echoes, as a terminal does.
func TestRun(t *testing.T) {
	m := played(t, func(typed string) string {
		return typed + "\r\nASSAY-BEGIN\r\nout 1\r\nout 2\r\n\r\nASSAY-END 3\r\n$ "
	})
	out, err := m.Run(within(t, time.Second), "false")
	if err != nil || out.Code != 3 || out.Stdout != "out 1\nout 2" {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := m.Run(t.Context(), "a\nb"); err == nil {
		t.Error("two lines are taken for one command")
	}
}
