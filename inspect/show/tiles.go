package show

import (
	"strconv"

	"github.com/assay-os/assay/report"
)

// tiles are the numbers that a reader looks for first.
func tiles(r *report.Report) []fact {
	var size int64
	files := 0
	for i := range r.Files {
		e := &r.Files[i]
		if e.Type != report.File {
			continue
		}
		files++
		if first(e) {
			size += e.Size
		}
	}
	missing := cell{"0", good}
	if n := len(unread(r)); n > 0 {
		missing = cell{strconv.Itoa(n), warn}
	}
	return []fact{
		{Label: "in files", Value: text(Bytes(size))},
		{Label: "files", Value: text(strconv.Itoa(files))},
		{Label: "packages", Value: text(strconv.Itoa(len(r.Packages)))},
		{Label: "can log in", Value: text(strconv.Itoa(len(accounts(r))))},
		{Label: "ways to boot", Value: text(strconv.Itoa(len(r.Boot)))},
		{Label: "sections not read", Value: missing},
	}
}
