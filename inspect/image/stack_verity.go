package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/mapper"
	"github.com/assay-os/assay/inspect/image/verity"
	"github.com/assay-os/assay/report"
)

// A Proof is a claim of an image that only reading all of a device can settle.
type Proof struct {
	// Mapped is the index in Disk.Mapped.
	Mapped int
	// Verify reads the device. Its error says what does not hold.
	Verify func(ctx context.Context, workers int) error
}

// addHashTree keeps a tree until every block is known that may be its data.
func (s *stack) addHashTree(_ context.Context, b *block, f report.Filesystem) {
	t, err := verity.Open(b)
	if err != nil {
		s.refuse(b, f, err)
		return
	}
	b.leave("after the hash tree", t.End(), b.Size()-t.End())
	s.trees = append(s.trees, hashTree{t, b})
}

type hashTree struct {
	*verity.Tree
	on *block
}

// pairTrees finds the data of each tree.
func (s *stack) pairTrees(ctx context.Context) {
	for _, t := range s.trees {
		data := s.dataOf(t)
		if data == nil {
			err := errors.New("no partition holds the data that it is the hash tree of")
			s.refuse(t.on, report.Filesystem{Type: verity.Kind, UUID: t.UUID}, err)
			continue
		}
		s.addVerity(ctx, t.Tree, data.Device, "verity of "+t.on.name, []string{data.name, t.on.name}, s.content(data))
	}
	s.trees = nil
}

// dataOf is the block that a tree is over: the one whose partition's id is the
// first half of the root hash, or the first whose first block has the digest
// that the tree has for it, or by its type or place.
func (s *stack) dataOf(t hashTree) *block {
	var fits, likely *block
	for _, b := range s.done {
		if b == t.on || b.Size() < t.DataSize() {
			continue
		}
		if s.partitionID(b) == t.Root()[:min(32, len(t.Root()))] && len(t.Root()) >= 64 {
			return b
		}
		if fits == nil && t.Fits(b) {
			fits = b
		}
		if p, own := s.partitionOf(b), s.partitionOf(t.on); p != nil && own != nil && (verityOf()[own.Type] == p.Type || likely == nil && p.Index == own.Index-1) {
			likely = b
		}
	}
	if fits != nil {
		return fits
	}
	return likely
}

// partitionOf is the record of a block; nil where it is no partition.
func (s *stack) partitionOf(b *block) *report.Partition {
	if b.partition == 0 {
		return nil
	}
	return &s.img.Disk.Partitions[b.index]
}

func (s *stack) partitionID(b *block) string {
	if p := s.partitionOf(b); p != nil {
		return strings.ReplaceAll(p.UUID, "-", "")
	}
	return ""
}

// content is what is on a block.
func (s *stack) content(b *block) *report.Filesystem {
	switch {
	case b.index == whole:
		return s.img.Disk.Filesystem
	case b.mapped:
		return s.img.Disk.Mapped[b.index].Filesystem
	}
	return s.img.Disk.Partitions[b.index].Filesystem
}

// addVerity records a verified device. What is on it is read from the data
// itself, which the device does not change.
func (s *stack) addVerity(ctx context.Context, t *verity.Tree, data Device, name string, members []string, on *report.Filesystem) {
	if t.Root() == "" { // over one block: there is nothing to read but that
		if err := t.Verify(ctx, data, 1); err != nil {
			s.img.Problems = append(s.img.Problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	m := report.MappedDevice{Name: name, Type: "verity", UUID: t.UUID, Size: t.DataSize(), Members: members, Settings: t.Settings(), Filesystem: on}
	maps.Copy(m.Settings, s.signature(t))
	index := len(s.img.Disk.Mapped)
	s.img.Disk.Mapped = append(s.img.Disk.Mapped, m)
	s.img.Proofs = append(s.img.Proofs, Proof{index, func(ctx context.Context, workers int) error {
		if err := t.Verify(ctx, data, workers); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}})
}

// findTree looks for a tree in the same device, behind the filesystem that it is
// over: veritysetup --hash-offset. It returns where it ends.
func (s *stack) findTree(ctx context.Context, b *block, fs fsys.Filesystem, f *report.Filesystem) int64 {
	const page = 4096
	for _, at := range []int64{fs.Size(), (fs.Size() + page - 1) / page * page} {
		if at <= 0 || at >= b.Size() {
			continue
		}
		behind, err := mapper.Section(b, at, b.Size()-at)
		if err != nil {
			continue
		}
		if _, ok := verity.Probe(behind); !ok {
			continue
		}
		t, err := verity.Open(behind)
		if err != nil {
			s.problem(b, fmt.Errorf("hash tree at byte %d: %w", at, err))
			return at
		}
		s.addVerity(ctx, t, b.Device, "verity of "+b.name, []string{b.name}, f)
		return at + t.End()
	}
	return fs.Size()
}

// maxSignature bounds the signature of a root hash; the specification pads it
// to 4 KiB, and a partition for it has 16 KiB.
const maxSignature = 64 << 10

// signature tells which partition signs the root hash of a tree, and with which
// certificate. The signature itself is compared as bytes of that partition.
func (s *stack) signature(t *verity.Tree) map[string]string {
	for _, b := range s.done {
		p := s.partitionOf(b)
		if p == nil || !isSignature(p.Type) {
			continue
		}
		var doc struct{ RootHash, CertificateFingerprint string }
		text, _, _ := bytes.Cut(bytesAt(b, 0, int(min(b.Size(), maxSignature))), []byte{0})
		if json.Unmarshal(text, &doc) == nil && strings.EqualFold(doc.RootHash, t.Root()) {
			return map[string]string{"signed_by": b.name, "certificate": doc.CertificateFingerprint}
		}
	}
	return nil
}
