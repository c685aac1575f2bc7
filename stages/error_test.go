package stages_test

import "testing"

func TestError(t *testing.T) {
	testChanges(t, "org.osbuild.error", map[string]change{"zero": {nil, `{"returncode": 0}`, nil, "returns 0"}})
	testRefusals(t, "org.osbuild.error", []refusal{
		{nil, `{}`, "returned 255"},
		{nil, `{"returncode": 7}`, "returned 7"},
		{nil, `{"returncode": "7"}`, "options.returncode: is a string, not an integer"},
	})
}
