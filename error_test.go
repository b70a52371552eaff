package exeunt_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exeunt/exeunt"
)

// What refuses an event is recorded with the words of its error, which may quote the event.
func TestAMessageFitsIntoAnEntry(t *testing.T) {
	err := exeunt.Errorf(exeunt.Invalid, "%q is no flag", strings.Repeat("é", 1<<20))
	entry := exeunt.Entry{What: exeunt.MessageOf(err)}
	if len(entry.Body()) > exeunt.MaxBody || !utf8.ValidString(entry.What) || !strings.HasSuffix(entry.What, "é…") {
		t.Errorf("the message has %d bytes and ends with %q", len(entry.What), entry.What[len(entry.What)-10:])
	}
}
