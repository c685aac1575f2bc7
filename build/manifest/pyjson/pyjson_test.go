package pyjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// documents are what Python and this package are held to: the document, and
// its canonical form as Python 3.11 prints it; "" where Python refuses it.
var documents = map[string]string{
	// Layout and order.
	` { } `:                      `{}`,
	"\t[\r\n]\n":                 `[]`,
	`[1,2 , 3]`:                  `[1, 2, 3]`,
	`{"b":1,"a":2}`:              `{"a": 2, "b": 1}`,
	`{"B":1,"a":2,"_":3}`:        `{"B": 1, "_": 3, "a": 2}`,
	`{"a":1,"b":2,"a":3}`:        `{"a": 3, "b": 2}`,
	`{"\uffff":1,"😀":2,"é":3}`:   `{"\u00e9": 3, "\uffff": 1, "\ud83d\ude00": 2}`,
	`{"\ud800":1,"\ue000":2}`:    `{"\ud800": 1, "\ue000": 2}`,
	`[[[[{"a":[null,true]}]]]]`:  `[[[[{"a": [null, true]}]]]]`,
	`"a"`:                        `"a"`,
	`null`:                       `null`,
	`{"":{"":[]}}`:               `{"": {"": []}}`,
	`{"aa":1,"a":2,"a\u0000":3}`: `{"a": 2, "a\u0000": 3, "aa": 1}`,
	// Numbers.
	`0`: `0`, `-0`: `0`, `-1`: `-1`, `12345678901234567890123`: `12345678901234567890123`,
	`0.0`: `0.0`, `-0.0`: `-0.0`, `1.0`: `1.0`, `1.50`: `1.5`, `1e2`: `100.0`, `1E+2`: `100.0`, `0e5`: `0.0`,
	`1e15`: `1000000000000000.0`, `1e16`: `1e+16`, `123456789012345678.0`: `1.2345678901234568e+17`,
	`1e-4`: `0.0001`, `0.00001`: `1e-05`, `1.5e-7`: `1.5e-07`, `1e100`: `1e+100`, `1e400`: `Infinity`, `-1e400`: `-Infinity`,
	`0.1`: `0.1`, `5e-324`: `5e-324`, `1e-400`: `0.0`, `1.7976931348623157e308`: `1.7976931348623157e+308`,
	`NaN`: `NaN`, `Infinity`: `Infinity`, `-Infinity`: `-Infinity`,
	`9007199254740993.0`: `9007199254740992.0`, `2.675`: `2.675`, `4.35`: `4.35`,
	`-`: ``, `01`: ``, `1.`: ``, `.5`: ``, `1e`: ``, `1e+`: ``, `+1`: ``, `-NaN`: ``, `0x1`: ``, `1_0`: ``, `--1`: ``,
	// Strings.
	`"\"\\\/\b\f\n\r\t"`:   `"\"\\/\b\f\n\r\t"`,
	`"\u0041\u00E9"`:       `"A\u00e9"`,
	"\"\x7f\u0080\"":       `"\u007f\u0080"`,
	`"\u001f"`:             `"\u001f"`,
	`"\ud83d\ude00"`:       `"\ud83d\ude00"`,
	`"\ud83d"`:             `"\ud83d"`,
	`"\ude00\ud83d"`:       `"\ude00\ud83d"`,
	`"\ud83d\ud83d\ude00"`: `"\ud83d\ud83d\ude00"`,
	`"\ud83dx"`:            `"\ud83dx"`,
	`"</script>&"`:         `"</script>&"`,
	"\"\u2028\"":           `"\u2028"`,
	`"\x"`:                 ``, `"\u12"`: ``, `"\u12g4"`: ``, `"\u+123"`: ``, `"`: ``, `"a`: ``, `"\`: ``, "\"\n\"": ``, "\"\x00\"": ``, "\"\xff\"": ``,
	"\"\xed\xa0\x80\"": ``, "\"\xc0\xaf\"": ``,
	// What is no document.
	``: ``, ` `: ``, `{`: ``, `[`: ``, `]`: ``, `{"a"}`: ``, `{"a":}`: ``, `{a:1}`: ``, `{"a":1,}`: ``, `[1,]`: ``, `[,1]`: ``, `[1 2]`: ``, `{,}`: ``,
	`1 2`: ``, `{}x`: ``, `nul`: ``, `True`: ``, `'a'`: ``, "\xef\xbb\xbf{}": ``, "{}\x00": ``, "\v1": ``, "\u00a01": ``, `// c`: ``,
}

func TestCanonicalForm(t *testing.T) {
	for doc, want := range documents {
		v, err := Parse([]byte(doc))
		switch {
		case want == "" && err == nil:
			t.Errorf("%q: read as %s", doc, v)
		case want != "" && err != nil:
			t.Errorf("%q: %v", doc, err)
		case want != "" && v.String() != want:
			t.Errorf("%q: %s, want %s", doc, v, want)
		}
	}
}

// asPython prints, for each base64 line, the canonical form or an empty line.
const asPython = `
import base64, json, sys
for line in sys.stdin:
    try:
        print(json.dumps(json.loads(base64.b64decode(line).decode("utf-8")), sort_keys=True))
    except (ValueError, UnicodeError, RecursionError):
        print()
`

// TestAsPython holds the table, and cuts and changes of it, to Python itself.
func TestAsPython(t *testing.T) {
	fixtures.RequireTool(t, "python3")
	var docs []string
	for doc := range documents {
		docs = append(docs, doc, "["+doc+"]", `{"k":`+doc+"}", doc+doc)
		for i := range len(doc) {
			docs = append(docs, doc[:i], doc[i:], doc[:i]+"0"+doc[i:], doc[:i]+`\u`+doc[i:])
		}
	}
	var in strings.Builder
	for _, doc := range docs {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(doc)) + "\n")
	}
	cmd := exec.Command("python3", "-c", asPython)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(docs) {
		t.Fatalf("%d answers to %d documents", len(lines), len(docs))
	}
	for i, doc := range docs {
		got := ""
		if v, err := Parse([]byte(doc)); err == nil {
			got = v.String()
		}
		if got != lines[i] {
			t.Errorf("%q: %q, Python has %q", doc, got, lines[i])
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	tests := map[string]string{
		"":                              "1:1: expected a value, found the end of the document",
		"{\n  \"a\": 1\n  \"b\": 2\n}":  `3:3: expected ',' or '}', found '"'`,
		"[1, 2":                         "1:6: expected ',' or ']', found the end of the document",
		"{\"é\": x}":                    "1:7: expected a value, found 'x'",
		"{1: 2}":                        "1:2: expected a key in double quotes, found '1'",
		"{\"a\" 1}":                     "1:6: expected ':' after the key, found '1'",
		"[\n\n\"abc":                    "3:1: a string that does not end",
		"[\"a\tb\"]":                    "1:4: a control character (0x09) in a string; escape it",
		"[\"\xff\"]":                    "1:3: the byte 0xff is not UTF-8",
		"[\xff]":                        "1:2: expected a value, found the byte 0xff",
		`["\q"]`:                        "1:3: an escape that JSON does not have",
		"[01]":                          "1:2: a number with a leading zero",
		"[-]":                           "1:3: expected a digit, found ']'",
		"{} {}":                         "1:4: data after the end of the document",
		"\xef\xbb\xbf{}":                "1:1: the document starts with a byte order mark; remove it",
		strings.Repeat("[", MaxDepth+1): "1:501: more than 500 levels of nesting",
		strings.Repeat("[", 2) + strings.Repeat("0,", MaxValues): "1:2097151: more than 1048576 values",
		strings.Repeat("1", 4301):                                "1:1: an integer of more than 4300 digits",
	}
	for doc, want := range tests {
		_, err := Parse([]byte(doc))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("%.20q: %v, want %s", doc, err, want)
		}
	}
}

func TestManyKeys(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteString("{")
	for round := range 2 {
		for i := range 100 {
			if doc.Len() > 1 {
				doc.WriteString(",")
			}
			key, _ := json.Marshal(strings.Repeat("k", i))
			doc.Write(key)
			doc.WriteString(":" + string(rune('0'+round)))
		}
	}
	doc.WriteString("}")
	v, err := Parse(doc.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Members()) != 100 {
		t.Fatalf("%d members", len(v.Members()))
	}
	for i, m := range v.Members() {
		if len(m.Key) != i || m.Value.Text() != "1" {
			t.Errorf("member %d is %q: %s", i, m.Key, m.Value)
		}
	}
}

func TestTruth(t *testing.T) {
	for doc, want := range map[string]bool{
		`null`: false, `false`: false, `0`: false, `-0`: false, `0.0`: false, `-0.0`: false, `""`: false, `[]`: false, `{}`: false,
		`true`: true, `1`: true, `-1`: true, `0.1`: true, `NaN`: true, `"0"`: true, `[0]`: true, `{"":0}`: true,
	} {
		v, err := Parse([]byte(doc))
		if err != nil || v.True() != want {
			t.Errorf("%s is %t, %v", doc, v.True(), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for doc := range documents {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data)
		if err != nil {
			return
		}
		canonical := v.Append(nil)
		again, err := Parse(canonical)
		if err != nil {
			t.Fatalf("%q: the canonical form %q is refused: %v", data, canonical, err)
		}
		if !bytes.Equal(again.Append(nil), canonical) {
			t.Fatalf("%q: %q becomes %q", data, canonical, again)
		}
		if v.Finite() != json.Valid(canonical) {
			t.Fatalf("%q: finite %t, but valid %t", data, v.Finite(), !v.Finite())
		}
	})
}
