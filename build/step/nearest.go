package step

import "github.com/assay-os/assay/build/manifest/grammar"

// Nearest is the known name that a mistyped one most likely means, "" when
// none comes near: [grammar.Nearest].
func Nearest(name string, known []string) string {
	near, _ := grammar.Nearest(name, known)
	return near
}
