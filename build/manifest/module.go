package manifest

import "github.com/assay-os/assay/build/manifest/pyjson"

// checkModule compares an input, device, mount or source with what its type allows.
func (l *loader) checkModule(kind, name string, v pyjson.Value, path Path) {
}

// checkRunner refuses a runner that osbuild does not have.
func (l *loader) checkRunner(name string, path Path) {
}
