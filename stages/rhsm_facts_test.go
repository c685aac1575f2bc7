package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestRHSMFacts(t *testing.T) {
	after := map[string]string{"/etc/rhsm/facts/osbuild.facts": `file 0644 0:0 "{\"a\": \"b\", \"c\": [1, true, null]}"`}
	options := `{"facts": {"a": "b", "c": [1, true, null]}}`
	testChanges(t, "org.osbuild.rhsm.facts", map[string]change{"any": {nil, options, after, ""}})
	testRefusals(t, "org.osbuild.rhsm.facts", []refusal{
		{after, options, "osbuild.facts: file exists"},
		{nil, `{}`, "options.facts: is missing"},
		{nil, `{"facts": []}`, "options.facts: is an array, not an object"},
	})
}
