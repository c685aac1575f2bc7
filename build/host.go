package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// HostMark stands for the programs of the host below root ("/") in cache
// keys: a digest over what its package manager says is installed. Programs
// that were put there by hand do not change it.
func HostMark(root string) (string, error) {
	h := sha256.New()
	for _, name := range []string{"usr/lib/os-release", "var/lib/dpkg/status", "usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"} {
		f, err := os.Open(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read the host's packages: %w", err)
		}
		fmt.Fprintf(h, "%s\x00", name)
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", fmt.Errorf("read the host's packages: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
