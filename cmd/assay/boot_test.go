package main

import "testing"

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
		quit bool
	}{
		{[]string{"abc"}, "abc", false},
		{[]string{"a\x01xb"}, "a", true},
		{[]string{"a\x01", "X"}, "a", true},
		{[]string{"\x01\x01x"}, "\x01x", false},
		{[]string{"\x01b\x01"}, "b", false},
	} {
		var k keys
		got, ended := "", false
		for _, in := range c.in {
			typed, quit := k.split([]byte(in))
			got, ended = got+string(typed), ended || quit
		}
		if got != c.want || ended != c.quit {
			t.Errorf("%q: %q, %t", c.in, got, ended)
		}
	}
}

func TestLastLines(t *testing.T) {
	if got := lastLines("a\r\n\x1b[31mb\n\n"); got != "a\n\\u{1b}[31mb" {
		t.Errorf("%q", got)
	}
}
