package exeunt

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// WaveCheck is what is known of a wave before it begins: whether its people are found in each system,
// whether every system is covered for each of them and by whom, and how long it will take.
type WaveCheck struct {
	Round   int       `json:"round"` // the wave was checked so often
	By      string    `json:"by"`
	BegunAt time.Time `json:"begun_at"`
	EndedAt time.Time `json:"ended_at,omitzero"` // zero while it runs
	Looks   int       `json:"looks"`             // people times systems with a connector

	Identity []IdentityCount `json:"identity,omitempty"`
	Joining  []string        `json:"joining,omitempty"`   // whoever HR announced since the wave was made
	Unknown  []string        `json:"unplanned,omitempty"` // people of whom no plan can be made, and why
	Left     []string        `json:"uncovered,omitempty"` // systems that a plan leaves out
	Secret   int             `json:"secret,omitempty"`    // cases that their policy keeps secret, of a wave that everybody sees
	Steps    int             `json:"steps"`
	ByHand   []OwnerTasks    `json:"by_hand,omitempty"` // tasks, by owner, the most first
	Budget   []SystemBudget  `json:"budget,omitempty"`  // the slowest system first
	Release  time.Duration   `json:"release"`           // how long the wave's own rate takes
	SLA      time.Duration   `json:"sla"`               // the shortest limit of its cases, from the cut-off; zero for none
	Late     []string        `json:"late,omitempty"`    // why it cannot be kept, in words
}

// IdentityCount is how many of the wave's people are found in one system.
type IdentityCount struct {
	System    string `json:"system"`
	Title     string `json:"title"`
	Found     int    `json:"found"`     // exactly one account
	Missing   int    `json:"missing"`   // none
	Ambiguous int    `json:"ambiguous"` // several
	Unknown   int    `json:"unknown"`   // the system could not be asked
	Why       string `json:"why,omitempty"`
}

// Looked is how many people were looked for.
func (i IdentityCount) Looked() int { return i.Found + i.Missing + i.Ambiguous + i.Unknown }

// OwnerTasks is how much a wave asks of one person.
type OwnerTasks struct {
	Owner Person `json:"owner"`
	Tasks int    `json:"tasks"`
}

// SystemBudget is how long a wave will take in one system, counted from its busiest clock.
type SystemBudget struct {
	System      string        `json:"system"`
	Title       string        `json:"title"`
	Visits      int           `json:"visits"`   // people
	Steps       int           `json:"steps"`    //
	Requests    int           `json:"requests"` // at least
	PerSecond   float64       `json:"per_second,omitempty"`
	Concurrency int           `json:"concurrency"`
	Takes       time.Duration `json:"takes"`
	Access      bool          `json:"access"` // access ends there, so that the limit is about it
}

// Looked is how many of the looks of a check are taken.
func (c WaveCheck) Looked() int {
	n := 0
	for _, i := range c.Identity {
		n += i.Looked()
	}
	return n
}

// Exceptions is how many looks did not find exactly one account; each becomes a task.
func (c WaveCheck) Exceptions() int {
	n := 0
	for _, i := range c.Identity {
		n += i.Missing + i.Ambiguous + i.Unknown
	}
	return n
}

// Fault is what forbids that the wave begins, or "".
func (c *WaveCheck) Fault() string {
	switch {
	case c == nil || c.EndedAt.IsZero():
		return "its check has not ended"
	case len(c.Left) > 0:
		return "plans leave out " + strings.Join(c.Left, ", ")
	case c.Secret > 0:
		return fmt.Sprintf("the policy keeps %s of it secret, and the wave would tell of them: make it with an embargo", plural(c.Secret, "case", "cases"))
	case len(c.Unknown) > 0:
		return fmt.Sprintf("no plan can be made of %s: %s", plural(len(c.Unknown), "person", "people"), c.Unknown[0])
	}
	return ""
}

// detail is what the ledger keeps of a check. It names nobody.
func (c *WaveCheck) detail(with map[string]string) map[string]string {
	with["check"], with["exceptions"], with["steps"] = itoa(c.Round), itoa(c.Exceptions()), itoa(c.Steps)
	if len(c.Budget) > 0 {
		with["slowest"], with["takes"] = c.Budget[0].System, c.Budget[0].Takes.String()
	}
	if len(c.Late) > 0 {
		with["late"] = strings.Join(c.Late, "; ")
	}
	return with
}

// BeginCheck starts a check, or a new one, which takes back the approval of what was known before.
func (w Wave) BeginCheck(looks int, by string, now time.Time) (Change, error) {
	if !w.Unstarted() || w.Checking() {
		return Change{}, w.refuse("checked", "a wave is checked before it is started, one check at a time")
	}
	round := 1
	if w.Check != nil {
		round = w.Check.Round + 1
	}
	w.State, w.Approved = WaveDraft, nil
	w.Check = &WaveCheck{Round: round, By: by, BegunAt: now.UTC(), Looks: looks}
	change := Change{Wave: &w}
	w.record(&change, EntryWaveChecking, now, fmt.Sprintf("check %d begun", round), map[string]string{"by": by})
	return change, nil
}

// EndCheck keeps what a check found.
func (w Wave) EndCheck(found WaveCheck, now time.Time) (Change, error) {
	if !w.Checking() { // it may have been stopped meanwhile
		return Change{}, w.refuse("checked", "no check of it runs")
	}
	found.Round, found.By, found.BegunAt, found.Looks, found.EndedAt = w.Check.Round, w.Check.By, w.Check.BegunAt, w.Check.Looks, now.UTC()
	w.Check, w.State = &found, WaveChecked
	change := Change{Wave: &w}
	w.record(&change, EntryWaveChecked, now, fmt.Sprintf("check %d: %s", found.Round, found.Summary()), found.detail(map[string]string{}))
	return change, nil
}

// Summary says in one line what a check found.
func (c WaveCheck) Summary() string {
	if fault := c.Fault(); fault != "" {
		return fault
	}
	text := fmt.Sprintf("%s and %s by hand", plural(c.Steps, "step", "steps"), plural(c.tasks(), "task", "tasks"))
	if n := c.Exceptions(); n > 0 {
		text += ", " + plural(n, "account", "accounts") + " not found for sure"
	}
	if len(c.Budget) > 0 {
		text += fmt.Sprintf("; %s is the slowest and takes %s", c.Budget[0].Title, spanWords(c.Budget[0].Takes))
	}
	if len(c.Late) > 0 {
		text += "; " + c.Late[0]
	}
	return text
}

func (c WaveCheck) tasks() int {
	n := 0
	for _, o := range c.ByHand {
		n += o.Tasks
	}
	return n
}

// WaveTally adds up the plans of a wave's people, one after the other, so that they need not all be held.
type WaveTally struct {
	check   WaveCheck
	systems map[string]System
	order   []System
	owners  map[Person]int
	left    map[string]bool
	loads   map[load]*SystemBudget
}

// load is what one clock asks of one system. Places of work whose clocks differ do not compete.
type load struct {
	system string
	cutOff time.Time
}

// NewWaveTally begins to add up over an inventory.
func NewWaveTally(inventory []System) *WaveTally {
	t := &WaveTally{systems: map[string]System{}, order: inventory, owners: map[Person]int{}, left: map[string]bool{}, loads: map[load]*SystemBudget{}}
	for _, s := range inventory {
		t.systems[s.Name] = s
	}
	return t
}

// Unplanned notes somebody of whom no plan can be made.
func (t *WaveTally) Unplanned(m Member, err error) {
	t.check.Unknown = append(t.check.Unknown, fmt.Sprintf("line %d: %s", m.Line, MessageOf(err)))
}

// Joins notes somebody who leaves already, or is in another wave: HR announced it since this one was made.
func (t *WaveTally) Joins(m Member, why string) {
	t.check.Joining = append(t.check.Joining, fmt.Sprintf("line %d: employee %s %s", m.Line, m.Departure.Leaver.ID, why))
}

// What one visit and one step ask of a system: find the account; look, act, look again.
const (
	requestsPerVisit = 1
	requestsPerStep  = 3
	requestsPerCheck = 1
)

// Add counts one plan.
func (t *WaveTally) Add(p Plan) {
	for _, name := range p.Uncovered(t.order) {
		t.left[name] = true
	}
	for _, task := range p.Tasks {
		t.owners[Person{Name: task.Owner.Name, Email: task.Owner.Email}]++
	}
	if sla := p.Case.AccessBy.Sub(p.Case.CutOff); sla > 0 && (t.check.SLA == 0 || sla < t.check.SLA) {
		t.check.SLA = sla
	}
	if p.Case.Embargoed() {
		t.check.Secret++
	}
	t.check.Steps += len(p.Steps)
	visited := map[string]bool{}
	for _, s := range p.Steps {
		key := load{s.System, p.Case.CutOff}
		b := t.loads[key]
		if b == nil {
			system := t.systems[s.System]
			b = &SystemBudget{System: s.System, Title: cmp.Or(system.Title, s.System), PerSecond: system.Rate.PerSecond, Concurrency: cmp.Or(system.Rate.Concurrency, 4)}
			t.loads[key] = b
		}
		if !visited[s.System] {
			visited[s.System] = true
			b.Visits++
			b.Requests += requestsPerVisit
		}
		b.Steps++
		if s.Action == CheckAccess {
			b.Requests += requestsPerCheck
		} else {
			b.Requests += requestsPerStep
		}
		b.Access = b.Access || s.Branch == "Access"
	}
}

// AssumedAnswer is how long a system is taken to need for one request, where its concurrency and not
// its rate is the limit.
const AssumedAnswer = 300 * time.Millisecond

// takes is how long so many requests need at a system's rate and concurrency, whichever is tighter.
func (b SystemBudget) takes() time.Duration {
	each := AssumedAnswer.Seconds() / float64(b.Concurrency)
	if b.PerSecond > 0 {
		each = max(each, 1/b.PerSecond)
	}
	return time.Duration(math.Ceil(float64(b.Requests)*each)) * time.Second
}

// Check is what was added up, with what the look for accounts found.
func (t *WaveTally) Check(w Wave, identity []IdentityCount) WaveCheck {
	c := t.check
	c.Identity = identity
	if w.Embargoed() {
		c.Secret = 0
	}
	c.Left = slices.Sorted(maps.Keys(t.left))
	for owner, n := range t.owners {
		c.ByHand = append(c.ByHand, OwnerTasks{owner, n})
	}
	slices.SortFunc(c.ByHand, func(a, b OwnerTasks) int {
		return cmp.Or(cmp.Compare(b.Tasks, a.Tasks), cmp.Compare(a.Owner.String(), b.Owner.String()))
	})
	c.Budget = t.budget()
	if w.Rate > 0 {
		c.Release = time.Duration(w.Size-w.Canary) * w.interval()
	}
	c.Late = c.late(w)
	return c
}

// budget is the busiest clock of each system, the slowest first.
func (t *WaveTally) budget() []SystemBudget {
	busiest := map[string]SystemBudget{}
	for key, b := range t.loads {
		b.Takes = b.takes()
		if had, ok := busiest[key.system]; !ok || b.Takes > had.Takes {
			busiest[key.system] = *b
		}
	}
	return slices.SortedFunc(maps.Values(busiest), func(a, b SystemBudget) int {
		return cmp.Or(cmp.Compare(b.Takes, a.Takes), cmp.Compare(a.System, b.System))
	})
}

// late says which systems, and whether the wave's own rate, cannot keep the limit, and by how much.
func (c WaveCheck) late(w Wave) []string {
	var out []string
	if c.SLA == 0 {
		return nil
	}
	for _, b := range c.Budget {
		if over := b.Takes - c.SLA; b.Access && over > 0 {
			out = append(out, fmt.Sprintf("%s breaks the limit of %s by %s: %d requests at %s take %s", b.Title, spanWords(c.SLA), spanWords(over), b.Requests, b.limit(), spanWords(b.Takes)))
		}
	}
	if over := c.Release - c.SLA; w.Opens == OpensAtCutOff && over > 0 {
		out = append(out, fmt.Sprintf("the wave's own rate of %s breaks the limit of %s after the clock by %s", w.rateWords(), spanWords(c.SLA), spanWords(over)))
	}
	return out
}

// limit says what bounds the system.
func (b SystemBudget) limit() string {
	if b.PerSecond > 0 && 1/b.PerSecond >= AssumedAnswer.Seconds()/float64(b.Concurrency) {
		return fmt.Sprintf("%g a second", b.PerSecond)
	}
	return fmt.Sprintf("%d at once, %s each,", b.Concurrency, AssumedAnswer)
}

// spanWords is a length of time to the second, as 1h2m3s without what is zero.
func spanWords(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// WaveProgress counts the people of a wave by how far they are.
type WaveProgress struct {
	People   int `json:"people"`
	Waiting  int `json:"waiting"`  // not released
	Released int `json:"released"` // asked for; the case will come
	Refused  int `json:"refused"`  // no case came
	Cases    int `json:"cases"`    // opened or joined
	Ended    int `json:"ended"`    // of them: every access step and task is settled
	Failed   int `json:"failed"`   // a step has failed
	Late     int `json:"late"`     // access is not proven ended, and its limit has passed
	Held     int `json:"held"`     //
	Closed   int `json:"closed"`   // or taken back
}

// String says how far a wave is, misses first.
func (p WaveProgress) String() string {
	var misses []string
	for _, m := range []struct {
		n    int
		what string
	}{{p.Refused, "refused"}, {p.Failed, "with a failed step"}, {p.Late, "late"}, {p.Held, "held"}} {
		if m.n > 0 {
			misses = append(misses, fmt.Sprintf("%d %s", m.n, m.what))
		}
	}
	return strings.Join(append(misses, fmt.Sprintf("access ended for %d of %d", p.Ended, p.People-p.Waiting)), ", ")
}

// Settled says whether nothing of the wave is left to happen.
func (p WaveProgress) Settled() bool { return p.Closed+p.Refused == p.People }
