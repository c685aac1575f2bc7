package canonical

// All is the one list of rules. The first that matches applies, so the
// particular stand before the general.
func All() []Rule {
	rules := []Rule{initramfs(), dpkgStatus(), ldCache(), rpmDatabase(), sqliteDatabase(), sqliteLog(), sqliteIndex(), pyc(), ar(), zipRule()}
	for _, c := range compressions() {
		rules = append(rules, c.rule())
	}
	return rules
}
