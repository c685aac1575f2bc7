package main

import (
	"errors"

	"github.com/assay-os/assay/inspect/image"
)

// fits refuses flags that choose from what the subject does not have: they would have no
// effect, and nobody would know.
func (o *opening) fits(img *image.Image) error {
	switch kind := img.Subject.Kind; {
	case o.mixed:
		return nil
	case (o.Platform != "" || o.Name != "") && kind != "container":
		return errors.New("--platform and --image choose a container image, and it holds none")
	case o.Ref != "" && kind != "commit":
		return errors.New("--ref chooses a commit of an OSTree repository, which it is not")
	case o.CrossMounts && kind != "directory":
		return errors.New("--cross-mounts reads on in a directory, which it is not")
	}
	return nil
}
