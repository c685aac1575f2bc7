package pieces

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// What is read through the cache is what lies there, across pieces and after more than it holds.
func TestRead(t *testing.T) {
	data := make([]byte, (pieces+3)*pieceSize+5)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	c := New(bytes.NewReader(data))
	for range 3000 {
		n := random.IntN(2*pieceSize) + 1
		at := random.IntN(len(data) - n)
		b := make([]byte, n)
		if err := c.Read(b, int64(at)); err != nil || !bytes.Equal(b, data[at:at+n]) {
			t.Fatalf("%d bytes at %d: %v", n, at, err)
		}
	}
	if len(c.data) > pieces || len(c.order) != len(c.data) {
		t.Errorf("%d pieces are kept", len(c.data))
	}
	err := c.Read(make([]byte, 2), int64(len(data)-1))
	if err == nil || !strings.Contains(err.Error(), "the image ends before it") {
		t.Errorf("over the end: %v", err)
	}
}
