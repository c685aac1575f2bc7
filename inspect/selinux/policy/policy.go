// Package policy reads what a compiled SELinux policy (policy.33) says of
// itself: its version and mode, its booleans and their defaults, its permissive
// types, and the names that a context may have.
//
// It reads the header and the symbol tables, which stand first, and no rule. The
// format is the one that kernels load: policydb_read in libsepol's policydb.c.
// Versions 24 (Linux 2.6.28) to 35 are read; of others the header only.
package policy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The versions whose symbol tables are read, and those that brought what is read here.
const (
	MinVersion             = 24
	MaxVersion             = 35
	versionObjectDefaults  = 27
	versionDefaultType     = 28
	versionConstraintNames = 29
	versionNeverAudit      = 35
)

const (
	magic         = 0xf97cff8c
	configMLS     = 1
	configReject  = 2
	configAllow   = 4
	maxIdentifier = 32
)

// A Policy is what a compiled policy says of itself. All lists are sorted.
type Policy struct {
	// Version is the format's.
	Version int
	// Target is "SE Linux" or "XenFlask".
	Target string
	MLS    bool
	// HandleUnknown is what the kernel does with permissions that it knows and
	// the policy does not: "allow", "deny", or "reject" (the policy).
	HandleUnknown string
	// Capabilities are the features of the kernel that the policy is written for.
	// One that is not known here is "capability N".
	Capabilities []string
	Booleans     []Boolean
	// Permissive types are the domains for which nothing is enforced.
	Permissive []string
	// Users, Roles and Types are the names that may be in a context; Types has no attributes.
	Users, Roles, Types []string
	// Sensitivities and Categories are those of MLS, with their aliases.
	Sensitivities, Categories []string
}

// A Boolean is a switch of the policy.
type Boolean struct {
	Name string
	// Default is the state in the compiled policy, with which it is loaded.
	Default bool
}

// capabilities are the names by the number of the bit: libsepol's polcaps.c.
func capabilities() []string {
	return []string{
		"network_peer_controls", "open_perms", "extended_socket_class", "always_check_network", "cgroup_seclabel",
		"nnp_nosuid_transition", "genfs_seclabel_symlinks", "ioctl_skip_cloexec", "userspace_initial_context",
		"netlink_xperm", "netif_wildcard", "genfs_seclabel_wildcard", "functionfs_seclabel", "memfd_class",
	}
}

// Read reads a policy up to the end of its symbol tables. With an error it gives
// what was read before, and nil when that is not even the header.
func Read(r io.Reader) (*Policy, error) {
	d := &reader{r: bufio.NewReaderSize(r, 64<<10)}
	p := d.header()
	if d.err != nil {
		return nil, fmt.Errorf("read header of the policy: %w", d.err)
	}
	if p.Version < MinVersion || p.Version > MaxVersion {
		return p, fmt.Errorf("policy of version %d: only the tables of versions %d to %d are read", p.Version, MinVersion, MaxVersion)
	}
	if d.tables(p); d.err != nil {
		return p, fmt.Errorf("read tables of the policy at byte %d: %w", d.at, d.err)
	}
	return p, nil
}

// header reads up to the number of tables.
func (d *reader) header() *Policy {
	if m := d.word(); d.err == nil && m != magic {
		d.fail(fmt.Errorf("magic number is %#x, not %#x", m, uint32(magic)))
	}
	p := &Policy{Target: d.text(d.word(), maxIdentifier), Version: int(d.word()), HandleUnknown: "deny"}
	if p.Target != "SE Linux" && p.Target != "XenFlask" {
		d.fail(fmt.Errorf("it is for %.40q, not for SE Linux", p.Target))
	}
	config := d.word()
	p.MLS = config&configMLS != 0
	if config&configAllow != 0 {
		p.HandleUnknown = "allow"
	} else if config&configReject != 0 {
		p.HandleUnknown = "reject"
	}
	if n := d.word(); d.err == nil && p.Version >= MinVersion && n != symbolTables {
		d.fail(fmt.Errorf("%d symbol tables, not %d", n, symbolTables))
	}
	d.word()
	return p
}

// symbolTables: commons, classes, roles, types, users, booleans, sensitivities, categories.
const symbolTables = 8

func (d *reader) tables(p *Policy) {
	for _, bit := range d.bitmap() {
		name := fmt.Sprintf("capability %d", bit)
		if names := capabilities(); int(bit) < len(names) {
			name = names[bit]
		}
		p.Capabilities = append(p.Capabilities, name)
	}
	permissive := d.bitmap()
	if p.Version >= versionNeverAudit {
		d.bitmap()
	}
	d.table(d.common)
	d.table(func() { d.class(p.Version) })
	d.table(func() { d.role(p) })
	byValue := map[uint32]string{}
	d.table(func() { d.typ(p, byValue) })
	d.table(func() { d.user(p) })
	d.table(func() { d.boolean(p) })
	d.table(func() { p.Sensitivities = append(p.Sensitivities, d.sensitivity()) })
	d.table(func() { p.Categories = append(p.Categories, d.category()) })
	for _, value := range permissive {
		if name, ok := byValue[value]; ok {
			p.Permissive = append(p.Permissive, name)
		} else if d.err == nil {
			d.fail(fmt.Errorf("permissive type %d has no name", value))
		}
	}
	for _, list := range [][]string{p.Capabilities, p.Permissive, p.Users, p.Roles, p.Types, p.Sensitivities, p.Categories} {
		slices.Sort(list)
	}
	slices.SortFunc(p.Booleans, compareBooleans)
}

func (d *reader) common() {
	length := d.word()
	d.word()
	d.word()
	n := d.word()
	d.name(length)
	d.each(n, d.permission)
}

func (d *reader) permission() {
	length := d.word()
	d.word()
	d.name(length)
}

func (d *reader) class(version int) {
	length, common := d.word(), d.word()
	d.word()
	d.word()
	permissions, constraints := d.word(), d.word()
	d.name(length)
	if common > 0 {
		d.name(common)
	}
	d.each(permissions, d.permission)
	d.each(constraints, func() { d.constraint(version) })
	d.each(d.word(), func() { d.constraint(version) })
	if version >= versionObjectDefaults {
		d.words(3)
	}
	if version >= versionDefaultType {
		d.word()
	}
}

// expressionNames is the kind of an expression that has names: CEXPR_NAMES.
const expressionNames = 5

func (d *reader) constraint(version int) {
	d.word()
	d.each(d.word(), func() {
		kind := d.word()
		d.words(2)
		if kind == 0 || kind > expressionNames {
			d.fail(fmt.Errorf("expression of kind %d in a constraint", kind))
		}
		if kind != expressionNames {
			return
		}
		d.bitmap()
		if version >= versionConstraintNames {
			d.bitmap()
			d.bitmap()
			d.word()
		}
	})
}

func (d *reader) role(p *Policy) {
	length := d.word()
	d.words(2)
	p.Roles = append(p.Roles, d.name(length))
	d.bitmap()
	d.bitmap()
}

// Properties of a type.
const (
	propertyPrimary   = 1
	propertyAttribute = 2
)

func (d *reader) typ(p *Policy, byValue map[uint32]string) {
	length, value, properties := d.word(), d.word(), d.word()
	d.word()
	name := d.name(length)
	if properties&propertyAttribute != 0 {
		return
	}
	p.Types = append(p.Types, name)
	if properties&propertyPrimary != 0 {
		byValue[value] = name
	}
}

func (d *reader) user(p *Policy) {
	length := d.word()
	d.words(2)
	p.Users = append(p.Users, d.name(length))
	d.bitmap()
	levels := d.word()
	if levels == 0 || levels > 2 {
		d.fail(fmt.Errorf("range of %d levels", levels))
		return
	}
	d.words(int(levels))
	for range levels {
		d.bitmap()
	}
	d.word()
	d.bitmap()
}

func (d *reader) boolean(p *Policy) {
	d.word()
	state := d.word()
	name := d.name(d.word())
	if state > 1 {
		d.fail(fmt.Errorf("boolean %.60q is %d", name, state))
	}
	p.Booleans = append(p.Booleans, Boolean{name, state == 1})
}

func (d *reader) sensitivity() string {
	length := d.word()
	d.word()
	name := d.name(length)
	d.word()
	d.bitmap()
	return name
}

func (d *reader) category() string {
	length := d.word()
	d.words(2)
	return d.name(length)
}

// errTruncated says that the policy ends too early.
var errTruncated = errors.New("the policy ends before its tables do")
