package dir

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A mount is one line of mountinfo: proc_pid_mountinfo(5).
type mount struct {
	id    uint64
	where string
	kind  string
}

// mounts are the filesystems that are mounted below a directory.
type mounts struct {
	// kinds are the types of all mounts by their id.
	kinds map[uint64]string
	// top are those below the root that no other one hides, sorted by place.
	top []mount
}

// onDisk are the types of filesystems that a mount is followed into: those that have a
// medium. The others show the running kernel, memory, or another machine.
func onDisk() []string {
	return []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "exfat", "f2fs", "ntfs3", "jfs", "udf", "iso9660", "squashfs", "erofs", "zfs", "bcachefs"}
}

// readMounts lists what is mounted below root, a path of this process.
func readMounts(root string) (*mounts, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(data, root)
}

func parseMounts(data []byte, root string) (*mounts, error) {
	m := &mounts{kinds: map[uint64]string{}}
	last := map[string]mount{}
	below := strings.TrimSuffix(root, "/") + "/"
	for line := range bytes.Lines(data) {
		fields, rest, ok := strings.Cut(string(line), " - ")
		f, kind := strings.Fields(fields), strings.Fields(rest)
		if !ok || len(f) < 6 || len(kind) == 0 {
			return nil, fmt.Errorf("mountinfo: %q is no line of it", line)
		}
		id, err := strconv.ParseUint(f[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("mountinfo: %w", err)
		}
		m.kinds[id] = kind[0]
		if where, ok := strings.CutPrefix(unescape(f[4]), below); ok {
			last["/"+where] = mount{id, "/" + where, kind[0]}
		}
	}
	for _, x := range last {
		if x.where != "/" {
			m.top = append(m.top, x)
		}
	}
	slices.SortFunc(m.top, func(a, b mount) int { return cmp.Compare(a.where, b.where) })
	return m, nil
}

// unescape reads the octal form of blanks and backslashes.
func unescape(s string) string {
	for _, c := range []struct{ form, plain string }{{`\040`, " "}, {`\011`, "\t"}, {`\012`, "\n"}, {`\134`, `\`}} {
		s = strings.ReplaceAll(s, c.form, c.plain)
	}
	return s
}

// leftOut names the mounts that are not followed, but for those that lie in another one.
func (m *mounts) leftOut(cross bool) string {
	const shown = 16
	var names []string
	in := ""
	for _, x := range m.top {
		if in != "" && strings.HasPrefix(x.where, in+"/") || cross && slices.Contains(onDisk(), x.kind) {
			continue
		}
		in = x.where
		names = append(names, x.where+" ("+x.kind+")")
	}
	if n := len(names); n > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", n-shown)
	}
	return strings.Join(names, ", ")
}

// covered is the error of a name where another filesystem is mounted.
type covered struct{ kind, all string }

func (c *covered) Error() string {
	if c.kind == "" {
		return "another filesystem is mounted here: not read"
	}
	return fmt.Sprintf("%s is mounted here: not read, as all of: %s", c.kind, c.all)
}
