package section

import (
	"bytes"
	"fmt"
	"strings"
)

// The bounds of text from an image. MaxConfig is for what configures one program
// (a unit, an entry of a boot loader), MaxTable for files of one line a
// thing (passwd, fstab), MaxDatabase for a package manager's.
const (
	MaxConfig   = 1 << 20
	MaxTable    = 16 << 20
	MaxDatabase = 256 << 20
	MaxLine     = 64 << 10
	MaxRecords  = 1_000_000
)

// EachLine calls fn for each line of data, numbered from 1, without its end.
// A line that is too long or holds a NUL byte is an error: no program writes
// such a line, and none agrees with another on how to read it.
func EachLine(data []byte, fn func(number int, line string) error) error {
	for n := 1; len(data) > 0; n++ {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		switch {
		case n > MaxRecords:
			return fmt.Errorf("line %d: more than %d lines", n, MaxRecords)
		case len(line) > MaxLine:
			return fmt.Errorf("line %d: %d bytes are more than %d", n, len(line), MaxLine)
		case bytes.IndexByte(line, 0) >= 0:
			return fmt.Errorf("line %d: it holds a NUL byte", n)
		}
		if err := fn(n, string(line)); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// EachTableLine is EachLine without empty lines and comments.
func EachTableLine(data []byte, fn func(number int, line string) error) error {
	return EachLine(data, func(n int, line string) error {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			return nil
		}
		return fn(n, line)
	})
}

// Within puts the file's name before an error, if there is one.
func Within(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
