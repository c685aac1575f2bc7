package section

import (
	"fmt"
	"strings"
)

// EachContinued is EachLine where a backslash at the end of a line continues it: joint and
// the next line take the backslash's place, as in sudoers(5), pam.conf(5) and
// interfaces(5). The number is the first line's.
func EachContinued(data []byte, joint string, fn func(number int, line string) error) error {
	first, pieces, size := 0, []string{}, 0
	flush := func() error {
		if len(pieces) == 0 {
			return nil
		}
		line := strings.Join(pieces, joint)
		pieces, size = pieces[:0], 0
		return fn(first, line)
	}
	err := EachLine(data, func(n int, line string) error {
		if len(pieces) == 0 {
			first = n
		}
		if size += len(line); size > MaxConfig {
			return fmt.Errorf("a continued line has more than %d bytes", MaxConfig)
		}
		kept := strings.TrimRight(line, `\`)
		if (len(line)-len(kept))%2 == 1 {
			pieces = append(pieces, line[:len(line)-1])
			return nil
		}
		pieces = append(pieces, line)
		return flush()
	})
	if err != nil {
		return err
	}
	if err := flush(); err != nil {
		return fmt.Errorf("line %d: %w", first, err)
	}
	return nil
}
