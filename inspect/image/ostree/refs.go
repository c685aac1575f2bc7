package ostree

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// Refs are the repository's refs and the commits that they name: those of
// refs/heads by their names, those of refs/remotes as "REMOTE:NAME", those of
// refs/mirrors as "COLLECTION:NAME". One that cannot be read has an empty commit.
func (r *Repository) Refs() map[string]string {
	refs := map[string]string{}
	for name, n := range r.nodes {
		if n.Type != report.File && n.Type != report.Symlink {
			continue
		}
		rest, ok := strings.CutPrefix(name, "refs/")
		if !ok {
			continue
		}
		where, ref, _ := strings.Cut(rest, "/")
		if where != "heads" {
			remote, of, ok := strings.Cut(ref, "/")
			if !ok || where != "remotes" && where != "mirrors" {
				continue
			}
			ref = remote + ":" + of
		}
		refs[ref] = r.ref(name)
	}
	return refs
}

// ref reads one ref, which may be a link to another.
func (r *Repository) ref(name string) string {
	for range 8 {
		n := r.nodes[name]
		if n == nil {
			return ""
		}
		if n.Type == report.File {
			break
		}
		name = strings.TrimPrefix(path.Join("/", path.Dir(name), string(n.Target)), "/")
	}
	data, err := r.read(name, maxRef)
	if err != nil {
		return ""
	}
	if sum := strings.TrimSpace(string(data)); isChecksum(sum) {
		return sum
	}
	return ""
}

func isChecksum(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// resolve finds the commit that is asked for.
func (r *Repository) resolve(ref string) (string, error) {
	refs := r.Refs()
	if sum := refs[ref]; sum != "" {
		return sum, nil
	}
	if isChecksum(ref) {
		return ref, nil
	}
	if _, there := refs[ref]; there && ref != "" {
		return "", fmt.Errorf("the ref %q holds no checksum", ref)
	}
	if ref != "" {
		return r.abbreviated(ref, refs)
	}
	commits := slices.Compact(slices.Sorted(maps.Values(refs)))
	switch {
	case len(commits) == 1 && commits[0] != "":
		return commits[0], nil
	case len(refs) == 0:
		return r.onlyCommit()
	}
	return "", fmt.Errorf("it holds several commits; name one: %s", listed(refs))
}

// abbreviated finds a commit by the start of its checksum.
func (r *Repository) abbreviated(ref string, refs map[string]string) (string, error) {
	const shortest = 6
	if len(ref) >= shortest && strings.Trim(ref, "0123456789abcdef") == "" {
		var found []string
		for _, sum := range r.commits() {
			if strings.HasPrefix(sum, ref) {
				found = append(found, sum)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("it has no ref or commit %q; there are: %s", ref, cmp.Or(listed(refs), "no refs"))
}

// onlyCommit takes the commit of a repository without refs.
func (r *Repository) onlyCommit() (string, error) {
	switch all := r.commits(); len(all) {
	case 0:
		return "", errors.New("it holds no commit")
	case 1:
		return all[0], nil
	default:
		return "", fmt.Errorf("it holds %d commits and no refs; name a commit by its checksum", len(all))
	}
}

// commits are the checksums of all commits that are there.
func (r *Repository) commits() []string {
	var out []string
	for name := range r.nodes {
		rest, ok := strings.CutPrefix(name, "objects/")
		if sum, isCommit := strings.CutSuffix(strings.Replace(rest, "/", "", 1), ".commit"); ok && isCommit && isChecksum(sum) {
			out = append(out, sum)
		}
	}
	return out
}

// listed names refs, up to a screenful.
func listed(refs map[string]string) string {
	const shown = 20
	names := slices.Sorted(maps.Keys(refs))
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return strings.Join(names, ", ")
}
