// Package tree is the one path by which native steps write into a tree.
//
// A [Root] resolves every name inside of its directory as if that were the
// root of the system: absolute symlinks start there, ".." stops there. No
// name leaves it (openat2(2) with RESOLVE_IN_ROOT).
package tree

// A Root is an open directory that confines every name given to it.
type Root struct {
	dir string
}
