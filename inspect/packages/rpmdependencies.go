package packages

import (
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/rpmdb"
	"github.com/assay-os/assay/report"
)

// A dependencyTags is the numbers of the tags of one kind of dependencies.
type dependencyTags struct {
	kind                    string
	names, senses, versions uint32
}

func dependencies() []dependencyTags {
	return []dependencyTags{
		{"conflicts", 1054, 1053, 1055}, {"enhances", 5055, 5057, 5056}, {"obsoletes", 1090, 1114, 1115}, {"old-enhances", 1159, 1161, 1160},
		{"old-suggests", 1156, 1158, 1157}, {"order", 5035, 5037, 5036}, {"provides", 1047, 1112, 1113}, {"recommends", 5046, 5048, 5047},
		{"requires", 1049, 1048, 1050}, {"suggests", 5049, 5051, 5050}, {"supplements", 5052, 5054, 5053},
	}
}

// maxDependencies is how long a list may be to be told whole: a kernel
// provides thousands of symbols.
const maxDependencies = 200

// rpmDependencies are all lists of a package.
func rpmDependencies(h *rpmdb.Header) ([]report.RPMDependencies, error) {
	var list []report.RPMDependencies
	for _, d := range dependencies() {
		names := h.Find(d.names).Strings()
		if names == nil {
			continue
		}
		senses, versions := h.Find(d.senses).Numbers(), h.Find(d.versions).Strings()
		if senses != nil && len(senses) != len(names) || versions != nil && len(versions) != len(names) {
			return list, fmt.Errorf("%s of %d names, %d versions", rpmdb.TagName(d.names), len(names), len(versions))
		}
		lines := make([]string, len(names))
		for i, name := range names {
			lines[i] = dependency(name, numbers(senses).at(i), texts(versions).at(i))
		}
		of := report.RPMDependencies{Kind: d.kind, Count: len(lines), List: lines}
		if len(lines) > maxDependencies {
			of.List, of.SHA256 = nil, sum([]byte(strings.Join(lines, "\n")+"\n"))
		}
		list = append(list, of)
	}
	return list, nil
}

// dependency is a name with its condition, as rpm prints it: "bash >= 5".
func dependency(name string, sense uint64, version string) string {
	if sense&(senseLess|senseGreater|senseEqual) == 0 {
		return text(name)
	}
	words := name + " "
	for _, s := range []struct {
		bit  uint64
		sign string
	}{{senseLess, "<"}, {senseGreater, ">"}, {senseEqual, "="}} {
		if sense&s.bit != 0 {
			words += s.sign
		}
	}
	return text(words + " " + version)
}
