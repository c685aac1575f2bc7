package verify

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// prefixed writes whole lines, each behind a prefix, and keeps the last one
// that is an error of this program.
type prefixed struct {
	mu     sync.Mutex
	w      *bufio.Writer
	prefix string
	rest   []byte
	failed string
}

func newPrefixed(w io.Writer, prefix string) *prefixed {
	return &prefixed{w: bufio.NewWriter(w), prefix: prefix}
}

func (p *prefixed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, data...)
	for {
		i := bytes.IndexByte(p.rest, '\n')
		if i < 0 {
			return len(data), p.w.Flush()
		}
		p.line(string(p.rest[:i]))
		p.rest = p.rest[i+1:]
	}
}

func (p *prefixed) line(text string) {
	if message, ok := strings.CutPrefix(text, "assay: "); ok {
		p.failed = message
	}
	fmt.Fprintf(p.w, "%s%s\n", p.prefix, text)
}

func (p *prefixed) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rest) > 0 {
		p.line(string(p.rest))
		p.rest = nil
	}
	return p.w.Flush()
}

// cause is ": " and the error that the run ended with, "" when it told none.
func (p *prefixed) cause() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == "" {
		return ""
	}
	return ": " + p.failed
}
