package httpspec_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// before is what a look at a healthy account records.
func before() map[string][]string {
	return map[string][]string{
		"disable": {"not done"}, "status": {"on"},
		"remove_keys": {"not done"}, "keys": {"a", "b"}, "key_names": {"front door", "lab"},
		"reclaim_licence": {"not done"},
	}
}

func putBack(snapshot map[string][]string) connector.Parameters {
	return connector.Parameters{Undo: true, Snapshot: snapshot, Seen: exeunt.Observation{At: time.Now()}}
}

func TestALookRecordsWhatAnUndoNeeds(t *testing.T) {
	c, _ := suite(t, healthy())
	seen, err := c.Observe(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	want := before()
	want["keys"], want["key_names"] = []string{"a", "b", "c"}, []string{"front door", "lab", "roof"}
	for key, values := range want {
		if !slices.Equal(seen.Snapshot[key], values) {
			t.Errorf("%s: %q, want %q", key, seen.Snapshot[key], values)
		}
	}
	c, _ = suite(t, with(healthy(), "GET /users/u1", says(200, `{"id":"u1","status":"off"}`)))
	if seen, err = c.Observe(t.Context(), ann); err != nil || len(seen.Snapshot["disable"]) > 0 || !slices.Equal(seen.Snapshot["status"], []string{"off"}) {
		t.Errorf("once it is done: %v, %v", seen.Snapshot, err)
	}
	c, _ = suite(t, with(healthy(), "GET /users/u1", says(200, `{"id":"u1","status":{"is":"on"}}`)))
	if _, err = c.Observe(t.Context(), ann); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("an object where a value is promised: %v", err)
	}
}

func TestAnUndoSendsWhatWasRecorded(t *testing.T) {
	c, v := suite(t, with(healthy(), "PATCH /users/u1", says(200, `{}`)))
	if err := c.Apply(t.Context(), ann, exeunt.Disable, putBack(before())); err != nil || v.bodies[0] != `{"status":"on"}` {
		t.Errorf("sent %s: %v", v.bodies, err)
	}
	hole := before()
	delete(hole, "status")
	c, v = suite(t, healthy())
	if err := c.Apply(t.Context(), ann, exeunt.Disable, putBack(hole)); exeunt.KindOf(err) != exeunt.Invalid || len(v.asked) > 0 {
		t.Errorf("without the status that was: %v after %v", err, v.asked)
	}
	c, _ = suite(t, with(healthy(), "PUT /seats/u1", says(200, `{"seated":false}`)))
	if err := c.Apply(t.Context(), ann, exeunt.ReclaimLicence, putBack(before())); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("an answer that says no: %v", err)
	}
}

func TestAnUndoOfAListGoesOnPastWhatIsGone(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []any
		kind    exeunt.ErrorKind
		says    string
		sent    int
	}{
		{"all back", []any{"PUT /users/u1/keys/a", says(204, ""), "PUT /users/u1/keys/b", says(204, "")}, "", "", 2},
		{"one gone", []any{"PUT /users/u1/keys/a", says(404, ""), "PUT /users/u1/keys/b", says(204, "")}, exeunt.NotFound, "front door.", 2},
		{"one refused", []any{"PUT /users/u1/keys/a", says(403, ""), "PUT /users/u1/keys/b", says(204, "")}, exeunt.Denied, "front door", 2},
		{"slow down", []any{"PUT /users/u1/keys/a", says(429, ""), "PUT /users/u1/keys/b", says(204, "")}, exeunt.Throttled, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, v := suite(t, with(healthy(), c.answers...))
			err := conn.Apply(t.Context(), ann, "remove_keys", putBack(before()))
			if exeunt.KindOf(err) != c.kind || !strings.Contains(exeunt.MessageOf(err), c.says) {
				t.Errorf("%s %v, want %s %q", exeunt.KindOf(err), err, c.kind, c.says)
			}
			put := slices.DeleteFunc(slices.Clone(v.asked), func(asked string) bool { return !strings.HasPrefix(asked, http.MethodPut) })
			if len(put) != c.sent {
				t.Errorf("asked %v", v.asked)
			}
		})
	}
}
