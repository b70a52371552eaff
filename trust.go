package exeunt

import (
	"fmt"
	"strings"
	"time"
)

// Trust is that a connector may act in a system, as people decided. Its file asks for stage live; without this the system
// counts as shadow. It is for one kind of connector: another one has to earn it anew.
type Trust struct {
	System  string      `json:"system"`
	Kind    string      `json:"kind"`
	Version int64       `json:"version"`
	Ask     *Request    `json:"ask,omitempty"`    // a first person's, where the decision needs two
	By      *Decision   `json:"by,omitempty"`     // who decided; nil while it is only asked for
	Second  *Decision   `json:"second,omitempty"` // who confirmed it
	Report  ShadowTally `json:"report"`           // what the comparison with people's work said at that moment
	Against string      `json:"against,omitempty"`
}

// Covers says whether the connector of a system may act.
func (t *Trust) Covers(s System) bool {
	return t != nil && t.By != nil && t.System == s.Name && t.Kind == s.Kind
}

// Under is the system as it counts: one whose file asks for live is in stage shadow until people trust its connector.
func (s System) Under(t *Trust) System {
	if s.Stage == Live && len(s.Actions) > 0 && !t.Covers(s) {
		s.Stage, s.Asks = Shadow, Live
	}
	return s
}

// GoLive is a person's decision that the connector of a system acts from now on. With a report that does not speak for it,
// that is dangerous where the risk is highest: then another person has to decide the same while the request lasts.
func GoLive(before *Trust, s System, report ShadowTally, by Override, operator Person, now time.Time) (Trust, Change, error) {
	if err := by.Check(); err != nil {
		return Trust{}, Change{}, err
	}
	switch {
	case before.Covers(s):
		return Trust{}, Change{}, Errorf(Conflict, "%s is live already: %s decided so on %s", s.Name, before.By.By, before.By.At.Format(time.DateOnly))
	case len(s.Actions) == 0:
		return Trust{}, Change{}, Errorf(Invalid, "no connector acts in %s (kind %s): give it one, and let it run in stage shadow first", s.Name, s.Kind)
	case s.Asks != Live:
		return Trust{}, Change{}, Errorf(Conflict, "the file of %s says stage: %s. Set stage: live there, let the server take it over, and decide then", s.Name, s.Stage)
	}
	t := Trust{System: s.Name, Kind: s.Kind, Report: report, Against: report.Against()}
	if before != nil {
		t.Version, t.Ask = before.Version, before.Ask
		if before.Kind != s.Kind {
			t.Ask = nil
		}
	}
	decided := &Decision{by, now.UTC()}
	switch {
	case s.Tier > 1 || t.Against == "":
		t.By = decided
	case !t.Ask.Waits(now):
		ask, err := Ask(by, 0, now)
		if err != nil {
			return Trust{}, Change{}, err
		}
		t.Ask = &ask
		return t, t.asked(s, operator, now), nil
	default:
		if err := t.Ask.confirmedBy(by, now); err != nil {
			return Trust{}, Change{}, err
		}
		t.By, t.Second = &Decision{t.Ask.Override, t.Ask.At}, decided
	}
	t.Ask = nil
	return t, t.decided(s, by.detail(), now), nil
}

// TrustSimulator is the trust in the connector of a system that is no system at all, but a simulator: nobody has to decide, and nobody is told.
func TrustSimulator(before *Trust, s System, now time.Time) (Trust, Change) {
	by := Override{By: "engine", Reason: "a simulator of this process, in which nothing can go wrong"}
	t := Trust{System: s.Name, Kind: s.Kind, By: &Decision{by, now.UTC()}}
	if before != nil {
		t.Version = before.Version
	}
	change := t.decided(s, by.detail(), now)
	change.Notices = nil
	return t, change
}

// asked tells who could confirm that they are asked.
func (t Trust) asked(s System, operator Person, now time.Time) Change {
	var change Change
	what := fmt.Sprintf("%s asks that the connector of %s acts there from now on; another person has to decide the same, since %s", t.Ask.By, s.Name, t.Against)
	change.Record(EntryLiveAsked, nil, now, what, t.Ask.detail(t.figures()))
	change.Entries[0].System = s.Name
	for _, to := range uniquePeople(s.Owner, operator) {
		change.Notices = append(change.Notices, Notice{Kind: NoticeAlert, To: to, Text: what + ": exeunt system live " + s.Name, Dedup: fmt.Sprintf("live-ask:%s:%d", s.Name, now.UnixMicro())})
	}
	return change
}

func (t Trust) decided(s System, detail map[string]string, now time.Time) Change {
	var change Change
	for k, v := range t.figures() {
		detail[k] = v
	}
	what := fmt.Sprintf("%s is live: its connector acts in departures that are planned from now on", s.Name)
	if t.Second != nil {
		detail["asked_by"], detail["asked_reason"] = t.By.By, t.By.Reason
		what += ", as two people decided"
	}
	change.Record(EntryLive, nil, now, what, detail)
	change.Entries[0].System = s.Name
	for _, to := range uniquePeople(s.Owner) {
		change.Notices = append(change.Notices, Notice{Kind: NoticeAlert, To: to, Text: what + ". What it cannot do becomes a task of yours, as before.", Dedup: fmt.Sprintf("live:%s:%d", s.Name, now.UnixMicro())})
	}
	return change
}

// figures are what the report said, for the record. They name nobody.
func (t Trust) figures() map[string]string {
	r := t.Report
	out := map[string]string{"kind": t.Kind, "compared": itoa(r.Compared)}
	for name, n := range map[string]int{"agreed": r.Agreed, "did_more": r.DidMore, "still_open": r.StillOpen, "not_found": r.NotFound, "would_fail": r.WouldFail, "unseen": r.Unseen, "waiting": r.Waiting} {
		if n > 0 {
			out[name] = itoa(n)
		}
	}
	if t.Against != "" {
		out["against"] = t.Against
	}
	return out
}

// StepBack takes the trust away: what is planned from now on is done by people again. It needs no second person. Cases
// that are under way keep their plan.
func (t Trust) StepBack(s System, by Override, now time.Time) (Change, error) {
	if strings.TrimSpace(by.By) == "" {
		return Change{}, Errorf(Invalid, "a decision needs the name of who took it").In("by")
	}
	return t.back(s, by.By+" takes its connector back to stage shadow", by.detail(), now), nil
}

// Lapse takes the trust away since the file of the system asks for it no more.
func (t Trust) Lapse(s System, why string, now time.Time) Change {
	return t.back(s, why, map[string]string{"reason": why}, now)
}

func (t Trust) back(s System, what string, detail map[string]string, now time.Time) Change {
	if t.By != nil {
		detail["decided_by"], detail["decided_at"] = t.By.By, t.By.At.Format(time.RFC3339)
	}
	var change Change
	change.Record(EntrySteppedBack, nil, now, fmt.Sprintf("%s: %s; people do what is planned there from now on", t.System, what), detail)
	change.Entries[0].System = t.System
	for _, to := range uniquePeople(s.Owner) {
		change.Notices = append(change.Notices, Notice{Kind: NoticeAlert, To: to, Text: change.Entries[0].What + ".", Dedup: fmt.Sprintf("back:%s:%d", t.System, now.UnixMicro())})
	}
	return change
}
