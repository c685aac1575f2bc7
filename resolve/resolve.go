// Package resolve turns a blueprint, which says what a person wants, into a
// manifest, which says everything: every package as one file by its SHA-256,
// every UUID, every path.
//
// The packages are chosen by the distribution's own solver in a root of its
// own; resolve has no solver. What a distribution needs to be known for is
// data, in the directory distros. The package builds nothing and downloads no
// package; the same blueprint against the same archive gives the same bytes.
//
//	b, err := resolve.Read("debian.toml", data)
//	result, err := resolve.Resolve(ctx, b, resolve.Options{Cache: dir, EtcApt: os.DirFS("/etc/apt")})
//	os.Stdout.Write(result.Manifest)
package resolve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options are what resolving needs of the machine.
type Options struct {
	// Cache is a directory for the archive's lists. It may be shared by
	// several processes.
	Cache string
	// EtcApt is this machine's /etc/apt, read when the mirror is "host".
	EtcApt fs.FS
	// Environment is handed to apt beside its own: proxies, as "http_proxy=…".
	Environment []string
	// Log takes what apt says; nil drops it.
	Log io.Writer
}

// A Result is a manifest with its reasons.
type Result struct {
	// Manifest is the document, in osbuild's version 2, ends with a newline.
	Manifest []byte
	// Choices is every value that the blueprint did not give, in the order in
	// which they were chosen.
	Choices []Choice
	// Build and System are the packages of the two trees.
	Build, System []Pinned
}

// A Choice is one value that was chosen, and why.
type Choice struct {
	What, Value, Why string
}

// A plan is a blueprint with every open value filled in.
type plan struct {
	blueprint *Blueprint
	distro    *Distro
	arch      string
	choices   []Choice
	epoch     time.Time
	build     []Pinned
	system    []Pinned
	ids       ids
	size      int64
}

// Resolve chooses everything that the blueprint leaves open and writes the
// manifest.
func Resolve(ctx context.Context, b *Blueprint, o Options) (*Result, error) {
	d, err := loadDistro(b.Distro)
	if err != nil {
		return nil, &UnmetError{err}
	}
	return resolveFor(ctx, d, b, o)
}

func resolveFor(ctx context.Context, d *Distro, b *Blueprint, o Options) (*Result, error) {
	p := &plan{blueprint: b, distro: d}
	if err := p.settle(); err != nil {
		return nil, &UnmetError{err}
	}
	if err := p.pin(ctx, o); err != nil {
		return nil, err
	}
	doc, err := p.document()
	if err != nil {
		return nil, err
	}
	return &Result{Manifest: doc, Choices: p.choices, Build: p.build, System: p.system}, nil
}

func (p *plan) choose(what, value, why string) {
	p.choices = append(p.choices, Choice{what, value, why})
}

// fill returns given, or else the distribution's default.
func (p *plan) fill(what, given, fallback string) string {
	if given != "" {
		return given
	}
	p.choose(what, fallback, "default of "+p.distro.Name)
	return fallback
}

// settle fills in what needs no archive. The blueprint is not changed.
func (p *plan) settle() error {
	b := *p.blueprint
	p.blueprint = &b
	var err error
	if p.ids, err = p.identify(); err != nil {
		return err
	}
	b.Architecture = p.fill("architecture", b.Architecture, "x86_64")
	arch, ok := p.distro.Architectures[b.Architecture]
	if !ok {
		return fmt.Errorf("architecture: %s has no definition for %q", p.distro.Name, b.Architecture)
	}
	p.arch = arch
	c := &b.Customizations
	c.Hostname = p.fill("customizations.hostname", c.Hostname, p.distro.Hostname)
	c.Timezone.Timezone = p.fill("customizations.timezone.timezone", c.Timezone.Timezone, p.distro.Timezone)
	if len(c.Locale.Languages) == 0 {
		c.Locale.Languages = []string{p.fill("customizations.locale.languages", "", p.distro.Locale)}
	}
	p.choose("kernel options", p.distro.KernelOptions, "default of "+p.distro.Name+", before customizations.kernel.append")
	b.Image.Format = p.fill("image.format", b.Image.Format, "qcow2")
	return p.settleSize(&b)
}

func (p *plan) settleSize(b *Blueprint) (err error) {
	size := p.fill("image.size", b.Image.Size, p.distro.ImageSize)
	if p.size, err = parseSize(size); err != nil {
		return fmt.Errorf("image.size: %w", err)
	}
	for i, fs := range b.Customizations.Filesystems {
		least, err := parseSize(fmt.Sprint(fs.MinSize))
		if err != nil {
			return fmt.Errorf("customizations.filesystem[%d].minsize: %w", i, err)
		}
		// The filesystem's place starts behind the table and the boot loader.
		if whole := least + 4*mebibyte; p.size < whole {
			p.size = whole
			p.choose("image.size", fmt.Sprint(whole), fmt.Sprintf("customizations.filesystem[%d].minsize needs it", i))
		}
	}
	p.size = (p.size + mebibyte - 1) / mebibyte * mebibyte
	return nil
}

const mebibyte = 1 << 20

// pin asks the archive.
func (p *plan) pin(ctx context.Context, o Options) error {
	at, err := locate(p.distro, p.blueprint, o.EtcApt)
	if err != nil {
		return &UnmetError{err}
	}
	if _, err := os.Stat(p.distro.Keyring); err != nil {
		return fmt.Errorf("the archive's keys are not on this machine: %w; install %s", err, p.distro.KeyringPackage)
	}
	p.chooseSuites(at)
	cache, err := filepath.Abs(o.Cache)
	if err != nil {
		return fmt.Errorf("find the cache: %w", err)
	}
	a, unlock, err := openArchive(ctx, cache, p.arch, p.distro.Keyring, at, o)
	if err != nil {
		return err
	}
	defer unlock()
	if p.epoch, err = a.released(); err != nil {
		return err
	}
	p.choose("source-epoch", p.epoch.Format(time.RFC3339), "newest Date of the archive's Release files")
	if p.build, err = a.solve(ctx, p.distro.Build.Packages); err != nil {
		return fmt.Errorf("packages of the build root: %w", err)
	}
	p.choosePackages("build root", p.build)
	if p.system, err = a.solve(ctx, p.wanted()); err != nil {
		return unmetPackages(err)
	}
	p.choosePackages("system", p.system)
	return nil
}

// An UnmetError is a blueprint that asks for what cannot be had, as a package
// that the archive does not have.
type UnmetError struct{ Err error }

func (e *UnmetError) Error() string { return e.Err.Error() }

// Unwrap is the reason.
func (e *UnmetError) Unwrap() error { return e.Err }

// unmetPackages makes the solver's refusal the blueprint's fault; where the
// solver could not be run, it is not.
func unmetPackages(err error) error {
	err = fmt.Errorf("packages of the system: %w", err)
	var refused *AptError
	if errors.As(err, &refused) {
		return &UnmetError{err}
	}
	return err
}

// wanted is what the system's packages are solved for.
func (p *plan) wanted() []string {
	list := append([]string{}, p.distro.System.Packages...)
	b := p.blueprint
	for _, pkg := range append(b.Packages[:len(b.Packages):len(b.Packages)], b.Modules...) {
		if pkg.Version == "" || pkg.Version == "*" {
			list = append(list, pkg.Name)
		} else {
			list = append(list, pkg.Name+"="+pkg.Version)
		}
	}
	return list
}

func (p *plan) chooseSuites(at []location) {
	found := map[string]bool{}
	for _, l := range at {
		found[l.Suite.Name] = true
		why := "mirror is " + p.blueprint.Mirror
		if p.blueprint.Mirror == "host" {
			why = "this machine's apt sources"
		}
		p.choose("suite "+l.Suite.Name, l.URI, why)
	}
	for _, s := range p.distro.Suites {
		if !found[s.Name] {
			p.choose("suite "+s.Name, "none", "this machine's apt sources have it not: the image lacks its updates")
		}
	}
}

func (p *plan) choosePackages(where string, pins []Pinned) {
	for _, x := range pins {
		value := strings.Join([]string{x.Name, x.Version, x.Architecture}, " ")
		p.choose(where, value, fmt.Sprintf("chosen by %s; %d bytes, sha256:%s", p.distro.Solver, x.Size, x.SHA256))
	}
}
