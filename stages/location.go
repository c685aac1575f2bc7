package stages

import (
	"path"
	"strings"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// A location is a name inside of the tree, or of an input.
type location struct {
	root *tree.Root
	name string
	// content is set for "DIR/": what the directory holds is meant, not the directory.
	content bool
	// entries is the recorded list of an input of kind tree: the truth for
	// owner, mode and label. Nil for everything else.
	entries []report.Entry
	// input is set where the root was opened for the location.
	input bool
}

// locate reads "tree:///PATH", "input://NAME/PATH" or, without a scheme,
// "/PATH". What comes back is to be closed.
func locate(c *step.Context, url string, place ...any) (location, error) {
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		scheme, rest = "tree", url
	}
	host, name, found := strings.Cut(rest, "/")
	if !found {
		return location{}, step.BadOption(place, "%q has no path; write %s:///PATH", url, scheme)
	}
	at := location{root: c.Tree, name: path.Clean("/" + name), content: name == "" || strings.HasSuffix(name, "/")}
	switch {
	case scheme == "tree" && host == "":
		return at, nil
	case scheme == "tree":
		return at, step.BadOption(place, "%q names a host; write tree:///%s/%s", url, host, name)
	case scheme == "input":
		return at.in(c, host, place)
	case scheme == "mount":
		return at, step.BadOption(place, "mounts are not supported yet")
	default:
		return at, step.BadOption(place, "%q has an unknown scheme; known are tree and input", url)
	}
}

func (at location) in(c *step.Context, input string, place []any) (location, error) {
	in, ok := c.Inputs[input]
	if !ok {
		return at, step.BadOption(place, "the step has no input %q", input)
	}
	root, err := tree.Open(in.Path)
	if err != nil {
		return at, err
	}
	at.root, at.entries, at.input = root, in.Entries, true
	return at, nil
}

func (at location) close() error {
	if at.input {
		return at.root.Close()
	}
	return nil
}
