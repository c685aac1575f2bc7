package store

// EmptyDigest is report.TreeDigest of the tree with no entries, on which every
// pipeline starts.
const EmptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// EmptyTree is the tree with no entries.
func EmptyTree() Tree { return Tree{Digest: EmptyDigest} }

// With is the tree that l makes of t. A layer that changed nothing does not
// get into the stack.
func (t Tree) With(l *Layer) Tree {
	if l.Empty {
		return Tree{Layers: t.Layers, Digest: l.Digest}
	}
	layers := make([]*Layer, len(t.Layers), len(t.Layers)+1)
	copy(layers, t.Layers)
	return Tree{Layers: append(layers, l), Digest: l.Digest}
}
