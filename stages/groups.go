package stages

import (
	_ "embed"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/build/step"
)

//go:embed groups.json
var groupsSchema json.RawMessage

func groups() step.Definition {
	return step.Definition{
		Name:    "org.osbuild.groups",
		Kind:    step.Stage,
		Summary: "Add groups",
		Description: `Adds groups to /etc/group, and to /etc/gshadow where there is one, sorted by their
names. Without a gid a group gets one more than the highest in use between GID_MIN
and GID_MAX of /etc/login.defs. A group that is there, and a gid that is in use, are
errors; with force the group is left alone, and another gid is taken.

Works natively, by the rules of groupadd(8), which upstream runs; group- and gshadow-
(groupadd's backups) are not made.`,
		Schema: groupsSchema,
		Since:  since,
		Run:    with(addGroups),
	}
}

type groupsOptions struct {
	Groups map[string]struct {
		GID *uint32 `json:"gid"`
	} `json:"groups"`
	Force bool `json:"force"`
}

func addGroups(c *step.Context, o groupsOptions) error {
	db, err := readAccounts(c)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Groups)) {
		if db.group.find(name) != nil {
			if o.Force {
				continue
			}
			return step.BadOption(step.At("groups", name), "the tree has a group of this name")
		}
		gid := o.Groups[name].GID
		if gid != nil {
			if other := db.group.findID(*gid); other != nil && o.Force {
				gid = nil
			} else if other != nil {
				return step.BadOption(step.At("groups", name, "gid"), "%d is the gid of the group %s", *gid, other[0])
			}
		}
		if err := db.addGroup(name, gid); err != nil {
			return err
		}
	}
	return db.write(c)
}

// An accounts is all files of accounts of a tree.
type accounts struct {
	definitions
	passwd, group, shadow, gshadow, subUID, subGID *table
}

func readAccounts(c *step.Context) (*accounts, error) {
	d, err := readDefinitions(c.Tree)
	if err != nil {
		return nil, err
	}
	db := &accounts{definitions: d}
	for _, file := range db.files() {
		if *file.table, err = readTable(c.Tree, file.name); err != nil {
			return nil, err
		}
	}
	if !db.group.exists {
		return nil, errors.New("read accounts: there is no " + groupFile + " in the tree; install its base system before this stage")
	}
	return db, nil
}

// An accountFile is one of the tables and the name of its file.
type accountFile struct {
	table **table
	name  string
}

func (db *accounts) files() []accountFile {
	return []accountFile{
		{&db.passwd, passwdFile}, {&db.group, groupFile}, {&db.shadow, shadowFile},
		{&db.gshadow, gshadowFile}, {&db.subUID, subUIDFile}, {&db.subGID, subGIDFile},
	}
}

func (db *accounts) write(c *step.Context) error {
	for _, file := range db.files() {
		if err := (*file.table).write(c.Tree, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// addGroup adds a group; without a gid it gets a free one.
func (db *accounts) addGroup(name string, gid *uint32) error {
	if strings.Trim(name, "0123456789") == "" || name == "." || name == ".." {
		return step.BadOption(step.At("groups", name), "is no name for a group: programs would read it as something else")
	}
	if gid == nil {
		free, err := db.group.freeID(db.number("GID_MIN", 1000), db.number("GID_MAX", 60000))
		if err != nil {
			return err
		}
		gid = &free
	}
	db.group.add(name, "x", strconv.FormatUint(uint64(*gid), 10), "")
	db.gshadow.add(name, "!", "", "")
	return nil
}
