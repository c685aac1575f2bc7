package assemblers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/assay-os/assay/build/step"
)

// compressor is the command that compresses its input to its output. Numbers
// of threads and sizes of blocks are fixed, because both show in the output:
// left to themselves, xz and zstd go by the machine.
func compressor(method string, level int) ([]string, bool) {
	switch method {
	case "xz":
		return []string{"xz", "--stdout", "--check=crc64", "--threads=2", "--block-size=4MiB", "-" + strconv.Itoa(level)}, true
	case "lzma":
		return []string{"xz", "--stdout", "--format=lzma", "-" + strconv.Itoa(level)}, true
	case "gzip":
		return []string{"gzip", "--no-name", "--stdout", "-" + strconv.Itoa(level)}, true
	case "zstd":
		return []string{"zstd", "--quiet", "--stdout", "-T2", "-" + strconv.Itoa(level)}, true
	case "bzip2":
		return []string{"bzip2", "--stdout", "-" + strconv.Itoa(level)}, true
	}
	return nil, false
}

// errCompressorEnded is what a writer sees when nobody reads any more.
var errCompressorEnded = errors.New("the compressor ended before its input did")

// compressTo runs fill, and puts what it writes through argv into out. No
// argv means that out takes it as it is.
func compressTo(ctx context.Context, c *step.Context, out io.Writer, argv []string, fill func(io.Writer) error) error {
	if argv == nil {
		return fill(out)
	}
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := fill(w)
		done <- err
		w.CloseWithError(err)
	}()
	err := c.Exec(ctx, step.Program{Argv: argv, Stdin: r, Stdout: out, Env: []string{"LC_ALL=C"}})
	// A compressor that ended early must not leave fill waiting.
	r.CloseWithError(errCompressorEnded)
	filled := <-done
	if filled != nil && !errors.Is(filled, errCompressorEnded) {
		return filled
	}
	return err
}

// compressFile is the stages that compress the one file of their input.
func compressFile(ctx context.Context, c *step.Context, name, method string, level int) error {
	source, err := file(c, "file")
	if err != nil {
		return err
	}
	return compressPath(ctx, c, source, name, method, level)
}

func compressPath(ctx context.Context, c *step.Context, source, name, method string, level int) error {
	argv, ok := compressor(method, level)
	if !ok {
		return fmt.Errorf("no compressor is called %s", method)
	}
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, _, err := create(c, name)
	if err != nil {
		return err
	}
	err = c.Exec(ctx, step.Program{Argv: argv, Stdin: in, Stdout: out, Env: []string{"LC_ALL=C"}})
	return errors.Join(err, out.Close())
}
