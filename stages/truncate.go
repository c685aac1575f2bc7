package stages

import (
	_ "embed"
	"encoding/json"
	"math"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed truncate.json
var truncateSchema json.RawMessage

func truncate() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.truncate",
		Kind:    step.Stage,
		Summary: "Set the size of a file",
		Description: `Makes a file that is not there, and gives it a size, with a hole where it grows. The
size is what truncate(1) takes: a number with a unit (K, M, G, … by 1024; KB, MB, … by
1000), and before it + or - (change by), < or > (at most, at least), / or % (round down,
up to a multiple).`,
		Schema: truncateSchema,
		Since:  since,
		Run:    with(setSize),
	}
}

type truncateOptions struct {
	Filename string `json:"filename"`
	Size     string `json:"size"`
}

func setSize(c *step.Context, o truncateOptions) error {
	op, n, ok := parseSize(o.Size)
	if !ok {
		return step.BadOption(step.At("size"), "%q is no size: a number with a unit like K, M, MB, after + - < > / or %% if need be", o.Size)
	}
	f, err := c.Tree.OpenFile("/"+strings.TrimLeft(o.Filename, "/"), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size, ok := resize(info.Size(), op, n)
	if !ok {
		return step.BadOption(step.At("size"), "%q of %d bytes is no size that a file may have", o.Size, info.Size())
	}
	return f.Truncate(size)
}

// resize is the new size; false where it has none.
func resize(old int64, op byte, n int64) (int64, bool) {
	switch op {
	case '+':
		return old + n, n <= math.MaxInt64-old
	case '-':
		return max(0, old-n), true
	case '<':
		return min(old, n), true
	case '>':
		return max(old, n), true
	case '/', '%':
		if n == 0 {
			return 0, false
		}
		down := old - old%n
		if op == '/' || down == old {
			return down, true
		}
		return down + n, n <= math.MaxInt64-down
	default:
		return n, true
	}
}

// parseSize reads a size of truncate(1); op is 0 where none stands before it.
func parseSize(text string) (op byte, n int64, ok bool) {
	if text != "" && strings.IndexByte("+-<>/%", text[0]) >= 0 {
		op, text = text[0], text[1:]
	}
	digits := strings.TrimRight(text, "KMGTPEkmgtiB")
	unit, known := sizeUnit(text[len(digits):])
	if digits == "" && text != "" {
		digits = "1"
	}
	v, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || !known {
		return 0, 0, false
	}
	high, low := bits.Mul64(v, unit)
	return op, int64(low), high == 0 && low <= math.MaxInt64
}

func sizeUnit(suffix string) (uint64, bool) {
	if suffix == "" {
		return 1, true
	}
	power := max(strings.IndexByte("KMGTPE", suffix[0]), strings.IndexByte("kmgt", suffix[0])) + 1
	base := uint64(1024)
	switch suffix[1:] {
	case "", "iB":
	case "B":
		base = 1000
	default:
		return 0, false
	}
	unit := uint64(1)
	for range power {
		unit *= base
	}
	return unit, power > 0
}
