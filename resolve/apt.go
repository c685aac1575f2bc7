package resolve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Pinned is one package file, exactly.
type Pinned struct {
	Name         string
	Version      string
	Architecture string
	URL          string
	SHA256       string // 64 hex digits
	Size         int64
}

// An archive is apt in a root of its own: its configuration, its lists, no
// package installed. Nothing of this machine's /etc/apt or /var/lib/apt is in
// it.
type archive struct {
	dir string
	env []string
	log io.Writer
}

// openArchive prepares apt's private root below cache and fetches the lists
// that are not there yet. One root holds one set of sources; two processes
// take turns.
func openArchive(ctx context.Context, cache, arch, keyring string, at []location, o Options) (*archive, func(), error) {
	var sources strings.Builder
	for _, l := range at {
		sources.WriteString(l.line(arch, keyring))
	}
	dir := filepath.Join(cache, "apt", fmt.Sprintf("%x", sha256.Sum256([]byte(sources.String())))[:16])
	a := &archive{dir: dir, log: o.Log}
	a.env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/nonexistent",
		"APT_CONFIG=" + filepath.Join(dir, "apt.conf")}, o.Environment...)
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "log"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, nil, fmt.Errorf("make apt's private root: %w", err)
		}
	}
	unlock, err := lockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, nil, err
	}
	if err := a.configure(arch, sources.String()); err != nil {
		unlock()
		return nil, nil, err
	}
	if err := a.update(ctx); err != nil {
		unlock()
		return nil, nil, err
	}
	return a, unlock, nil
}

// aptConfig is apt.conf(5) of the private root. A recommended package is not
// a needed one; hashes are printed as SHA-256; the method processes run as
// the caller, for _apt could not write below the caller's directories.
const aptConfig = `Dir "%[1]s/";
Dir::State "%[1]s/";
Dir::State::lists "%[1]s/lists";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s/cache";
Dir::Etc "%[1]s/etc";
Dir::Log "%[1]s/log";
APT::Architecture "%[2]s";
APT::Architectures { "%[2]s"; };
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::ForceHash "SHA256";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
APT::Get::AllowUnauthenticated "false";
Dpkg::Use-Pty "false";
`

func (a *archive) configure(arch, sources string) error {
	if strings.ContainsAny(a.dir, "\"\\\n;") {
		return fmt.Errorf("apt cannot use the directory %q; choose another --cache", a.dir)
	}
	for name, content := range map[string]string{
		"apt.conf": fmt.Sprintf(aptConfig, a.dir, arch), "status": "", "etc/sources.list": sources,
	} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("configure apt's private root: %w", err)
		}
	}
	return nil
}

// update fetches the lists; apt checks the signatures. A list that could not
// be fetched is an error: apt itself goes on with an old one.
func (a *archive) update(ctx context.Context) error {
	_, err := a.run(ctx, "apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any")
	return err
}

// solve asks apt which files an empty system needs to have these packages.
func (a *archive) solve(ctx context.Context, packages []string) ([]Pinned, error) {
	args := append([]string{"install", "-y", "-qq", "--print-uris", "--no-install-recommends", "--"}, packages...)
	out, err := a.run(ctx, "apt-get", args...)
	if err != nil {
		return nil, err
	}
	var pins []Pinned
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "'") {
			continue
		}
		p, err := parsePin(line)
		if err != nil {
			return nil, err
		}
		pins = append(pins, p)
	}
	slices.SortFunc(pins, func(x, y Pinned) int {
		return strings.Compare(x.Name+"\x00"+x.Architecture, y.Name+"\x00"+y.Architecture)
	})
	return pins, nil
}

// parsePin reads a line of --print-uris: 'URL' NAME_VERSION_ARCH.deb SIZE SHA256:HEX.
func parsePin(line string) (Pinned, error) {
	f := strings.Fields(line)
	if len(f) != 4 || len(f[0]) < 2 {
		return Pinned{}, fmt.Errorf("apt printed %q, not a package's URL, name, size and hash", line)
	}
	name, err := url.PathUnescape(strings.TrimSuffix(f[1], ".deb"))
	parts := strings.Split(name, "_")
	if err != nil || len(parts) != 3 {
		return Pinned{}, fmt.Errorf("apt printed the file name %q, not NAME_VERSION_ARCHITECTURE.deb", f[1])
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Pinned{}, fmt.Errorf("apt printed the size %q of %s", f[2], f[1])
	}
	sum, ok := strings.CutPrefix(f[3], "SHA256:")
	if !ok || len(sum) != 64 {
		return Pinned{}, fmt.Errorf("the archive has no SHA-256 for %s, only %s", f[1], f[3])
	}
	return Pinned{parts[0], parts[1], parts[2], strings.Trim(f[0], "'"), sum, size}, nil
}

// released is the newest Date of the archive's signed Release files: no file
// of a package in it is younger.
func (a *archive) released() (time.Time, error) {
	names, err := filepath.Glob(filepath.Join(a.dir, "lists", "*InRelease"))
	if err != nil {
		return time.Time{}, err
	}
	var newest time.Time
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return time.Time{}, fmt.Errorf("read release: %w", err)
		}
		for _, stanza := range stanzas(data) {
			if stanza["date"] == "" {
				continue
			}
			t, err := mail.ParseDate(stanza["date"])
			if err != nil {
				return time.Time{}, fmt.Errorf("read date of %s: %w", name, err)
			}
			if t.After(newest) {
				newest = t
			}
		}
	}
	if newest.IsZero() {
		return newest, errors.New("the archive's Release files have no Date")
	}
	return newest.UTC(), nil
}

// run runs one of apt's programs and returns its stdout.
func (a *archive) run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = a.env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout = &out
	cmd.Stderr = &errs
	err := cmd.Run()
	if a.log != nil {
		fmt.Fprintf(a.log, "+ %s %s\n%s", name, strings.Join(args, " "), errs.String())
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not on this machine; resolving needs Debian's package apt (install apt, or resolve on a Debian machine and copy the manifest)", name)
	}
	if err != nil {
		return "", &AptError{Argv: append([]string{name}, args...), Words: aptWords(errs.String()), Err: err}
	}
	return out.String(), nil
}

// An AptError is apt's refusal in apt's own words.
type AptError struct {
	Argv  []string
	Words []string // its E: lines without the mark
	Err   error
}

func (e *AptError) Error() string {
	words := strings.Join(e.Words, "; ")
	if words == "" {
		words = e.Err.Error()
	}
	return fmt.Sprintf("apt: %s", words)
}

func (e *AptError) Unwrap() error { return e.Err }

// aptWords picks what apt says of an error: its E: lines, and where those only
// say that something broke, the lines about it.
func aptWords(stderr string) []string {
	var words, others []string
	for line := range strings.Lines(stderr) {
		line = strings.Join(strings.Fields(line), " ")
		if text, ok := strings.CutPrefix(line, "E: "); ok {
			words = append(words, text)
		} else if line != "" {
			others = append(others, strings.TrimPrefix(line, "W: "))
		}
	}
	if len(words) == 0 && len(others) > 0 {
		words = others[max(0, len(others)-5):]
	}
	return slices.Compact(words)
}

// lockFile waits until this process is the only one with the lock.
func lockFile(ctx context.Context, name string) (func(), error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock apt's private root: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
