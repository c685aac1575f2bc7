package boot

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func fstab() section.Section {
	return section.Section{
		Name: "fstab", Source: "/etc/fstab", Oracle: "findmnt --tab-file",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			lines, err := ReadFstab(t)
			r.Fstab = append(r.Fstab, lines...)
			return err
		},
	}
}

// ReadFstab reads the tree's /etc/fstab. It returns what it read before an error.
func ReadFstab(t *tree.Tree) ([]report.FstabEntry, error) {
	data, err := t.ReadFile("/etc/fstab", section.MaxTable)
	if err != nil {
		return nil, err
	}
	lines, err := parseFstab(data)
	if err != nil {
		return lines, fmt.Errorf("/etc/fstab: %w", err)
	}
	return lines, nil
}

// parseFstab reads the lines of fstab(5), in their order: the order is
// meaning. It returns what it read before an error.
func parseFstab(data []byte) ([]report.FstabEntry, error) {
	var list []report.FstabEntry
	err := section.EachTableLine(data, func(_ int, line string) error {
		fields := strings.Fields(line)
		// getmntent(3) takes a line without type and options, too.
		if len(fields) < 2 {
			return fmt.Errorf("%d fields, a mount needs a device and a directory", len(fields))
		}
		e := report.FstabEntry{Spec: unescapeMount(fields[0]), File: unescapeMount(fields[1]), Options: "defaults", VfsType: "auto"}
		if len(fields) > 2 {
			e.VfsType = unescapeMount(fields[2])
		}
		if len(fields) > 3 {
			e.Options = unescapeMount(fields[3])
		}
		var err error
		if e.Freq, err = mountNumber(fields, 4); err != nil {
			return err
		}
		if e.Passno, err = mountNumber(fields, 5); err != nil {
			return err
		}
		list = append(list, e)
		return nil
	})
	return list, err
}

// mountNumber is field i, 0 when the line ends before it or a comment stands there.
func mountNumber(fields []string, i int) (int, error) {
	if i >= len(fields) || strings.HasPrefix(fields[i], "#") {
		return 0, nil
	}
	n, err := strconv.ParseInt(fields[i], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("field %d is %q, not a number", i+1, fields[i])
	}
	return int(n), nil
}

// unescapeMount decodes the \ooo of getmntent(3).
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
