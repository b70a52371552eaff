package activedirectory

import (
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

func TestPieceReadsRanges(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []string
		want   []string
		next   int
	}{
		{"memberOf", []string{"a", "b"}, []string{"a", "b"}, 0},
		{"memberof;range=0-1499", []string{"a"}, []string{"a"}, 1500},
		{"memberOf;range=1500-*", []string{"z"}, []string{"z"}, 0},
		{"member", []string{"x"}, nil, 0},
	} {
		e := &ldap.Entry{Attributes: []*ldap.EntryAttribute{{Name: "memberOf"}, {Name: c.name, Values: c.values}}}
		if got, next := piece(e, "memberOf"); !slices.Equal(got, c.want) || next != c.next {
			t.Errorf("%s: %v, next %d; want %v, %d", c.name, got, next, c.want, c.next)
		}
	}
}

func TestGUID(t *testing.T) {
	b := []byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	if got, err := guid(b); err != nil || got != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("%s %v", got, err)
	}
	if _, err := guid(nil); err == nil {
		t.Error("a GUID of nothing")
	}
}

func TestEncode(t *testing.T) {
	if got := encode("aé"); got != "\"\x00a\x00\xe9\x00\"\x00" {
		t.Errorf("%q", got)
	}
	if first, second := unguessable(), unguessable(); first == second {
		t.Error("the same password twice")
	}
}
