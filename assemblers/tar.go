package assemblers

import (
	"archive/tar"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/assemblers/archive"
	"github.com/assay-os/assay/build/step"
	confined "github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

//go:embed org.osbuild.tar.json
var tarSchema []byte

//go:embed org.osbuild.tar.assembler.json
var tarAssemblerSchema []byte

const tarDescription = `Members are sorted, owners are numbers, times are whole seconds: the same tree gives the same bytes. By default ACLs,
SELinux labels and all other extended attributes are kept, which makes it a pax archive; ` + "`gnu` and `ustar`" + ` hold none.

` + "```json\n" + `{"filename": "root.tar.xz"}` + "\n```"

func tarStage() *step.Definition {
	return &step.Definition{
		Name:        "org.osbuild.tar",
		Kind:        step.Stage,
		Summary:     "Make a tar archive of a tree",
		Description: "Compresses by the name's suffix unless `compression` says otherwise.\n\n" + tarDescription,
		Schema:      tarSchema,
		Inputs:      takesTree("the tree that is packed"),
		Since:       "0.1.0",
		Check:       checked(checkTar),
		Run: withOptions(func(ctx context.Context, c *step.Context, o tarOptions) error {
			method := o.Compression
			if method == "" || method == "auto" {
				method = bySuffix(path.Ext(o.Filename))
			}
			return makeTar(ctx, c, o, method)
		}),
	}
}

func tarAssembler() *step.Definition {
	return &step.Definition{
		Name:        "org.osbuild.tar",
		Kind:        step.Assembler,
		Summary:     "Make a tar archive of the tree",
		Description: "Compresses only when `compression` says so; the name is taken as it is.\n\n" + tarDescription,
		Schema:      tarAssemblerSchema,
		Inputs:      takesTree("the tree that is packed"),
		Since:       "0.1.0",
		Check:       checked(checkTar),
		Run: withOptions(func(ctx context.Context, c *step.Context, o tarOptions) error {
			return makeTar(ctx, c, o, o.Compression)
		}),
	}
}

// tarOptions are those of the stage; the assembler's are a part of them.
type tarOptions struct {
	Filename    string   `json:"filename"`
	Format      string   `json:"format"`
	Compression string   `json:"compression"`
	ACLs        *bool    `json:"acls"`
	SELinux     *bool    `json:"selinux"`
	Xattrs      *bool    `json:"xattrs"`
	RootNode    string   `json:"root-node"`
	Paths       []string `json:"paths"`
	Sparse      bool     `json:"sparse"`
	Transform   string   `json:"transform"`
	// Numeric changes nothing: owners always are numbers.
	Numeric bool `json:"numeric-owner"`
}

// bySuffix is the compression that a name's suffix asks for, as for tar(1)
// --auto-compress; empty for none.
func bySuffix(suffix string) string {
	switch suffix {
	case ".gz", ".tgz", ".taz":
		return "gzip"
	case ".xz", ".txz":
		return "xz"
	case ".zst", ".tzst":
		return "zstd"
	case ".bz2", ".tbz", ".tbz2":
		return "bzip2"
	case ".lzma", ".tlz":
		return "lzma"
	}
	return ""
}

// defaultLevel is what each compressor takes when it is not told.
func defaultLevel(method string) int {
	switch method {
	case "zstd":
		return 3
	case "bzip2":
		return 9
	}
	return 6
}

func checkTar(o tarOptions) []step.Problem {
	problems := checkName(o.Filename)
	switch o.Format {
	case "oldgnu", "v7":
		problems = append(problems, unsupported("format", o.Format, "posix", "gnu", "ustar"))
	}
	switch o.Compression {
	case "lzip", "lzop":
		problems = append(problems, unsupported("compression", o.Compression, "xz", "gzip", "bzip2"))
	}
	if o.Sparse {
		problems = append(problems, unsupported("sparse", "true", "false"))
	}
	if o.Transform != "" {
		problems = append(problems, step.Problem{Path: step.OptionPath("transform"), Message: "renaming members is not supported yet; leave it out"})
	}
	for i, p := range o.Paths {
		if rel := path.Clean("/" + p); rel == "/" && p != "." && p != "./" && p != "/" || slices.Contains(strings.Split(p, "/"), "..") {
			problems = append(problems, step.Problem{Path: step.OptionPath("paths", i), Message: fmt.Sprintf("%q is no path inside of the tree", p)})
		}
	}
	return problems
}

func isSet(b *bool) bool { return b == nil || *b }

// format is the archive's: attributes need pax, as for tar(1).
func (o tarOptions) format() tar.Format {
	switch {
	case isSet(o.ACLs) || isSet(o.SELinux) || isSet(o.Xattrs) || o.Format == "posix":
		return tar.FormatPAX
	case o.Format == "ustar":
		return tar.FormatUSTAR
	}
	return tar.FormatGNU
}

func makeTar(ctx context.Context, c *step.Context, o tarOptions, method string) (err error) {
	in, err := tree(c)
	if err != nil {
		return err
	}
	source, err := confined.Open(in.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	spec := archive.Spec{
		Source: source, Entries: in.Entries, Format: o.format(),
		ACLs: isSet(o.ACLs), SELinux: isSet(o.SELinux), Xattrs: isSet(o.Xattrs),
		Prefix: "./", Root: true, Log: c.Log,
	}
	if o.RootNode == "omit" || len(o.Paths) > 0 {
		spec.Prefix, spec.Root = "", false
	}
	if len(o.Paths) > 0 {
		if spec.Entries, err = below(in.Entries, o.Paths); err != nil {
			return err
		}
	}
	var argv []string
	if method != "" {
		argv, _ = compressor(method, defaultLevel(method))
	}
	out, _, err := create(c, o.Filename)
	if err != nil {
		return err
	}
	err = compressTo(ctx, c, out, argv, func(w io.Writer) error { return archive.Write(ctx, w, spec) })
	return errors.Join(err, out.Close())
}

// below picks the entries at and under paths, in the order of paths.
func below(entries []report.Entry, paths []string) ([]report.Entry, error) {
	var out []report.Entry
	for i, p := range paths {
		top := path.Clean("/" + p)
		before := len(out)
		for _, e := range entries {
			if name := string(e.Path); name == top || top == "/" || strings.HasPrefix(name, top+"/") {
				out = append(out, e)
			}
		}
		if len(out) == before {
			return nil, step.BadOption(step.At("paths", i), "the tree has no %s", top)
		}
	}
	return out, nil
}
