package settings

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func machineID() section.Section {
	return section.Section{
		Name: "machine-id", Source: "/etc/machine-id",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			data, err := t.ReadFile("/etc/machine-id", section.MaxConfig)
			if errors.Is(err, fs.ErrNotExist) {
				r.MachineID = &report.MachineID{State: "absent"}
				return nil
			}
			if err != nil {
				return err
			}
			r.MachineID = machineIDOf(strings.TrimSuffix(string(data), "\n"))
			return nil
		},
	}
}

// machineIDOf reads the one line that machine-id(5) allows.
func machineIDOf(text string) *report.MachineID {
	switch {
	case text == "":
		return &report.MachineID{State: "empty"}
	case text == "uninitialized":
		return &report.MachineID{State: text}
	case regexp.MustCompile(`^[0-9a-fA-F]{32}$`).MatchString(text) && strings.Trim(text, "0") != "":
		return &report.MachineID{State: "set", ID: strings.ToLower(text)}
	}
	return &report.MachineID{State: "invalid"}
}
