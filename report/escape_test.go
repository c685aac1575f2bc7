package report_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/assay-os/assay/report"
)

func TestHidden(t *testing.T) {
	for c, want := range map[rune]bool{
		0: true, '\n': true, 0x1f: true, ' ': false, '~': false, 0x7f: true, 0x80: true, 0x9f: true, 0xa0: false, 0xac: false, 0xad: true, 0xae: false,
		'é': false, 0x61c: true, 0x200b: true, 0x2027: false, 0x202e: true, 0x2069: true, 0x2070: false, 0xfeff: true, 0xfffd: false, 0xe0041: true, 0x1f600: false, 0x10ffff: false,
	} {
		if report.Hidden(c) != want {
			t.Errorf("%U: %v", c, !want)
		}
	}
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !report.Hidden(c) {
			t.Errorf("%U is a control or format character for Go", c)
		}
		if report.Hidden(c) && unicode.IsGraphic(c) {
			t.Errorf("%U is to be seen", c)
		}
	}
}

// all is a text of every character, each between two letters.
func all() string {
	var b strings.Builder
	for c := rune(0); c <= 0x2ffff; c++ {
		if c < 0xd800 || c > 0xdfff {
			b.WriteString("a" + string(c) + "b")
		}
	}
	return b.String() + "\U000e0001\U000e007f"
}

func TestEncoderHidesNothing(t *testing.T) {
	for _, indent := range []string{"", "  "} {
		var b bytes.Buffer
		if err := report.NewEncoder(&b, indent).Encode(map[string]string{all(): all()}); err != nil {
			t.Fatal(err)
		}
		for _, c := range b.String() {
			if report.Hidden(c) && c != '\n' {
				t.Fatalf("%U is there as it is", c)
			}
		}
		var back map[string]string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back[all()] != all() {
			t.Fatalf("the value is another one: %v", err)
		}
	}
}

func TestEscapeJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"b\n"}`:           `{"a":"b\n"}`,
		"\"\u009b\u202e\x7fé\"": `"\u009b\u202e\u007fé"`,
		"\"\U000e0041\"":        `"\udb40\udc41"`,
		"\"\xff\u200d\"":        "\"\xff\\u200d\"",
	} {
		if got := string(report.EscapeJSON([]byte(in))); got != want {
			t.Errorf("%q is %q, not %q", in, got, want)
		}
	}
}

// TestEncodeHidesNothing holds that a report with hostile text in each place is
// escaped, and read back the same.
func TestEncodeHidesNothing(t *testing.T) {
	r := full()
	evil := "\u009b31m\u202e\x7f\u200b\ufeff\U000e0041"
	r.Subject.Format, r.Files[1].Path, r.OSRelease = evil, report.Raw("/"+evil+"\x9b"), map[string]string{evil: evil}
	text := encode(t, r)
	for _, c := range text {
		if report.Hidden(c) && c != '\n' {
			t.Fatalf("%U is there as it is in\n%s", c, text)
		}
	}
	back, err := report.Decode(strings.NewReader(text))
	if err != nil || back.Files[1].Path != r.Files[1].Path || !reflect.DeepEqual(back.OSRelease, r.OSRelease) || encode(t, back) != text {
		t.Errorf("it is read back otherwise: %v", err)
	}
}
