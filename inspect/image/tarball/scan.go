package tarball

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// A Member is one member of an archive as it stands there: nothing of what came
// before it is applied.
type Member struct {
	// Name is the archive's word, not cleaned: it may be absolute or hold "..".
	Name string
	// Hardlink says that the member is another name of the one named Link.
	Hardlink bool
	Link     string
	// Entry has no path; it has no type for a hard link.
	Entry report.Entry
	// Err is why the member could not be read whole.
	Err error

	attrs map[string]report.Raw
	body  body
}

// Xattrs are the extended attributes; ACLs are among them.
func (m *Member) Xattrs() map[string]report.Raw { return m.attrs }

// Content is a file's content. It may be called concurrently.
func (m *Member) Content() (fsys.Content, error) { return m.body.open() }

// Start is where a file's content begins in the archive; -1 where it has none.
func (m *Member) Start() int64 { return m.body.start() }

// ErrStop, returned or wrapped by the function that [Scan] calls, ends the scan.
var ErrStop = errors.New("stop")

// Scan hands over the members of the archive in the first size bytes of r, in
// their order. An error of add says that a member is left out; one that wraps
// [ErrStop] ends the scan. Missing is what of the archive was not handed over,
// and err why there is nothing.
//
// Unlike [Open] it takes an archive that ends behind a member without padding or trailer:
// its caller knows by a digest that nothing is cut off.
func Scan(ctx context.Context, r io.ReaderAt, size int64, add func(*Member) error) (missing, err error) {
	x := indexer{r: r, size: size, add: add, endless: true}
	if err := x.run(ctx); err != nil {
		return nil, err
	}
	return x.problems.missing(), nil
}

// Components splits a member's name, which is empty for the root. It refuses names
// that no directory can hold, "..", and what is too long or too deep.
func Components(name string) ([]string, error) { return components(name) }

// problems are what of an archive is not in the tree: the first ones, and how
// many more there are.
type problems struct {
	list []error
	more int
}

func (p *problems) add(format string, args ...any) {
	if len(p.list) == maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, fmt.Errorf(format, args...))
}

func (p *problems) missing() error {
	reasons := p.list
	if p.more > 0 {
		reasons = append(reasons[:len(reasons):len(reasons)], fmt.Errorf("and %d more", p.more))
	}
	return fsys.Reasons(reasons...)
}
