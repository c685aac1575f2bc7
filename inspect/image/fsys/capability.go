package fsys

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// The bits of security.capability: linux/capability.h.
const (
	capRevisionMask  = 0xff000000
	capRevision1     = 0x01000000
	capRevision2     = 0x02000000
	capRevision3     = 0x03000000
	capFlagEffective = 0x000001
	capMaxBits       = 64
)

// capNames are the capabilities by number: linux/capability.h of Linux 6.x,
// in the spelling of cap_to_name(3).
var capNames = [...]string{
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid",
	"cap_kill", "cap_setgid", "cap_setuid", "cap_setpcap", "cap_linux_immutable",
	"cap_net_bind_service", "cap_net_broadcast", "cap_net_admin", "cap_net_raw", "cap_ipc_lock",
	"cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace",
	"cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource",
	"cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write",
	"cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog",
	"cap_wake_alarm", "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf",
	"cap_checkpoint_restore",
}

// The three sets that a capability may be in, as the bits of a combination.
const (
	capEffective = 1 << iota
	capPermitted
	capInheritable
)

// CapabilityText gives the value of security.capability (v1, v2 or v3) in
// the form of cap_to_text(3), followed by the user namespace's root as
// getcap(8) -n writes it: "cap_net_raw=ep [rootid=100000]". The names are
// those of Linux 6.x whatever the running kernel knows; a bit without a name
// is its number.
func CapabilityText(value []byte) (string, error) {
	state, root, err := decodeCapability(value)
	if err != nil {
		return "", err
	}
	text := capText(state)
	if root != 0 {
		text += fmt.Sprintf(" [rootid=%d]", root)
	}
	return text, nil
}

// decodeCapability returns for each capability the sets that it is in.
func decodeCapability(value []byte) (state [capMaxBits]int, root uint32, err error) {
	if len(value) < 4 {
		return state, 0, fmt.Errorf("decode security.capability: %d bytes are too short", len(value))
	}
	magic := binary.LittleEndian.Uint32(value)
	words, size := 2, 20
	switch magic & capRevisionMask {
	case capRevision1:
		words, size = 1, 12
	case capRevision2:
	case capRevision3:
		size = 24
	default:
		return state, 0, fmt.Errorf("decode security.capability: revision %#x is not known", magic&capRevisionMask)
	}
	if len(value) != size {
		return state, 0, fmt.Errorf("decode security.capability: %d bytes, its revision has %d", len(value), size)
	}
	if size == 24 {
		root = binary.LittleEndian.Uint32(value[20:])
	}
	for bit := range words * 32 {
		at := 4 + 8*(bit/32)
		permitted := binary.LittleEndian.Uint32(value[at:])>>(bit%32)&1 != 0
		inheritable := binary.LittleEndian.Uint32(value[at+4:])>>(bit%32)&1 != 0
		state[bit] = capSets(permitted, inheritable, magic&capFlagEffective != 0)
	}
	return state, root, nil
}

// capSets is the combination of one capability. A file has one effective bit
// for all: it counts where the capability is in another set.
func capSets(permitted, inheritable, effective bool) int {
	var sets int
	if permitted {
		sets |= capPermitted
	}
	if inheritable {
		sets |= capInheritable
	}
	if effective && sets != 0 {
		sets |= capEffective
	}
	return sets
}

// capText writes the sets as libcap does: the combination that most named
// capabilities share comes first, the others as changes to it.
func capText(state [capMaxBits]int) string {
	var count [8]int
	for bit := range capNames {
		count[state[bit]]++
	}
	most := 7
	for sets := 6; sets >= 0; sets-- {
		if count[sets] >= count[most] {
			most = sets
		}
	}
	var parts []string
	if most != 0 {
		parts = append(parts, "="+capLetters(most))
	}
	for sets := 7; sets >= 0; sets-- {
		if sets == most {
			continue
		}
		if names := capsWith(state, sets, most); len(names) > 0 {
			parts = append(parts, strings.Join(names, ",")+capChange(most, sets, len(parts) == 0))
		}
	}
	if len(parts) == 0 {
		return "="
	}
	return strings.Join(parts, " ")
}

// capsWith names the capabilities of one combination. Bits without a name
// start from nothing, so that an empty one is not worth a word.
func capsWith(state [capMaxBits]int, sets, most int) []string {
	var names []string
	for bit, s := range state {
		switch {
		case s != sets:
		case bit < len(capNames):
			names = append(names, capNames[bit])
		case sets != 0:
			names = append(names, strconv.Itoa(bit))
		}
	}
	return names
}

// capChange writes what one combination has and lacks beside another. The
// first change to nothing is a "=", as libcap has it.
func capChange(from, to int, first bool) string {
	var change string
	if added := to &^ from; added != 0 {
		op := "+"
		if first {
			op = "="
		}
		change = op + capLetters(added)
	}
	if gone := from &^ to; gone != 0 {
		change += "-" + capLetters(gone)
	}
	return change
}

func capLetters(sets int) string {
	var s string
	if sets&capEffective != 0 {
		s += "e"
	}
	if sets&capInheritable != 0 {
		s += "i"
	}
	if sets&capPermitted != 0 {
		s += "p"
	}
	return s
}
