package settings

import (
	"testing"

	"github.com/assay-os/assay/inspect/section/sectiontest"
)

func TestOSReleaseFallback(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"link":     {"/etc/os-release": "-> ../usr/lib/os-release", "/usr/lib/os-release": "ID=a\n"},
		"usr only": {"/usr/lib/os-release": "ID=a\n"},
		"etc wins": {"/etc/os-release": "ID=a\n", "/usr/lib/os-release": "ID=b\n"},
	} {
		if r := sectiontest.Report(t, Sections(), files); r.OSRelease["ID"] != "a" {
			t.Errorf("%s: %v %v", name, r.OSRelease, r.Sections["os-release"])
		}
	}
}
