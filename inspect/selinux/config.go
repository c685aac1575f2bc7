package selinux

import (
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// The modes of SELinux.
const (
	enforcing  = "enforcing"
	permissive = "permissive"
	disabled   = "disabled"
	unset      = "unset"
)

// defaultType is the policy of a config that names none.
const defaultType = "targeted"

// A config is /etc/selinux/config as libselinux reads it: selinux_config(5).
type config struct {
	mode, policy string
	settings     map[string]string
}

// parseConfig reads as selinux_config.c does: of the modes the first line
// with a known one counts, of the types the last line; the name of a mode may go
// on, and only a type may stand behind spaces.
func parseConfig(data []byte) (config, error) {
	c := config{mode: unset, policy: defaultType, settings: map[string]string{}}
	err := section.EachLine(data, func(_ int, line string) error {
		if value, ok := strings.CutPrefix(line, "SELINUX="); ok && c.mode == unset {
			c.mode = modeOf(strings.TrimLeft(value, spaces))
		}
		line = strings.TrimLeft(line, spaces)
		name, value, ok := strings.Cut(line, "=")
		if !ok || line[0] == '#' {
			return nil
		}
		if strings.EqualFold(name, "SELINUXTYPE") {
			c.policy = policyOf(value)
		}
		c.settings[strings.TrimSpace(name)] = strings.TrimSpace(value)
		return nil
	})
	return c, err
}

const spaces = " \t\v\f\r"

func modeOf(value string) string {
	for _, mode := range []string{enforcing, permissive, disabled} {
		if len(value) >= len(mode) && strings.EqualFold(value[:len(mode)], mode) {
			return mode
		}
	}
	return unset
}

// policyOf trims a type: its first byte stays whatever it is.
func policyOf(value string) string {
	value = strings.TrimLeft(value, spaces)
	for len(value) > 1 && (value[len(value)-1] <= ' ' || value[len(value)-1] == 0x7f) {
		value = value[:len(value)-1]
	}
	return value
}

// kernelArguments gives what the default boot entry, or the only one, says to
// the kernel about SELinux.
func kernelArguments(entries []report.BootEntry) []string {
	var list []string
	for _, e := range entries {
		if !e.Default && len(entries) > 1 {
			continue
		}
		for _, word := range strings.Fields(e.Options) {
			name, _, _ := strings.Cut(word, "=")
			switch name {
			case "selinux", "enforcing", "security", "lsm":
				list = append(list, word)
			}
		}
		break
	}
	return list
}

// modeAtBoot is the mode as the kernel's arguments change it: the kernel's
// selinux= and security= come before all, then libselinux' enforcing= (the first
// of them) before the config, which can still switch everything off.
func modeAtBoot(mode string, arguments []string) string {
	enforce := ""
	for _, word := range arguments {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case name == "selinux" && value == "0", name == "security" && value != "selinux",
			name == "lsm" && !strings.Contains(","+value+",", ",selinux,"):
			return disabled
		case name == "enforcing" && enforce == "":
			enforce = value
		}
	}
	if enforce == "" && mode == unset {
		return permissive
	}
	if mode == disabled || enforce == "" {
		return mode
	}
	if digit := strings.TrimLeft(enforce, "+0"); digit != "" && digit[0] >= '1' && digit[0] <= '9' {
		return enforcing
	}
	return permissive
}
