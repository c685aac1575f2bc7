package stages

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-os/assay/build/deb"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

//go:embed grub.json
var grubSchema json.RawMessage

func grub() step.Definition {
	return step.Definition{
		Name:    "dev.assay.grub",
		Kind:    step.Stage,
		Summary: "Write GRUB's menu for the kernels of the tree",
		Description: `Writes /boot/grub/grub.cfg with an entry for every /boot/vmlinuz-VERSION, the
newest first, for systems that have no boot loader entries of their own (Debian). The initramfs is
initrd.img-VERSION or initramfs-VERSION.img where there is one. Kernels are looked for on the
filesystem that GRUB's directory is on, which must be the one that holds /boot.

GRUB's own code is put into the image by the assembler, with the modules that the menu needs.

    {"timeout": 3, "serial": {"unit": 0, "speed": 115200}}

    {"cmdline": "root=LABEL=root ro quiet"}`,
		Schema: grubSchema,
		Since:  since,
		Run:    with(writeGrub),
	}
}

type grubOptions struct {
	Cmdline *string     `json:"cmdline"`
	Timeout *int        `json:"timeout"`
	Serial  *grubSerial `json:"serial"`
}

type grubSerial struct {
	Unit  *int `json:"unit"`
	Speed *int `json:"speed"`
}

// A grubKernel is one kernel with its initramfs, which may be "".
type grubKernel struct {
	version, image, initramfs string
}

func writeGrub(c *step.Context, o grubOptions) error {
	kernels, err := findKernels(c.Tree)
	if err != nil {
		return err
	}
	if len(kernels) == 0 {
		return errors.New("there is no /boot/vmlinuz-VERSION in the tree; install a kernel before this stage")
	}
	words, err := grubCmdline(c.Tree, o)
	if err != nil {
		return err
	}
	title, err := prettyName(c.Tree)
	if err != nil {
		return err
	}
	if err := c.Tree.MkdirAll("/boot/grub", 0o755); err != nil {
		return err
	}
	return c.Tree.WriteFile("/boot/grub/grub.cfg", []byte(grubMenu(o, title, kernels, words)), 0o644)
}

// findKernels lists the kernels of /boot, the newest first.
func findKernels(t *tree.Root) ([]grubKernel, error) {
	entries, err := t.ReadDir("/boot")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name] = e.Type == report.File
	}
	var kernels []grubKernel
	for _, e := range entries {
		version, ok := strings.CutPrefix(e.Name, "vmlinuz-")
		if !ok || !there[e.Name] || strings.Contains(version, ".dpkg-") || strings.HasSuffix(version, ".old") {
			continue
		}
		k := grubKernel{version: version, image: e.Name}
		for _, name := range []string{"initrd.img-" + version, "initramfs-" + version + ".img"} {
			if there[name] {
				k.initramfs = name
				break
			}
		}
		kernels = append(kernels, k)
	}
	slices.SortFunc(kernels, func(a, b grubKernel) int {
		return cmp.Or(deb.CompareVersions(b.version, a.version), cmp.Compare(a.version, b.version))
	})
	return kernels, nil
}

// grubCmdline is the kernel's command line in words.
func grubCmdline(t *tree.Root, o grubOptions) ([]string, error) {
	if o.Cmdline != nil {
		return strings.Fields(*o.Cmdline), nil
	}
	data, err := t.ReadFile("/etc/kernel/cmdline")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, step.BadOption(step.At("cmdline"), "is missing, and the tree has no /etc/kernel/cmdline, which org.osbuild.kernel-cmdline writes")
	}
	return strings.Fields(string(data)), err
}

// prettyName is what os-release(5) calls the system.
func prettyName(t *tree.Root) (string, error) {
	data, err := t.ReadFile("/etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		return "Linux", nil
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(value, `"'`), nil
		}
	}
	return "Linux", nil
}

func grubMenu(o grubOptions, title string, kernels []grubKernel, words []string) string {
	var b strings.Builder
	b.WriteString("# Written by dev.assay.grub.\nset default=0\n")
	fmt.Fprintf(&b, "set timeout=%d\n", or(o.Timeout, 1))
	if o.Serial != nil {
		fmt.Fprintf(&b, "serial --unit=%d --speed=%d\n", or(o.Serial.Unit, 0), or(o.Serial.Speed, 115200))
		b.WriteString("terminal_input console serial\nterminal_output console serial\n")
	}
	for i, w := range words {
		words[i] = grubQuote(w)
	}
	for _, k := range kernels {
		name := grubQuote(fmt.Sprintf("%s, with Linux %s", title, k.version))
		fmt.Fprintf(&b, "\nmenuentry %s --id %s {\n", name, grubQuote("linux-"+k.version))
		fmt.Fprintf(&b, "\tlinux %s\n", strings.Join(append([]string{grubQuote("/boot/" + k.image)}, words...), " "))
		if k.initramfs != "" {
			fmt.Fprintf(&b, "\tinitrd %s\n", grubQuote("/boot/"+k.initramfs))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// grubQuote keeps a word one word for GRUB's shell (GRUB manual, "Quoting"):
// in single quotes nothing has a meaning, not even a backslash.
func grubQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/=-_.,:+@%", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
