package assemblers

import (
	"context"
	_ "embed"

	"github.com/assay-os/assay/build/step"
)

//go:embed org.osbuild.xz.json
var xzSchema []byte

//go:embed org.osbuild.zstd.json
var zstdSchema []byte

//go:embed org.osbuild.gzip.json
var gzipSchema []byte

func xzStage() *step.Definition   { return compressStage("xz", 0, xzSchema) }
func zstdStage() *step.Definition { return compressStage("zstd", 1, zstdSchema) }
func gzipStage() *step.Definition { return compressStage("gzip", 1, gzipSchema) }

type compressOptions struct {
	Filename string `json:"filename"`
	Level    *int   `json:"level"`
}

// compressStage is a stage that compresses its one input file.
func compressStage(method string, level int, schema []byte) *step.Definition {
	return &step.Definition{
		Name:    "org.osbuild." + method,
		Kind:    step.Stage,
		Summary: "Compress a file with " + method,
		Description: "Compresses the one file of the input `file`. The number of threads is fixed, so that the output does not\n" +
			"depend on the machine.\n\n```json\n{\"filename\": \"disk.raw." + method + "\"}\n```",
		Schema: schema,
		Inputs: takesFile("file", "the file to compress"),
		Tools:  []string{method},
		Since:  "0.1.0",
		Check:  checked(func(o compressOptions) []step.Problem { return checkName(o.Filename) }),
		Run: withOptions(func(ctx context.Context, c *step.Context, o compressOptions) error {
			asked := level
			if o.Level != nil {
				asked = *o.Level
			}
			return compressFile(ctx, c, o.Filename, method, asked)
		}),
	}
}
