package imageinfo

import (
	"regexp"
	"sort"
	"strings"
)

// The grammars of configuration files as osbuild-image-info reads them. Where the
// programs themselves read otherwise, this still does as upstream does: two
// reports of the same system are to be the same.

// environment reads NAME=VALUE, quotes taken off both ends of a value. A line
// without "=" ends upstream's program; here it says nothing.
func environment(lines []string) map[string]string {
	vars := map[string]string{}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok {
			vars[name] = strings.Trim(value, `"`)
		}
	}
	return vars
}

// withoutComments are the lines, trimmed, less those that are empty or begin with
// one of the marks.
func withoutComments(lines []string, marks string) []string {
	out := []string{}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line != "" && !strings.ContainsRune(marks, rune(line[0])) {
			out = append(out, line)
		}
	}
	return out
}

// dracut reads NAME=VALUE and NAME+=VALUE; "#" begins a comment anywhere.
func dracut(lines []string) map[string]string {
	vars := map[string]string{}
	for _, line := range lines {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		if name, value, ok := strings.Cut(line, "="); ok {
			vars[strings.TrimSuffix(name, "+")] = strings.Trim(value, `"`)
		}
	}
	return vars
}

// blacklist is what a file of modprobe.d refuses: upstream keeps the last module
// of a file only.
func blacklist(lines []string) map[string][]string {
	found := map[string][]string{}
	before := ""
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if rest, ok := strings.CutSuffix(line, `\`); ok {
			before += rest
			continue
		}
		line, before = before+line, ""
		if module, ok := strings.CutPrefix(line, "blacklist "); ok {
			found["blacklist"] = []string{module}
		}
	}
	return found
}

// chrony keeps four directives, their arguments joined by one space.
func chrony(lines []string) map[string][]string {
	found := map[string][]string{}
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) == 0 || strings.ContainsRune("!;#%", rune(f[0][0])) {
			continue
		}
		switch f[0] {
		case "server", "pool", "peer", "leapsectz":
			found[f[0]] = append(found[f[0]], strings.Join(f[1:], " "))
		}
	}
	return found
}

// bootEntry reads one file of the Boot Loader Specification.
func bootEntry(lines []string) map[string]string {
	entry := map[string]string{}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if key, value, ok := strings.Cut(line, " "); ok {
			entry[key] = value
		}
	}
	return entry
}

// x11Options are the layout and variant of xorg.conf.d's keyboard.
func x11Options(lines []string) map[string]string {
	found := map[string]string{}
	text := strings.Join(lines, "\n")
	for key, option := range map[string]string{"layout": "XkbLayout", "variant": "XkbVariant"} {
		re := regexp.MustCompile(`(?s)Section\s+"InputClass"\s+.*Option\s+"` + option + `"\s+"([\w,-]+)"\s+.*EndSection`)
		if m := re.FindStringSubmatch(text); m != nil {
			found[key] = m[1]
		}
	}
	return found
}

// fstab are the fields of each line, sorted.
func fstab(lines []string) [][]string {
	var rows [][]string
	for _, line := range lines {
		if f := strings.Fields(line); len(f) > 0 && line[0] != '#' {
			rows = append(rows, f)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return lessList(rows[i], rows[j]) })
	return rows
}

func lessList(a, b []string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}
