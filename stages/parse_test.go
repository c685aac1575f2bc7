package stages

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/report"
)

// FuzzParseMode: no text makes the parser panic, and what it takes never
// sets more than the twelve bits of a mode.
func FuzzParseMode(f *testing.F) {
	for _, seed := range []string{"0755", "u+rwX,go=", "=06755", "+", "u", ",", "a=u", "77777"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		change, err := parseMode(text)
		if err != nil {
			return
		}
		for _, old := range []report.Mode{0, 0o644, 0o7777} {
			if got := change(old, true) | change(old, false); got > 0o7777 {
				t.Errorf("%q makes %o of %o", text, got, old)
			}
		}
	})
}

// FuzzInstall: no unit file makes the reader panic, and a name that it gives
// holds no blank.
func FuzzInstall(f *testing.F) {
	for _, seed := range []string{"[Install]\nWantedBy=a.target b.target\\\n c.target\n", "[Install]\nAlias=\"x.service\"\nAlso=\n#", "[Install]\nWantedBy=\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var in install
		in.read(text)
		for _, name := range slices.Concat(in.wantedBy, in.requiredBy, in.also) {
			if !validUnit(name) {
				continue
			}
			if strings.ContainsAny(name, " \n/") {
				t.Errorf("%q gives %q", text, name)
			}
			if _, err := expand(name, name); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

func TestAccountRanges(t *testing.T) {
	ids := &table{rows: [][]string{{"a", "x", "10"}, {"b", "x", "12"}, {"broken"}, {"c", "x", "-1"}}}
	for _, test := range []struct{ low, high, want uint32 }{{10, 20, 13}, {10, 12, 11}, {1, 5, 1}} {
		if got, err := ids.freeID(test.low, test.high); got != test.want || err != nil {
			t.Errorf("%d to %d: %d, %v, want %d", test.low, test.high, got, err, test.want)
		}
	}
	if _, err := ids.freeID(12, 12); err == nil {
		t.Error("a full range has a free id")
	}
	ranges := &table{rows: [][]string{{"a", "100", "10"}, {"b", "130", "10"}, {"broken", "x", "y"}}}
	for _, test := range []struct{ low, high, count, want uint32 }{{100, 1000, 20, 110}, {100, 1000, 21, 140}, {50, 1000, 50, 50}} {
		if got, err := freeRange(ranges, test.low, test.high, test.count); got != test.want || err != nil {
			t.Errorf("%d ids: %d, %v, want %d", test.count, got, err, test.want)
		}
	}
	if _, err := freeRange(ranges, 100, 145, 21); err == nil {
		t.Error("a full range has a gap")
	}
}

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{"%n|%N|%p|%i|%j|%%": "a-b@c.service|a-b@c|a-b|c|b|%", "%": "%", "x": "x"} {
		if got, err := expand(text, "a-b@c.service"); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
}
