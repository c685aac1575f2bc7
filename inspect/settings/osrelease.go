package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

func osRelease() section.Section {
	return section.Section{
		Name: "os-release", Source: "/etc/os-release, else /usr/lib/os-release", Oracle: "sh (. /etc/os-release)",
		Fill: func(_ context.Context, t *tree.Tree, r *report.Report) error {
			const limit = 1 << 20
			name := "/etc/os-release"
			data, err := t.ReadFile(name, limit)
			if errors.Is(err, fs.ErrNotExist) {
				name = "/usr/lib/os-release"
				data, err = t.ReadFile(name, limit)
			}
			if err != nil {
				return err
			}
			if err := parseAssignments(data, r.OSRelease); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		},
	}
}

// parseAssignments reads the NAME=VALUE lines of os-release(5) into m: the
// part of the shell's language that this manual allows.
func parseAssignments(data []byte, m map[string]string) error {
	return section.EachTableLine(data, func(_ int, line string) error {
		name, value, ok := strings.Cut(line, "=")
		if !ok || !isName(name) {
			return fmt.Errorf("%.60q is not NAME=VALUE", line)
		}
		value, err := unquote(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m[name] = value
		return nil
	})
}

func isName(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// unquote takes shell quotes and backslashes off one word.
func unquote(s string) (string, error) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote && quote != 0:
			quote = 0
		case c == '\\' && quote == 0 && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '\\' && quote == '"' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			if rest := strings.TrimSpace(s[i:]); rest != "" && rest[0] != '#' {
				return "", fmt.Errorf("%.60q follows the value", rest)
			}
			return b.String(), nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", fmt.Errorf("a %c is not closed", quote)
	}
	return b.String(), nil
}
