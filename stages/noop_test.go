package stages_test

import "testing"

func TestNoop(t *testing.T) {
	tree := map[string]string{"/f": `file 0600 1:2 "x"`}
	testChanges(t, "org.osbuild.noop", map[string]change{
		"anything": {tree, `{"a": [1, {"b": null}]}`, tree, `the options {"a": [1, {"b": null}]}`},
	})
	testRefusals(t, "org.osbuild.noop", []refusal{{nil, `3`, "options: is a number, not an object"}})
}
