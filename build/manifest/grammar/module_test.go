package grammar

import "testing"

func TestTable(t *testing.T) {
	table, err := readTable()
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]int{Input: 7, Device: 3, Mount: 10, Source: 7, Stage: 176, Assembler: 7} {
		if got := len(table.names[kind]); got != want {
			t.Errorf("%d modules of kind %s, want %d", got, kind, want)
		}
		for _, name := range table.names[kind] {
			if _, err := table.modules[[2]string{kind, name}](); err != nil {
				t.Error(err)
			}
		}
	}
}
func BenchmarkTable(b *testing.B) {
	for b.Loop() {
		if _, err := readTable(); err != nil {
			b.Fatal(err)
		}
	}
}
