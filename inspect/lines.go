package inspect

import (
	"bytes"
	"fmt"
	"strings"
)

// The bounds of text from an image. maxTable is for files of one line a
// thing (passwd, fstab), maxDatabase for a package manager's.
const (
	maxTable    = 16 << 20
	maxDatabase = 256 << 20
	maxLine     = 64 << 10
	maxRecords  = 1_000_000
)

// eachLine calls fn for each line of data, numbered from 1, without its end.
// A line that is too long or holds a NUL byte is an error: no program writes
// such a line, and none agrees with another on how to read it.
func eachLine(data []byte, fn func(number int, line string) error) error {
	for n := 1; len(data) > 0; n++ {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		switch {
		case n > maxRecords:
			return fmt.Errorf("line %d: more than %d lines", n, maxRecords)
		case len(line) > maxLine:
			return fmt.Errorf("line %d: %d bytes are more than %d", n, len(line), maxLine)
		case bytes.IndexByte(line, 0) >= 0:
			return fmt.Errorf("line %d: it holds a NUL byte", n)
		}
		if err := fn(n, string(line)); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// eachTableLine is eachLine without empty lines and comments.
func eachTableLine(data []byte, fn func(number int, line string) error) error {
	return eachLine(data, func(n int, line string) error {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			return nil
		}
		return fn(n, line)
	})
}
