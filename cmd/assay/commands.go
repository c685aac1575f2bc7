package main

import "github.com/spf13/cobra"

// commands is the one list of commands, in the order of the help text.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newResolve(), newBuild(), newBundle(), newVerify(), newInspect(), newDiff(), newDigest(), newExplain(), newLint(), newCheck(), newDu(), newBoot(), newLs(), newCat(), newExtract(), newManifest(), newStages(), newStore(),
		newDocs(), newMan(), newSandbox(), newStep(), newVary(), newProbe(),
	}
}
