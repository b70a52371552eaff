package activedirectory

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestHowLongATicketLives(t *testing.T) {
	policy := &binding{name: "Tier 0", units: int64(90 * time.Minute / 100)}
	for _, c := range []struct {
		name      string
		hours     int
		level     int
		protected bool
		policy    *binding
		want      string
		lives     time.Duration
	}{
		{"nobody said", 0, 7, false, nil, "10 h (assumed, as where nobody changed it: set ticket_hours)", 10 * time.Hour},
		{"set", 8, 7, false, nil, "8 h (ticket_hours)", 8 * time.Hour},
		{"protected", 8, 7, true, nil, "4 h (Protected Users)", 4 * time.Hour},
		{"protected, and the domain is set to less", 2, 7, true, nil, "2 h (ticket_hours)", 2 * time.Hour},
		{"protected, at a domain controller that does not know it", 8, 5, true, nil, "8 h (ticket_hours)", 8 * time.Hour},
		{"by a policy", 8, 6, false, policy, "90 min (authentication policy Tier 0)", 90 * time.Minute},
		{"by a policy of one who is protected", 8, 6, true, policy, "90 min (authentication policy Tier 0)", 90 * time.Minute},
		{"by a policy that says nothing of it", 8, 6, false, &binding{name: "Empty"}, "8 h (ticket_hours)", 8 * time.Hour},
		{"by a policy of a domain that is too old for it", 0, 5, false, policy, "10 h (assumed, as where nobody changed it: set ticket_hours)", 10 * time.Hour},
	} {
		got := Settings{TicketHours: c.hours}.life(c.level, c.protected, c.policy)
		if got.String() != c.want || got.lives != c.lives {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestChangedAtReadsTheMetadata(t *testing.T) {
	vector := func(version uint32, entries ...[2]uint64) []byte {
		b := make([]byte, 16, 16+48*len(entries))
		binary.LittleEndian.PutUint32(b, version)
		binary.LittleEndian.PutUint32(b[8:], uint32(len(entries)))
		for _, e := range entries {
			one := make([]byte, 48)
			binary.LittleEndian.PutUint32(one, uint32(e[0]))
			binary.LittleEndian.PutUint64(one[8:], e[1])
			b = append(b, one...)
		}
		return b
	}
	at := time.Date(2026, 6, 30, 17, 0, 0, 0, time.UTC)
	seconds := uint64(filetime(at) / 1e7)
	for _, c := range []struct {
		name     string
		metadata []byte
		want     time.Time
	}{
		{"the second of two", vector(1, [2]uint64{3, seconds + 9}, [2]uint64{userAccountControl, seconds}), at},
		{"not among them", vector(1, [2]uint64{3, seconds}), time.Time{}},
		{"another layout", vector(2, [2]uint64{userAccountControl, seconds}), time.Time{}},
		{"cut off", vector(1, [2]uint64{userAccountControl, seconds})[:60], time.Time{}},
		{"not shown", nil, time.Time{}},
	} {
		if got := changedAt(c.metadata, userAccountControl); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAnExpiryGoesBackUnlessSomebodyGaveAnother(t *testing.T) {
	now := time.Date(2026, 6, 30, 17, 0, 0, 0, time.UTC)
	past, future := filetime(now.Add(-time.Hour)), filetime(now.Add(time.Hour))
	for _, c := range []struct {
		name         string
		is, recorded int64
		want         int64
		kind         exeunt.ErrorKind
	}{
		{"ours, from never", past, math.MaxInt64, math.MaxInt64, ""},
		{"ours, from never written otherwise", past, 0, 0, ""},
		{"ours, from a date", past, future, future, ""},
		{"back already", future, future, future, ""},
		{"never in two spellings", 0, math.MaxInt64, 0, ""},
		{"somebody's", future + 1, future, future + 1, exeunt.Conflict},
		{"somebody lifted it", 0, future, 0, exeunt.Conflict},
	} {
		got, err := user{expires: c.is}.expiryAfterUndo(c.recorded, now)
		if got != c.want || exeunt.KindOf(err) != c.kind {
			t.Errorf("%s: %d %v, want %d %s", c.name, got, err, c.want, c.kind)
		}
	}
	if (user{expires: math.MaxInt64}).expired(now) || (user{}).expired(now) || !(user{expires: filetime(now)}).expired(now) {
		t.Error("never is past, or the moment itself is not")
	}
}

func TestSIDs(t *testing.T) {
	sid := []byte{1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0}
	if got := sidText(sid, "513"); got != "S-1-5-21-1-2-3-513" || ridOf(sid) != 512 {
		t.Errorf("%s, and it ends with %d", got, ridOf(sid))
	}
	if sidText(nil, "513") != "" || ridOf(nil) != 0 {
		t.Error("a SID of nothing")
	}
	for _, c := range []struct {
		group group
		want  bool
	}{
		{group{name: "Domänen-Admins", rid: 512}, true}, {group{name: "Sicherungs-Operatoren", rid: 551}, true}, {group{name: "DNSAdmins", rid: 1101}, true},
		{group{name: "Domain Admins (old)", rid: 1102}, false}, {group{name: "Users", rid: 545}, false},
	} {
		if c.group.privileged() != c.want {
			t.Errorf("%s: privileged %v", c.group.name, !c.want)
		}
	}
}
