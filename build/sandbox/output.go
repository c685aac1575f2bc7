package sandbox

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// MaxLog is how many bytes of a run's output are kept in its log; the rest is
// counted and dropped. maxTail is how many bytes of its end are kept in memory.
const (
	MaxLog  = 256 << 20
	maxTail = 64 << 10
)

// A capture writes output to a file, keeps the end of it, and passes it on.
type capture struct {
	file    *os.File
	pass    func([]byte)
	tail    []byte
	written int64
	dropped int64
	err     error
}

func newCapture(path string, pass func([]byte)) (*capture, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return &capture{file: f, pass: pass}, nil
}

// Write never fails, so that a full disk does not stop the step at its next
// line of output: the error is kept for close.
func (c *capture) Write(p []byte) (int, error) {
	keep := p
	if room := MaxLog - c.written; int64(len(keep)) > room {
		keep = keep[:room]
		c.dropped += int64(len(p)) - room
	}
	if c.err == nil {
		_, c.err = c.file.Write(keep)
	}
	c.written += int64(len(keep))
	c.keepTail(p)
	if c.pass != nil {
		c.pass(p)
	}
	return len(p), nil
}

// keepTail cuts only when the buffer is twice as long as needed, so that a
// flood of short lines is not a flood of copies.
func (c *capture) keepTail(p []byte) {
	c.tail = append(c.tail, p[max(0, len(p)-maxTail):]...)
	if len(c.tail) > 2*maxTail {
		c.tail = append(c.tail[:0], c.tail[len(c.tail)-maxTail:]...)
	}
}

// text is the end of the output as valid UTF-8, from the start of a line.
func (c *capture) text() string {
	tail := c.tail
	if len(tail) > maxTail {
		tail = tail[len(tail)-maxTail:]
		for i, b := range tail {
			if b == '\n' {
				tail = tail[i+1:]
				break
			}
		}
	}
	if utf8.Valid(tail) {
		return string(tail)
	}
	return strings.ToValidUTF8(string(tail), "\uFFFD")
}

func (c *capture) close() error {
	if c.dropped > 0 && c.err == nil {
		_, c.err = fmt.Fprintf(c.file, "\n[%d bytes of output more than %d were dropped]\n", c.dropped, MaxLog)
	}
	if err := c.file.Close(); c.err == nil {
		c.err = err
	}
	if c.err != nil {
		return fmt.Errorf("write log %s: %w", c.file.Name(), c.err)
	}
	return nil
}
