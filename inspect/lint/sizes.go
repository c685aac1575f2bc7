package lint

import (
	"fmt"

	"github.com/assay-os/assay/report"
)

// sized says how much is in a file.
func sized(n int64) string {
	if n == 1 {
		return "it holds 1 byte"
	}
	return fmt.Sprintf("it holds %d bytes", n)
}

// summed is one finding about all files in a directory; none where there are none.
func summed(dir string, files []report.Entry) []found {
	if len(files) == 0 {
		return nil
	}
	var total int64
	for _, e := range files {
		total += e.Size
	}
	return []found{{report.Raw(dir), fmt.Sprintf("%d files hold %d bytes", len(files), total)}}
}
