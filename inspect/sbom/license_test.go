package sbom

import (
	"strings"
	"testing"
	"time"
)

func TestLicenses(t *testing.T) {
	for text, expression := range map[string]bool{
		"MIT": true, "GPL-2.0-or-later AND (MIT OR BSD-3-Clause)": true, "GPL-2.0-only WITH Classpath-exception-2.0": true, "LicenseRef-Callaway-MIT": true,
		"GPLv2+": false, "Public Domain": false, "MIT AND": false, "(MIT": false, "MIT\x00": false, "": false, strings.Repeat("MIT AND ", 400) + "MIT": false,
	} {
		if l := licenseOf(text); (l.Expression == text && text != "") != expression || l.Text != text {
			t.Errorf("%.80q: %+v", text, l)
		}
	}
}

// What a database holds is anybody's text: it takes no time, and ends nothing.
func FuzzLicense(f *testing.F) {
	for _, s := range []string{"MIT AND (GPL-2.0-or-later WITH Classpath-exception-2.0)", "DocumentRef-a:LicenseRef-b+", strings.Repeat("(", 1999), strings.Repeat("MIT OR ", 280) + "MIT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		start := time.Now()
		if l := licenseOf(s); l.Expression != "" && l.Expression != s {
			t.Errorf("%q became %q", s, l.Expression)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s for %q", d, s)
		}
	})
}
