// Package assemblers holds what turns a tree into something to ship: disk
// images, filesystem images, archives. Osbuild's v1 assemblers and the v2
// stages that do the same work share one implementation each.
//
// One file a definition, with its schema beside it. Nothing here mounts or
// attaches anything; what a definition makes is the same bit for bit from the
// same tree, options and tools.
package assemblers

import "github.com/assay-os/assay/build/step"

// All is every definition, sorted by kind and name.
func All() []*step.Definition {
	return []*step.Definition{
		errorAssembler(),
		noopAssembler(),
		qemuAssembler(),
		rawfsAssembler(),
		tarAssembler(),
		diskStage(),
		gzipStage(),
		qemuStage(),
		tarStage(),
		xzStage(),
		zstdStage(),
	}
}
