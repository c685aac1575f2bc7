package xfs

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// The flags and owners of an operation: struct xlog_op_header.
const (
	opStart    = 0x1
	opCommit   = 0x2
	opContinue = 0x4
	opWasCont  = 0x8
	opEnd      = 0x10

	clientTransaction = 0x69
	clientLog         = 0xaa

	transactionMagic  = 0x5452414e // TRAN
	transactionHeader = 16
	maxRegions        = 65536/128/2 + 1 // XLOG_MAX_REGIONS_IN_ITEM
)

// An item is one logged change. Its first region says of what kind it is; they
// are all in the byte order of the machine that wrote them.
type item struct {
	total   int // regions that it will have
	regions [][]byte
	grown   bool // the last region is a copy with room
}

func (i *item) kind() uint16 { return le.Uint16(i.regions[0]) }

// A transaction is a list of changes that are made all or not at all.
type transaction struct {
	lsn    uint64 // of the record in which it starts
	header []byte
	items  []*item
}

// A parser puts transactions together from the records of the log.
type parser struct {
	open   map[uint32]*transaction
	commit func(*transaction) error
}

// transactions calls commit for each transaction that was committed, from the
// tail of the log to its last record.
func (j *journal) transactions(ctx context.Context, last *record, commit func(*transaction) error) error {
	p := parser{open: map[uint32]*transaction{}, commit: commit}
	at, lsn := int64(uint32(last.tail)), last.tail
	if at >= j.size {
		return fmt.Errorf("its tail is at block %d of %d", at, j.size)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := j.record(at)
		if err != nil {
			return err
		}
		if r.lsn < lsn || int64(uint32(r.lsn)) != at || r.lsn > last.lsn {
			return fmt.Errorf("block %d: the record of cycle %d is out of order", at, r.lsn>>32)
		}
		data, err := j.data(r)
		if err == nil {
			err = p.record(r, data)
		}
		if err != nil {
			return fmt.Errorf("record at block %d: %w", at, err)
		}
		if r.lsn == last.lsn {
			return nil
		}
		at, lsn = r.end(j), r.lsn+1
	}
}

// data reads a record, and puts the words back that the cycle displaced in each block.
func (j *journal) data(r *record) ([]byte, error) {
	b, err := j.read((r.at+r.headers)%j.size, r.blocks)
	if err != nil {
		return nil, err
	}
	if !r.sound(b) {
		return nil, errors.New("the checksum does not match")
	}
	for i := range int(r.blocks) {
		words := r.raw[44:]
		if header := i / headerCycles; header > 0 {
			if int64(header) >= r.headers {
				return nil, errors.New("its header is too short")
			}
			words = r.raw[header*logBlock+4:]
		}
		copy(b[i*logBlock:], words[i%headerCycles*4:][:4])
	}
	return b[:r.length], nil
}

// record takes the operations of one record.
func (p *parser) record(r *record, b []byte) error {
	for range r.ops {
		if len(b) < opHeader {
			return errors.New("an operation is cut off")
		}
		id, size := be.Uint32(b), uint64(be.Uint32(b[4:]))
		client, flags := b[8], b[9]
		if size > uint64(len(b)-opHeader) || client != clientTransaction && client != clientLog {
			return fmt.Errorf("an operation of %d bytes by client %#x", size, client)
		}
		if err := p.operation(r, id, flags, b[opHeader:opHeader+size]); err != nil {
			return err
		}
		b = b[opHeader+size:]
	}
	return nil
}

// operation takes one operation: xlog_recovery_process_trans. What continues a
// transaction that began before the tail is not needed.
func (p *parser) operation(r *record, id uint32, flags byte, b []byte) error {
	t := p.open[id]
	if t == nil {
		if flags&opStart != 0 {
			p.open[id] = &transaction{lsn: r.lsn}
		}
		return nil
	}
	flags &^= opEnd
	if flags&opWasCont != 0 {
		flags &^= opContinue
	}
	switch flags {
	case 0, opContinue:
		return t.add(b)
	case opWasCont:
		return t.extend(b)
	case opCommit:
		delete(p.open, id)
		return p.commit(t)
	case opUnmount:
		delete(p.open, id)
		return nil
	}
	return fmt.Errorf("an operation with flags %#x", flags)
}

// add takes the next region: xlog_recover_add_to_trans.
func (t *transaction) add(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if len(t.header) < transactionHeader {
		if len(t.header) > 0 || len(b) > transactionHeader || len(b) < 4 || le.Uint32(b) != transactionMagic {
			return errors.New("a transaction without a header")
		}
		t.header = b
		return nil
	}
	if n := len(t.items); n == 0 || len(t.items[n-1].regions) == t.items[n-1].total {
		if len(b) < 4 {
			return fmt.Errorf("an item of %d bytes", len(b))
		}
		total := int(le.Uint16(b[2:]))
		if total == 0 || total > maxRegions {
			return fmt.Errorf("an item of %d regions", total)
		}
		t.items = append(t.items, &item{total: total})
	}
	last := t.items[len(t.items)-1]
	last.regions, last.grown = append(last.regions, b), false
	return nil
}

// extend takes the rest of a region that did not fit into its record.
func (t *transaction) extend(b []byte) error {
	if len(t.header) < transactionHeader {
		t.header = append(slices.Clip(t.header), b...)
		if len(t.header) > transactionHeader {
			return errors.New("a transaction's header is too long")
		}
		return nil
	}
	if len(t.items) == 0 {
		return errors.New("a region continues that did not start")
	}
	last := t.items[len(t.items)-1]
	region := &last.regions[len(last.regions)-1]
	if !last.grown { // it lies within a record, which it must not write over
		*region, last.grown = slices.Clip(*region), true
	}
	*region = append(*region, b...)
	return nil
}
