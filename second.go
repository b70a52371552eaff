package exeunt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Noted records what a source says that is not the authoritative one of the entity. It neither starts nor
// changes a case. What contradicts the authoritative source becomes a task of the case owner, once for each
// thing that is said; a closed case has a sealed record, so its owner is told.
func (t Trigger) Noted(newest *Case, tasks []Task, now time.Time) Change {
	var change Change
	against := t.contradicts(newest)
	detail := map[string]string{"source": t.Source, "event": t.EventID, "says": t.says()}
	what := fmt.Sprintf("%s, which is not the authoritative source of %s, says that %s", t.Source, t.Departure.Leaver.Entity, t.says())
	if len(against) > 0 {
		detail["contradicts"] = strings.Join(against, "; ")
	}
	switch {
	case newest == nil: // an entry without a case cannot be erased with one, so it names nobody
		detail["says"], what = t.saysOf("somebody"), fmt.Sprintf("%s, which is not the authoritative source of %s, says that %s", t.Source, t.Departure.Leaver.Entity, t.saysOf("somebody"))
		change.RecordBy(t.Source, EntryNoted, nil, now, what, detail)
	case !newest.Open():
		change.RecordBy(t.Source, EntryNoted, newest.ID, now, what, detail)
		if len(against) > 0 {
			change.Notices = newest.alert("contradiction:"+t.claim(against),
				fmt.Sprintf("%s contradicts case %s, which is closed. Find out in the HR system of the entity which is right; nothing was changed.", t.Source, newest.ID))
		}
	default:
		change.RecordBy(t.Source, EntryNoted, *newest, now, what, detail)
		task := t.contradiction(*newest, against, now)
		if len(against) == 0 || slices.ContainsFunc(tasks, func(other Task) bool { return other.Key == task.Key }) {
			break
		}
		change.Tasks = []Task{task}
		change.Record(EntryTaskOpened, task, now, task.Title+", owner "+task.Owner.String(), map[string]string{"owner": task.Owner.String(), "deadline": task.Deadline.Format(time.RFC3339)})
		if newest.State != CaseHeld && !newest.Embargoed() {
			change.Notices = []Notice{task.notice(NoticeAssigned, "assigned")}
		}
	}
	return change
}

func (t Trigger) says() string { return t.saysOf(t.Departure.Leaver.ID) }

func (t Trigger) saysOf(who string) string {
	switch t.Kind {
	case Rescinded:
		return who + " stays"
	case Rehired:
		return who + " works there again"
	default:
		return fmt.Sprintf("%s leaves on %s", who, t.Departure.LastDay)
	}
}

// contradicts lists what the authoritative source says otherwise.
func (t Trigger) contradicts(c *Case) []string {
	if c == nil {
		return nil
	}
	d, said := c.Departure, t.Departure
	switch {
	case t.Kind == Rescinded && !c.Over(), t.Kind == Rehired && c.UnderWay():
		return []string{fmt.Sprintf("%s says that the person stays; by the authoritative source the last day is %s", t.Source, d.LastDay)}
	case t.Kind != Announced:
		return nil
	case c.State == CaseRescinded:
		return []string{fmt.Sprintf("%s says that the last day is %s; the authoritative source has taken the departure back", t.Source, said.LastDay)}
	case c.State == CaseRehired && said.LastDay != d.LastDay:
		return []string{fmt.Sprintf("%s says that the last day is %s; by the authoritative source the person works here again", t.Source, said.LastDay)}
	}
	var out []string
	differs := func(what string, theirs, ours string) {
		if theirs != "" && theirs != ours {
			out = append(out, fmt.Sprintf("%s: %s says %s, the authoritative source %s", what, t.Source, theirs, ours))
		}
	}
	differs("Last day", string(said.LastDay), string(d.LastDay))
	differs("Termination date", string(said.TerminationDate), string(d.TerminationDate))
	differs("Type of departure", string(said.Type), string(d.Type))
	return out
}

// claim names what is said against a case, the same each time.
func (t Trigger) claim(against []string) string {
	sum := sha256.Sum256([]byte(strings.Join(against, "\n")))
	return t.Source + "-" + hex.EncodeToString(sum[:4])
}

func (t Trigger) contradiction(c Case, against []string, now time.Time) Task {
	return Task{
		Case: c.ID, Key: "contradiction-" + t.claim(against), Branch: "Tasks", State: TaskOpen, Owner: c.Owner,
		Title:     "Two sources contradict each other about this departure",
		Procedure: "Only the authoritative source of the entity decides; nothing was changed. Find out which is right, and have the other one corrected.",
		Checklist: against, OpenedAt: now, StartsAt: now,
		Deadline: now.Add(leastForStep), DeadlineRule: Moment{Anchor: AtStart, Offset: leastForStep},
	}
}
