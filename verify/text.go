package verify

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Text writes the outcome for people.
func (o *Outcome) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	if o.Stored {
		fmt.Fprintf(b, "stored proof: proved at %s, manifest %.12s, binary %.12s\n", o.ProvedAt.Format(time.RFC3339), o.Manifest, o.Binary)
	}
	fmt.Fprintf(b, "%s: %d builds of %s, nothing reused between them but the pinned sources\n", o.Verdict, len(o.Runs), o.Export)
	for i, r := range o.Runs {
		fmt.Fprintf(b, "  run %d  sha256 %s\n         digest %s  (built in %.0f s, inspected in %.1f s)\n",
			i+1, r.SHA256, orUnread(r.Digest), r.BuildSeconds, r.InspectSeconds)
	}
	for i, vs := range o.Variations {
		textVariations(b, i+2, vs)
	}
	if t := o.Tree; t != nil {
		fmt.Fprintf(b, "  image against the packed tree %q: %s, %d entries%s\n", t.Pipeline, t.Verdict, t.Entries, explained(t.Explained))
	}
	if o.HostDependent {
		fmt.Fprintln(b, "  host-dependent: a step ran in this machine's /usr, not in a build pipeline")
	}
	return b.Flush()
}

func textVariations(w io.Writer, run int, vs []Variation) {
	var took, not []string
	for _, v := range vs {
		if v.Took {
			took = append(took, v.Name)
		} else {
			not = append(not, fmt.Sprintf("%s (%s)", v.Name, v.Cause))
		}
	}
	fmt.Fprintf(w, "  run %d varied (%d): %s\n", run, len(took), strings.Join(took, ", "))
	if len(not) > 0 {
		fmt.Fprintf(w, "  run %d not varied: %s\n", run, strings.Join(not, ", "))
	}
}

func explained(rules map[string]int) string {
	if len(rules) == 0 {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, rules[name]))
	}
	return " (explained by rules: " + strings.Join(parts, ", ") + ")"
}

func orUnread(digest string) string {
	if digest == "" {
		return "none: not everything was read"
	}
	return digest
}
