package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
)

func encodeLines(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.EncodeLines(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every line is one object, and tells what it is about.
func TestLines(t *testing.T) {
	text := encodeLines(t, full())
	counts := map[string]int{}
	for line := range strings.Lines(text) {
		var v struct{ Section string }
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Section == "" {
			t.Errorf("%v: %s", err, line)
		}
		counts[v.Section]++
	}
	for section, want := range map[string]int{"report": 1, "files": 2, "packages": 1, "disk": 1, "os_release": 1, "services": 1} {
		if counts[section] != want {
			t.Errorf("%d lines of section %s, want %d", counts[section], section, want)
		}
	}
	for _, want := range []string{
		`{"section":"report","schema_version":1,"subject":{"kind":"disk","format":"raw"},"sections":{`,
		"\n" + `{"section":"users","name":"a","uid":1,`, "\n" + `{"section":"os_release","value":{"ID":"x"}}` + "\n",
		`"path":"/a\\xff\\\\<"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

// fill sets v to anything: a list or map is nil, empty or of a few elements.
func fill(v reflect.Value, rng *rand.Rand) {
	texts := []string{"", "a", "section", "\n{\"section\":\"files\"}", "\u202e<b>\\", "é", `"`, "\x00"}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(rng.Int64N(1<<33)-1<<32, rng.Int64N(1e9)).UTC()))
		return
	case report.Raw:
		texts = append(texts, "\xff\xfe", `\x41`)
	case report.Mode:
		v.SetUint(rng.Uint64N(0o10000))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[rng.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(rng.Int64N(1<<53) - 1<<52)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rng.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Pointer:
		if rng.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), rng)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), rng)
		}
	case reflect.Slice:
		if n := rng.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
			for i := range n - 1 {
				fill(v.Index(i), rng)
			}
		}
	case reflect.Map:
		if n := rng.IntN(4); n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for i := range n - 1 {
				x := reflect.New(v.Type().Elem()).Elem()
				fill(x, rng)
				v.SetMapIndex(reflect.ValueOf(texts[i*2]).Convert(v.Type().Key()), x)
			}
		}
	}
}

// Whatever a report holds, both forms read back to the same bytes; so do the
// lines when another program has written their members in another order.
func TestLinesThereAndBack(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := &report.Report{}
		fill(reflect.ValueOf(r).Elem(), rng)
		r.SchemaVersion = report.SchemaVersion
		if r.Files == nil {
			r.Files = []report.Entry{}
		}
		for i := range r.Files {
			r.Files[i].Path = report.Raw(fmt.Sprintf("/%d%s", i, r.Files[i].Path))
		}
		lines := encodeLines(t, r)
		for _, text := range []string{lines, reordered(t, lines), encode(t, r)} {
			back, err := report.Decode(strings.NewReader(text))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, text)
			}
			if got := encodeLines(t, back); got != lines {
				t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, got, lines)
			}
			if got, want := encode(t, back), encode(t, r); got != want {
				t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, got, want)
			}
		}
	}
}

// reordered has the members of each line but the first in the order of their
// names, and white space between the lines.
func reordered(t *testing.T, lines string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if b.Len() > 0 {
			var v map[string]json.RawMessage
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			data, err := json.MarshalIndent(v, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			line = string(data) + "\n\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestLinesAreRefused(t *testing.T) {
	text := encodeLines(t, full())
	cut := strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n") + 1
	for what, c := range map[string]struct{ text, want string }{
		"newer version":  {strings.Replace(text, `"schema_version":1`, `"schema_version":9`, 1), "use a newer assay"},
		"no head":        {strings.Replace(text, `"section":"report"`, `"section":"files"`, 1), "the head is missing"},
		"cut off":        {text[:cut], "has 0 lines, and 1"},
		"within a line":  {text[:cut+9], "unexpected EOF"},
		"one too many":   {text + text[cut:], "has 2 lines, and 1"},
		"twice":          {text + `{"section":"os_release","value":{}}`, "os_release is there twice"},
		"unknown":        {text + `{"section":"future","x":1}`, `"future" is not known`},
		"unknown key":    {strings.Replace(text, `"gecos"`, `"gekos"`, 1), `unknown field "gekos"`},
		"no section":     {text + `{"x":1}`, "no section"},
		"no object":      {text + `[1]`, "cannot unmarshal array"},
		"odd section":    {text + `{"section":7}`, "section: json"},
		"escaped":        {text + `{"section":"\u0066uture"}`, `"future" is not known`},
		"no value":       {text + `{"section":"os_release"}`, "os_release"},
		"unknown count":  {strings.Replace(text, `"counts":{`, `"counts":{"future":1,`, 1), `"future"`},
		"count no list":  {strings.Replace(text, `"counts":{`, `"counts":{"disk":1,`, 1), `"disk"`},
		"files unsorted": {unsorted(t), "not sorted"},
	} {
		if _, err := report.Decode(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func unsorted(t *testing.T) string {
	r := full()
	r.Files[0], r.Files[1] = r.Files[1], r.Files[0]
	return encodeLines(t, r)
}

// Writing lines takes no memory that grows with their number.
func TestLinesNeedLittleMemory(t *testing.T) {
	r := full()
	r.Files = make([]report.Entry, 20_000)
	for i := range r.Files {
		r.Files[i] = report.Entry{Path: report.Raw(fmt.Sprintf("/usr/share/%08d", i)), Type: report.File, SHA256: strings.Repeat("0", 64)}
	}
	got := testing.AllocsPerRun(1, func() {
		if err := r.EncodeLines(io.Discard); err != nil {
			t.Fatal(err)
		}
	})
	if got > 10*float64(len(r.Files)) {
		t.Errorf("%v allocations", got)
	}
	var largest largestWrite
	if err := r.EncodeLines(&largest); err != nil {
		t.Fatal(err)
	}
	if largest > 4<<10 {
		t.Errorf("%d bytes were written at once", largest)
	}
}

type largestWrite int

func (l *largestWrite) Write(p []byte) (int, error) {
	*l = max(*l, largestWrite(len(p)))
	return len(p), nil
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	for _, write := range []func(io.Writer) error{full().Encode, full().EncodeLines} {
		b.Reset()
		if err := write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := report.Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		if again, err := report.Decode(strings.NewReader(encodeLines(t, r))); err != nil || encode(t, again) != encode(t, r) {
			t.Fatalf("%v: there and back it is another", err)
		}
	})
}
