package boot

import (
	"errors"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/report"
)

// A grubParser follows the blocks of a grub.cfg: menu entries, submenus and
// whatever else has braces. It is a reader of what grub-mkconfig and people
// write, not GRUB's shell: nothing is evaluated.
type grubParser struct {
	env     map[string]string
	entries []grubEntry
	blocks  []grubBlock
	count   int // of the entries and submenus at the top
	choice  string
}

type grubEntry struct {
	report.BootEntry
	// index is GRUB's number of the entry, "1>0" inside of a submenu; id what --id gave it.
	index, id string
}

// A grubBlock is one pair of braces that is open.
type grubBlock struct {
	kind  string // "menuentry", "submenu", or another word
	index string
	count int
}

const maxBlocks = 100

// parseGrub lists the menu entries of a grub.cfg in their order. The default
// is what the last plain "set default" says, or what grubenv saved.
func parseGrub(data []byte, env map[string]string) ([]report.BootEntry, error) {
	p := &grubParser{env: env}
	err := section.EachTableLine(data, func(_ int, line string) error { return p.line(line) })
	if err == nil && len(p.blocks) > 0 {
		err = errors.New("a block is not closed at the end")
	}
	var list []report.BootEntry
	for _, e := range p.entries {
		e.Default = p.isDefault(e)
		list = append(list, e.BootEntry)
	}
	return list, err
}

func (p *grubParser) line(line string) error {
	words, err := grubWords(line)
	if err != nil || len(words) == 0 {
		return err
	}
	switch words[0] {
	case "menuentry", "submenu":
		p.open(words)
	case "linux", "linux16", "linuxefi", "initrd", "initrd16", "initrdefi":
		p.load(words)
	case "set":
		p.set(words)
	}
	for _, w := range words {
		switch {
		case w == "{" && words[0] != "menuentry" && words[0] != "submenu":
			p.blocks = append(p.blocks, grubBlock{kind: words[0]})
		case w == "}" && len(p.blocks) > 0:
			p.blocks = p.blocks[:len(p.blocks)-1]
		}
	}
	if len(p.blocks) > maxBlocks {
		return errors.New("too many blocks inside of each other")
	}
	return nil
}

// open begins a menu entry or a submenu.
func (p *grubParser) open(words []string) {
	b := grubBlock{kind: words[0], index: p.next()}
	if words[0] == "menuentry" && len(words) > 1 {
		e := grubEntry{BootEntry: report.BootEntry{Title: words[1]}, index: b.index}
		for i, w := range words[:len(words)-1] {
			if w == "--id" || w == "$menuentry_id_option" {
				e.id = words[i+1]
			}
		}
		p.entries = append(p.entries, e)
	}
	p.blocks = append(p.blocks, b)
}

// next is the number of the entry that begins, within the submenu around it.
func (p *grubParser) next() string {
	for i := len(p.blocks) - 1; i >= 0; i-- {
		if b := &p.blocks[i]; b.kind == "submenu" {
			b.count++
			return b.index + ">" + strconv.Itoa(b.count-1)
		}
	}
	p.count++
	return strconv.Itoa(p.count - 1)
}

// load records the kernel or the initrd of the entry that is open.
func (p *grubParser) load(words []string) {
	inside := false
	for _, b := range p.blocks {
		inside = inside || b.kind == "menuentry"
	}
	if !inside || len(words) < 2 {
		return
	}
	e := &p.entries[len(p.entries)-1]
	if strings.HasPrefix(words[0], "initrd") {
		e.Initrd = strings.Join(words[1:], " ")
		return
	}
	e.Linux, e.Options = words[1], strings.Join(words[2:], " ")
}

// set follows the variable that chooses the entry. What grub-mkconfig writes
// for the next boot only (next_entry) is no choice of the image.
func (p *grubParser) set(words []string) {
	if len(words) < 2 {
		return
	}
	value, ok := strings.CutPrefix(words[1], "default=")
	switch {
	case !ok || strings.Contains(value, "next_entry"):
	case value == "${saved_entry}" || value == "$saved_entry":
		p.choice = p.env["saved_entry"]
	case !strings.Contains(value, "$"):
		p.choice = value
	}
}

// isDefault tells whether the choice means e: by its number, its title or its
// id; the last part of a path through submenus is enough for title and id.
func (p *grubParser) isDefault(e grubEntry) bool {
	choice := p.choice
	if choice == "" {
		choice = "0"
	}
	if e.index == choice {
		return true
	}
	last := choice[strings.LastIndexByte(choice, '>')+1:]
	return last != "" && (last == e.Title || last == e.id)
}

// grubWords splits a line as GRUB's shell does: quotes taken off, braces and
// semicolons as words of their own only where they stand alone.
func grubWords(line string) ([]string, error) {
	var words []string
	var b strings.Builder
	quote, open := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == ';'):
			if open {
				words, open = append(words, b.String()), false
				b.Reset()
			}
		case quote == 0 && c == '#' && !open:
			return words, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote, open = c, true
		case c == quote && quote != 0:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
			open = true
		default:
			b.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, b.String())
	}
	return words, nil
}
