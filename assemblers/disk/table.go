package disk

import (
	"context"
	"fmt"
	"strings"

	"github.com/assay-os/assay/assemblers/layout"
	"github.com/assay-os/assay/build/step"
)

// legacyBIOSBootable is GPT's counterpart of MBR's active flag.
const legacyBIOSBootable = 2

// table writes the partition table: both copies of a GPT, and its MBR.
func (s Spec) table(ctx context.Context) error {
	return s.Step.Exec(ctx, step.Program{
		Argv:  []string{"sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never", s.Image},
		Env:   []string{"LC_ALL=C"},
		Stdin: strings.NewReader(Script(s.Layout)),
	})
}

// Script is a placed layout as sfdisk reads it.
func Script(l *layout.Layout) string {
	var b strings.Builder
	if l.Label == layout.GPT {
		fmt.Fprintf(&b, "label: gpt\nlabel-id: %s\nunit: sectors\nfirst-lba: 34\ntable-length: 128\n\n", strings.ToUpper(l.UUID))
	} else {
		fmt.Fprintf(&b, "label: dos\nlabel-id: %s\nunit: sectors\n\n", strings.ToLower(l.UUID))
	}
	for _, p := range l.Partitions {
		fmt.Fprintf(&b, "start=%d, size=%d, type=%s", p.Start/l.SectorSize, p.Size/l.SectorSize, l.TypeCode(p))
		if p.UUID != "" {
			fmt.Fprintf(&b, ", uuid=%s", strings.ToUpper(p.UUID))
		}
		if p.Name != "" {
			fmt.Fprintf(&b, ", name=%q", p.Name)
		}
		if a := attributes(l, p); a != "" {
			fmt.Fprintf(&b, ", attrs=%q", a)
		}
		if p.Bootable && l.Label == layout.MBR {
			b.WriteString(", bootable")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// attributes are GPT's bits in the order of their numbers.
func attributes(l *layout.Layout, p layout.Partition) string {
	set := map[int]bool{legacyBIOSBootable: p.Bootable && l.Label == layout.GPT}
	for _, bit := range p.Attributes {
		set[bit] = true
	}
	var names []string
	for bit := range 64 {
		if set[bit] {
			names = append(names, attributeName(bit))
		}
	}
	return strings.Join(names, ",")
}

// attributeName is how sfdisk(8) writes a bit ("attrs").
func attributeName(bit int) string {
	switch bit {
	case 0:
		return "RequiredPartition"
	case 1:
		return "NoBlockIOProtocol"
	case legacyBIOSBootable:
		return "LegacyBIOSBootable"
	}
	return fmt.Sprintf("GUID:%d", bit)
}
