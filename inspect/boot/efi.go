package boot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/assay-os/assay/inspect/boot/pe"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

const espSource = "*.efi below /boot, /efi, /usr/lib/{bootupd,ostree-boot,shim,systemd/boot/efi}, and in volumes that nothing mounts"

func efiBinaries() section.Section {
	return section.Section{
		Name: "efi-binaries", Source: espSource, Oracle: "sbverify --list, objcopy --dump-section",
		Fill: func(ctx context.Context, t *tree.Tree, r *report.Report) error {
			err := eachPE(ctx, t, func(f *tree.File, p *pe.File) error {
				b, err := describeEFI(p)
				b.Path = f.Path
				r.EFIBinaries = append(r.EFIBinaries, b)
				return err
			})
			if err == nil && len(r.EFIBinaries) == 0 {
				return section.Absent("no program for EFI")
			}
			return err
		},
	}
}

func uki() section.Section {
	return section.Section{
		Name: "uki", Source: espSource, Oracle: "objcopy --dump-section",
		Fill: func(ctx context.Context, t *tree.Tree, r *report.Report) error {
			err := eachPE(ctx, t, func(f *tree.File, p *pe.File) error {
				if p.Section(".linux") == nil {
					return nil
				}
				u, err := describeUKI(p)
				u.Path = f.Path
				r.UKI = append(r.UKI, u)
				return err
			})
			if err == nil && len(r.UKI) == 0 {
				return section.Absent("no unified kernel image")
			}
			return err
		},
	}
}

// eachPE calls fn for each program for EFI. A file of that name that is none is left out: it
// starts nothing.
func eachPE(ctx context.Context, t *tree.Tree, fn func(*tree.File, *pe.File) error) error {
	files, trouble := espFiles(t)
	for _, f := range files {
		if !strings.Contains(strings.ToLower(f.Name()), ".efi") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := withPE(f, fn); err != nil && !errors.Is(err, pe.ErrNotPE) {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return trouble
}

func withPE(f *tree.File, fn func(*tree.File, *pe.File) error) error {
	c, err := f.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	p, err := pe.Open(c, c.Size())
	if err != nil {
		return err
	}
	if err := fn(f, p); err != nil {
		return err
	}
	return image.Unchanged(c)
}

func describeEFI(p *pe.File) (report.EFIBinary, error) {
	b := report.EFIBinary{Machine: machine(p.Machine), Kind: subsystem(p.Subsystem)}
	text, err := sectionText(p, ".sbat")
	if err != nil {
		return b, err
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.SBAT = append(b.SBAT, line)
		}
	}
	signatures, err := p.Signatures()
	if err != nil {
		b.Problem = section.Clip(err.Error())
	}
	if len(signatures) == 0 {
		return b, nil
	}
	if b.Authenticode, err = p.Authenticode(); err != nil {
		return b, err
	}
	for _, s := range signatures {
		b.Signatures = append(b.Signatures, describeSignature(s, b.Authenticode))
	}
	return b, nil
}

func describeSignature(s pe.Signature, digest string) report.PESignature {
	out := report.PESignature{Issuer: s.Issuer.String(), Serial: fmt.Sprintf("%x", s.Serial), Digest: "ok"}
	switch {
	case s.Algorithm != "sha256":
		out.Digest = s.Algorithm
	case s.Digest != digest:
		out.Digest = "wrong"
	}
	if s.Signer != nil {
		out.Subject, out.NotAfter = s.Signer.Subject.String(), s.Signer.NotAfter.UTC().Format(time.RFC3339)
	}
	return out
}

// machine is the name that systemd and the Discoverable Partitions Specification have for a number.
func machine(n uint16) string {
	switch n {
	case 0x8664:
		return "x86_64"
	case 0x14c:
		return "i386"
	case 0xaa64:
		return "aarch64"
	case 0x1c0, 0x1c2, 0x1c4:
		return "arm"
	case 0x5064:
		return "riscv64"
	case 0x6264:
		return "loongarch64"
	}
	return fmt.Sprintf("%#x", n)
}

func subsystem(n uint16) string {
	switch n {
	case 10:
		return "application"
	case 11:
		return "boot-driver"
	case 12:
		return "runtime-driver"
	}
	return fmt.Sprintf("%d", n)
}

// sectionText is a section's text without the zeros that fill it; "" where there is none.
func sectionText(p *pe.File, name string) (string, error) {
	s := p.Section(name)
	if s == nil {
		return "", nil
	}
	if s.Size > section.MaxConfig {
		return "", fmt.Errorf("%s: %d bytes are more than %d", name, s.Size, section.MaxConfig)
	}
	data, err := io.ReadAll(p.Content(s))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return printable(strings.TrimRight(string(data), "\x00")), nil
}

// ukiTexts reads what a unified kernel image says of itself.
func ukiTexts(p *pe.File) (report.UKI, error) {
	var u report.UKI
	var err error
	texts := map[string]string{}
	for _, name := range []string{".cmdline", ".uname", ".osrel"} {
		if texts[name], err = sectionText(p, name); err != nil {
			return u, err
		}
	}
	u.Cmdline, u.Uname = strings.TrimSpace(texts[".cmdline"]), strings.TrimSpace(texts[".uname"])
	for line := range strings.Lines(texts[".osrel"]) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			if u.OSRelease == nil {
				u.OSRelease = map[string]string{}
			}
			u.OSRelease[key] = strings.Trim(value, `"'`)
		}
	}
	return u, nil
}

func describeUKI(p *pe.File) (report.UKI, error) {
	u, err := ukiTexts(p)
	if err != nil {
		return u, err
	}
	for i := range p.Sections {
		s := &p.Sections[i]
		h := sha256.New()
		if _, err := io.Copy(h, p.Content(s)); err != nil {
			return u, fmt.Errorf("read %s: %w", s.Name, err)
		}
		u.Sections = append(u.Sections, report.PESection{Name: printable(s.Name), Size: s.Size, SHA256: hex.EncodeToString(h.Sum(nil))})
	}
	return u, nil
}

// printable is text that may stand in a report.
func printable(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return report.Raw(text).String()
}
