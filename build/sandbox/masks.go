package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shownProc are the files right under /proc that steps see as they are: what
// is of the process and its namespaces, and what tells of the kernel and not
// of the machine. Everything else is masked, also
// what a later kernel adds.
func shownProc() []string {
	return []string{"self", "thread-self", "mounts", "net", "sys", "filesystems", "sysvipc"}
}

// fixedProc are the files that programs expect to have content: they get the
// same on every host. procps, glibc and systemd parse them; the values are of
// a machine that never was.
func fixedProc() map[string]string {
	return map[string]string{
		"cmdline": "root=/dev/osbuild\n",
		"cpuinfo": "processor\t: 0\nmodel name\t: assay\n\n",
		"loadavg": "0.00 0.00 0.00 1/1 1\n",
		"meminfo": "MemTotal:        4194304 kB\nMemFree:         4194304 kB\nMemAvailable:    4194304 kB\n" +
			"Buffers:               0 kB\nCached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
		"stat":    "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nintr 0\nctxt 0\nbtime 0\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n",
		"swaps":   "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
		"uptime":  "0.00 0.00\n",
		"version": "Linux version assay\n",
	}
}

// bootID is what /proc/sys/kernel/random/boot_id holds: systemd and dbus
// write it into files.
const bootID = "00000000-0000-4000-8000-000000000000\n"

// emptyDirectory covers directories. One bind costs bwrap half of what a tmpfs
// does that is then made read-only.
const emptyDirectory = "nothing"

// A mask is one thing to be put over a path under /proc.
type mask struct {
	// Path is relative to /proc; Source is a file or a directory of the host.
	Path, Source string
}

// writeMasks writes the files that cover /proc into dir and lists the masks
// for the names that the host's /proc has.
func writeMasks(dir, proc string) ([]mask, error) {
	names, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", proc, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, emptyDirectory), 0o755); err != nil {
		return nil, err
	}
	files := fixedProc()
	files["empty"], files["boot_id"] = "", bootID
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o444); err != nil {
			return nil, fmt.Errorf("write mask: %w", err)
		}
	}
	masks := []mask{{"sys/kernel/random/boot_id", filepath.Join(dir, "boot_id")}}
	// What the host mounts there comes along with the directory.
	if binfmt := "sys/fs/binfmt_misc"; isDirectory(proc, binfmt) {
		masks = append(masks, mask{binfmt, filepath.Join(dir, emptyDirectory)})
	}
	for _, entry := range names {
		if m, ok := maskFor(dir, entry, files); ok {
			masks = append(masks, m)
		}
	}
	return masks, nil
}

func maskFor(dir string, entry os.DirEntry, files map[string]string) (mask, bool) {
	name := entry.Name()
	if strings.Trim(name, "0123456789") == "" || slices.Contains(shownProc(), name) {
		return mask{}, false
	}
	switch _, fixed := files[name]; {
	case entry.IsDir():
		return mask{name, filepath.Join(dir, emptyDirectory)}, true
	case fixed:
		return mask{name, filepath.Join(dir, name)}, true
	case entry.Type().IsRegular():
		return mask{name, filepath.Join(dir, "empty")}, true
	}
	return mask{}, false
}
