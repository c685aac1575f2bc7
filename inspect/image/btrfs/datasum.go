package btrfs

import (
	"errors"
	"fmt"
)

// readAny fills p from the first copy that can be read.
func (s *space) readAny(p []byte, logical uint64) error {
	var first error
	for number := range max(s.copiesAt(logical), 1) {
		err := s.read(p, logical, number)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// readVerified reads whole sectors and verifies their checksums, as the
// kernel does, which gives EIO for what does not match in any copy.
func (v *volume) readVerified(p []byte, logical uint64) error {
	if err := v.nodes.readAny(p, logical); err != nil {
		return err
	}
	sector, size := v.sb.sectorSize, v.sb.sum.size
	for len(p) > 0 {
		sums, err := v.sumsFrom(logical)
		if err != nil {
			return err
		}
		count := min(len(sums)/size, len(p)/sector)
		for i := range count {
			if v.sb.sum.matches(p[i*sector:][:sector], sums[i*size:]) {
				continue
			}
			if err := v.otherCopy(p[i*sector:][:sector], logical+uint64(i*sector), sums[i*size:]); err != nil {
				return err
			}
		}
		p, logical = p[count*sector:], logical+uint64(count*sector)
	}
	return nil
}

// otherCopy looks for a copy of one sector that has the right checksum.
func (v *volume) otherCopy(p []byte, logical uint64, sum []byte) error {
	for number := range v.nodes.copiesAt(logical) {
		if v.nodes.read(p, logical, number) == nil && v.sb.sum.matches(p, sum) {
			return nil
		}
	}
	return fmt.Errorf("data at %d: the checksum does not match", logical)
}

// sumsFrom returns the checksums of the sector at an address and of those that follow it in one
// item; at least one.
func (v *volume) sumsFrom(logical uint64) ([]byte, error) {
	logged, until := v.loggedSums(logical)
	if logged != nil {
		return logged, nil
	}
	k, data, err := v.sums.floor(key{sumObject, kindExtentSum, logical})
	if err != nil && !errors.Is(err, errNotFound) {
		return nil, fmt.Errorf("find checksum of data at %d: %w", logical, err)
	}
	sector, size := uint64(v.sb.sectorSize), v.sb.sum.size
	if err == nil && k.object == sumObject && k.kind == kindExtentSum && (logical-k.offset)%sector == 0 {
		if i := (logical - k.offset) / sector; i < uint64(len(data)/size) {
			most := (until - logical + sector - 1) / sector
			return data[int(i)*size:][:min(uint64(len(data)/size)-i, most)*uint64(size)], nil
		}
	}
	return nil, fmt.Errorf("data at %d: it has no checksum", logical)
}
