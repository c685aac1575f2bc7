package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// maxPassphrase is how large a key file is that cryptsetup(8) takes.
const maxPassphrase = 8 << 20

// readPassphrase reads the file that --passphrase-file names. A newline at its
// end may be an editor's or the key's: it is tried without and with it.
func readPassphrase(name string) ([][]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage(fmt.Errorf("--passphrase-file: %w", err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPassphrase+1))
	switch {
	case err != nil:
		return nil, usage(fmt.Errorf("--passphrase-file: %w", err))
	case len(data) > maxPassphrase:
		return nil, usage(fmt.Errorf("--passphrase-file %s: it is larger than %s", name, size(maxPassphrase)))
	}
	if line, ok := bytes.CutSuffix(data, []byte("\n")); ok {
		return [][]byte{line, data}, nil
	}
	return [][]byte{data}, nil
}
