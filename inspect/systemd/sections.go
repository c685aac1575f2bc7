// Package systemd describes what systemd will start.
//
// It reads unit files and links as systemd does offline (systemctl --root);
// it runs nothing, no generator either.
package systemd

import "github.com/assay-os/assay/inspect/section"

// Sections is the one list of this package's sections.
func Sections() []section.Section {
	return []section.Section{services()}
}
