package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// The forms in which most commands can print their result.
const (
	formatText = "text"
	formatJSON = "json"
)

// formatFlag defines --format for a command that prints text or JSON. The value
// is checked by [oneOf] when the command runs.
func formatFlag(f *pflag.FlagSet, value *string) {
	f.StringVar(value, "format", formatText, "print the result as `FORMAT`: text or json")
}

// checkFormat refuses a --format that [formatFlag] does not offer.
func checkFormat(value string) error { return oneOf("format", value, formatText, formatJSON) }

// oneOf refuses a flag's value that is none of the allowed ones.
func oneOf(flag, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	last := len(allowed) - 1
	return usage(fmt.Errorf("--%s %q: it can be %s or %s", flag, value, strings.Join(allowed[:last], ", "), allowed[last]))
}

// outputFile refuses, before any work is done for it, a file to write whose
// directory is not there.
func outputFile(flag, name string) error {
	dir := filepath.Dir(name)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", dir)
	}
	if err != nil {
		return usage(fmt.Errorf("--%s %s: %w", flag, name, err))
	}
	return nil
}

// outputDirectory makes the directory that --output-directory names before any
// work is done for it: a name that cannot be used is the caller's fault.
func outputDirectory(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usage(fmt.Errorf("--output-directory %s: %w", dir, err))
	}
	return nil
}
