package verify_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// slowly is what a JSON decoder and the encoder say of a leaf.
func slowly(encoded []byte) (l exeunt.Leaf, ok bool) {
	err := json.Unmarshal(encoded, &l)
	return l, err == nil && bytes.Equal(l.Encode(), encoded)
}

// TestALeafIsReadAsADecoderReadsIt changes leaves at random places, and wants the same answer as from the slow way.
func TestALeafIsReadAsADecoderReadsIt(t *testing.T) {
	leaves := []exeunt.Leaf{
		{Version: 1, Source: "exeunt.example.com/ledger", N: 17, Case: "q5vt", Seq: 3, Prev: "9a0c", Kind: exeunt.LeafEvent, Commit: "51e7"},
		{Version: 1, Source: "exeunt.example.com/ledger", Case: "", Kind: exeunt.LeafManifest, Commit: "51e7"},
		{Version: 1, Source: "a<b&c>d\u2028 \"x\" ü", N: -4, Case: "\\", Seq: 1 << 60, Prev: "\x01", Kind: exeunt.LeafClose, Count: 9, Commit: ""},
	}
	alphabet := []byte(`{}",:0123456789-+.eE\\ntu<>& vcq` + "\x00\xff\xc3")
	taken := 0
	for range 200_000 {
		encoded := leaves[rand.IntN(len(leaves))].Encode()
		for range rand.IntN(3) {
			at := rand.IntN(len(encoded))
			switch rand.IntN(3) {
			case 0:
				encoded[at] = alphabet[rand.IntN(len(alphabet))]
			case 1:
				encoded = append(encoded[:at], encoded[at+1:]...)
			default:
				encoded = append(encoded[:at], append([]byte{alphabet[rand.IntN(len(alphabet))]}, encoded[at:]...)...)
			}
		}
		want, ok := slowly(encoded)
		got, err := verify.DecodeLeaf(encoded)
		if (err == nil) != ok || ok && got != want {
			t.Fatalf("%s is read as %+v, %v; a decoder says %+v, %t", encoded, got, err, want, ok)
		}
		if ok {
			taken++
		}
	}
	if taken < 10_000 {
		t.Errorf("only %d were leaves", taken)
	}
}

func BenchmarkDecodeLeaf(b *testing.B) {
	encoded := exeunt.Leaf{Version: 1, Source: "exeunt.example.com/ledger", N: 1_700_000, Case: "00000000000000000000000000000abc", Seq: 3, Prev: exeunt.LeafHash(nil), Kind: exeunt.LeafEvent, Commit: exeunt.LeafHash(nil)}.Encode()
	for b.Loop() {
		if _, err := verify.DecodeLeaf(encoded); err != nil {
			b.Fatal(err)
		}
	}
}
