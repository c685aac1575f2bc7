package stages

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-os/assay/report"
)

// A modeChange gives the mode that an inode gets, from the one that it has
// and whether it is a directory.
type modeChange func(old report.Mode, directory bool) report.Mode

const (
	setUID   = 0o4000
	setGID   = 0o2000
	sticky   = 0o1000
	allBits  = 0o7777
	setIDs   = setUID | setGID
	everyone = 0o777
)

// parseMode reads a mode as chmod(1) of GNU coreutils does.
func parseMode(text string) (modeChange, error) {
	if text != "" && strings.Trim(text, "01234567") == "" {
		return octalMode(text)
	}
	var changes []modeChange
	for clause := range strings.SplitSeq(text, ",") {
		list, err := parseClause(clause)
		if err != nil {
			return nil, err
		}
		changes = append(changes, list...)
	}
	return func(mode report.Mode, directory bool) report.Mode {
		for _, change := range changes {
			mode = change(mode, directory)
		}
		return mode
	}, nil
}

// octalMode: fewer than five digits cannot take set-user-ID and set-group-ID
// from a directory.
func octalMode(text string) (modeChange, error) {
	bits, err := strconv.ParseUint(text, 8, 16)
	if err != nil || bits > allBits {
		return nil, errors.New("octal digits go up to 7777")
	}
	return func(old report.Mode, directory bool) report.Mode {
		if directory && len(text) < 5 {
			return report.Mode(bits) | old&setIDs
		}
		return report.Mode(bits)
	}, nil
}

// parseClause reads [ugoa]*([-+=][perms])+.
func parseClause(clause string) ([]modeChange, error) {
	rest := strings.TrimLeft(clause, "ugoa")
	who := clause[:len(clause)-len(rest)]
	if rest == "" {
		return nil, fmt.Errorf("%q has none of + - =", clause)
	}
	var changes []modeChange
	for rest != "" {
		op := rest[0]
		if !strings.ContainsRune("+-=", rune(op)) {
			return nil, fmt.Errorf("%q has none of + - = where one must be", clause)
		}
		end := strings.IndexAny(rest[1:], "+-=")
		if end < 0 {
			end = len(rest) - 1
		}
		change, err := parseAction(who, op, rest[1:1+end])
		if err != nil {
			return nil, err
		}
		changes, rest = append(changes, change), rest[1+end:]
	}
	return changes, nil
}

// An action is one operator of a clause.
type action struct {
	op byte
	// reach are the bits that the clause's [ugoa]* may touch; mask what the
	// umask leaves of them where it has no letters.
	reach, mask report.Mode
	// bits are those named; letters X, u, g and o depend on the old mode.
	bits    report.Mode
	letters string
	octal   bool
}

func parseAction(who string, op byte, perms string) (modeChange, error) {
	a := action{op: op, reach: reach(who), mask: allBits, letters: perms}
	if who == "" {
		a.mask = allBits &^ umask
	}
	if perms != "" && strings.Trim(perms, "01234567") == "" {
		bits, err := strconv.ParseUint(perms, 8, 16)
		if err != nil || bits > allBits || who != "" {
			return nil, errors.New("octal digits after an operator go up to 7777 and take no letters before it")
		}
		a.octal, a.bits, a.letters, a.mask, a.reach = true, report.Mode(bits), "", allBits, allBits
		return a.apply, nil
	}
	if len(perms) > 1 && strings.ContainsAny(perms, "ugo") || strings.Trim(perms, "rwxXstugo") != "" {
		return nil, fmt.Errorf("%q is neither letters of rwxXst nor one of u, g, o", perms)
	}
	a.bits = named(perms)
	return a.apply, nil
}

func reach(who string) report.Mode {
	if who == "" || strings.Contains(who, "a") {
		return allBits
	}
	var bits report.Mode
	for _, w := range who {
		switch w {
		case 'u':
			bits |= setUID | 0o700
		case 'g':
			bits |= setGID | 0o070
		case 'o':
			// "o" reaches the sticky bit as well: gnulib's mode_compile.
			bits |= sticky | 0o007
		}
	}
	return bits
}

func named(perms string) report.Mode {
	var bits report.Mode
	for _, p := range perms {
		switch p {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 's':
			bits |= setIDs
		case 't':
			bits |= sticky
		}
	}
	return bits
}

func (a action) apply(old report.Mode, directory bool) report.Mode {
	bits := a.bits
	for _, letter := range a.letters {
		switch letter {
		case 'X':
			if directory || old&0o111 != 0 {
				bits |= 0o111
			}
		case 'u':
			bits |= old >> 6 & 7 * 0o111
		case 'g':
			bits |= old >> 3 & 7 * 0o111
		case 'o':
			bits |= old & 7 * 0o111
		}
	}
	bits &= a.reach & a.mask
	switch a.op {
	case '+':
		return old | bits
	case '-':
		return old &^ bits
	}
	return a.assign(old, bits, directory)
}

// assign is "=". A directory keeps set-user-ID and set-group-ID unless the
// clause names them.
func (a action) assign(old, bits report.Mode, directory bool) report.Mode {
	keep := allBits &^ a.reach
	if directory && !a.octal && !strings.Contains(a.letters, "s") {
		keep |= setIDs
	}
	return old&keep | bits
}
