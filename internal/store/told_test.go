package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// TestABodyIsReadAsADecoderReadsIt holds what a check reads of a body against what a decoder does.
func TestABodyIsReadAsADecoderReadsIt(t *testing.T) {
	at := time.Date(2026, 5, 1, 9, 0, 0, 123456789, time.UTC)
	plainOnes := 0
	for _, e := range []exeunt.Entry{
		{ID: "1", Kind: exeunt.EntryOpened, At: at, Actor: "engine", What: "opened"},
		{ID: "1", Kind: exeunt.EntryOpened, At: at.Truncate(time.Second), Actor: "Zoë <z@x>", Case: 7, System: "chat", Step: "chat/disable", What: "ünïcode & more", Detail: map[string]string{"what": `","what":"other`}},
		{ID: "1", Kind: exeunt.EntryRead, At: at, Actor: `a "quoted" name`, About: 9, Wave: 3, Task: "return", What: "x"},
		{ID: "1", Kind: exeunt.EntryRead, At: at, Actor: "a", About: 9, Wave: 3, Task: "return", What: "tab\there"},
	} {
		var want told
		if err := json.Unmarshal(e.Body(), &want); err != nil {
			t.Fatal(err)
		}
		got, ok := plainTold(string(e.Body()))
		if ok {
			plainOnes++
		}
		if ok && got != want {
			t.Errorf("%s is read as %+v, want %+v", e.Body(), got, want)
		}
	}
	if plainOnes == 0 {
		t.Error("nothing was read the quick way")
	}
	for _, broken := range []string{"", "{", `{"id":"1"}`, `{"id":"1","kind":"x","at":"y","actor":"z","what":"w"}`} {
		if e, ok := plainTold(broken); ok {
			t.Errorf("%q is read as %+v", broken, e)
		}
	}
}
