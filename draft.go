package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// drafter makes one plan. What it does in which order is decided by the rules' content, never by the
// order in which they were written down.
type drafter struct {
	plan      Plan
	inventory []System
	roles     Roles
	approvals Approvals
	modified  modified
	now       time.Time
	made      map[string][]string // rule name → keys that it asks for
	byHand    map[string][]Action // key of a task by hand → what is asked of it
	facts     Facts
	timed     timed
	slugs     map[Action]string // how actions are called in keys

	// Where the plan has what, until it is arranged: with a hundred systems, looking through it each time would be most
	// of the work.
	stepAt, taskAt map[string]int      // key → index
	ends           map[string][]string // system → keys of the steps by which access to it ends, or is seen to have ended
	asked          map[string][]string // system → keys of its tasks
	stepped        map[string]bool     // systems that have steps
}

// timed is what the moments of the rule that was looked at last come to in this case: a rule acts in many systems.
type timed struct {
	start, deadline  Moment
	startsAt, endsAt time.Time
	urgent, known    bool
}

// times are when what a rule asks for may start, and by when it has to be done.
func (d *drafter) times(r Rule) (timed, error) {
	if d.timed.known && d.timed.start == r.Start && d.timed.deadline == r.Deadline {
		return d.timed, nil
	}
	s, err := Step{StartRule: r.Start, DeadlineRule: r.Deadline}.reschedule(d.plan.Case, d.now)
	d.timed = timed{r.Start, r.Deadline, s.StartsAt, s.Deadline, s.Urgent, err == nil}
	return d.timed, err
}

// newDrafter makes room for the plan at once: steps are large, and a plan for everybody is made of millions of them.
func newDrafter(p Policy, c Case, inventory []System, roles Roles, now time.Time) *drafter {
	most, byHand := 0, 0
	for i := range inventory {
		if inventory[i].Automated() {
			most += len(inventory[i].Actions)
		} else {
			byHand++
		}
	}
	held := map[string]Person{} // asked once for each role: the leaver is the same
	asks := func(role string, l Leaver) Person {
		p, known := held[role]
		if !known {
			p = roles(role, l)
			held[role] = p
		}
		return p
	}
	return &drafter{
		plan: Plan{Case: c, Steps: make([]Step, 0, most), Tasks: make([]Task, 0, byHand+len(p.Rules))}, inventory: inventory, roles: asks, approvals: p.Approvals, now: now.UTC(), slugs: map[Action]string{},
		made: make(map[string][]string, len(p.Rules)), byHand: make(map[string][]Action, byHand),
		stepAt: make(map[string]int, most), taskAt: make(map[string]int, len(inventory)), ends: make(map[string][]string, len(inventory)), asked: make(map[string][]string, len(inventory)), stepped: make(map[string]bool, len(inventory)),
	}
}

func (d *drafter) applyAll(p Policy) error {
	d.facts = Facts{Departure: d.plan.Case.Departure, Made: map[string]any{}, Lasting: p.Lasting}
	rules, err := d.precedence(p.Rules)
	if err != nil {
		return err
	}
	var left []leftover
	for _, rule := range rules {
		more, err := d.apply(rule)
		if err != nil {
			return fmt.Errorf("policy %s, rule %s: %w", p.Name, rule.Name, err)
		}
		left = append(left, more...)
	}
	for _, l := range left {
		// Access ends with whatever the connector can do; in a system of the rule's own branch, such as a
		// payroll, each rule is a duty of its own.
		if d.stepped[l.system.Name] && (accessBranch(l.rule) || l.system.Branch != l.rule.Branch) {
			continue
		}
		reason := fmt.Sprintf("its connector (%s) can do none of %s", l.system.Kind, actionWords(l.rule.Actions))
		if err := d.addByHand(l.rule, l.system, reason); err != nil {
			return err
		}
	}
	return nil
}

// precedence is the order in which rules count where they ask for the same: what waits for nothing first,
// so that nothing urgent hangs on somebody's approval, then what starts and what ends first.
func (d *drafter) precedence(rules []Rule) ([]Rule, error) {
	type placed struct {
		at              int
		waits           bool
		start, deadline time.Time
	}
	all := make([]placed, len(rules))
	for i := range rules {
		var err error
		all[i] = placed{at: i, waits: len(rules[i].After) > 0}
		if all[i].start, err = d.plan.Case.instant(rules[i].Start, time.Time{}); err != nil {
			return nil, err
		}
		if all[i].deadline, err = d.plan.Case.instant(rules[i].Deadline, all[i].start); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int {
		if a.waits != b.waits {
			if b.waits {
				return -1
			}
			return 1
		}
		return cmp.Or(a.start.Compare(b.start), a.deadline.Compare(b.deadline), cmp.Compare(rules[a.at].Name, rules[b.at].Name))
	})
	out := make([]Rule, len(all))
	for i, p := range all {
		out[i] = rules[p.at]
	}
	return out, nil
}

// leftover is a system whose connector can do nothing of what a rule asks for.
type leftover struct {
	rule   Rule
	system *System
}

func (d *drafter) apply(rule Rule) ([]leftover, error) {
	ok, err := holds(rule.When, d.facts)
	if err != nil || !ok {
		return nil, err
	}
	if rule.Task != nil {
		return nil, d.addTask(rule)
	}
	chosen, err := d.chosen(rule)
	if err != nil {
		return nil, err
	}
	var left []leftover
	for _, at := range chosen {
		added, err := d.addSteps(rule, &d.inventory[at])
		if err != nil {
			return nil, err
		}
		if !added {
			left = append(left, leftover{rule, &d.inventory[at]})
		}
	}
	return left, nil
}

// chosenBy is under what is kept which systems of the inventory a condition chose, whoever leaves.
type chosenBy string

// chosen are the systems that a rule acts in, by their places in the inventory.
func (d *drafter) chosen(rule Rule) ([]int, error) {
	lasting := d.facts.Lasting
	if lasting == nil || !rule.Text.SystemsAlone {
		return d.choose(rule)
	}
	if known, ok := lasting.Load(chosenBy(rule.Text.Systems)); ok {
		return known.([]int), nil
	}
	chosen, err := d.choose(rule)
	if err == nil {
		lasting.Store(chosenBy(rule.Text.Systems), chosen)
	}
	return chosen, err
}

func (d *drafter) choose(rule Rule) ([]int, error) {
	var out []int
	about := d.facts
	for i := range d.inventory {
		about.System = d.inventory[i]
		yes, err := holds(rule.Systems, about)
		if err != nil {
			return nil, err
		}
		if yes {
			out = append(out, i)
		}
	}
	return out, nil
}

func holds(c Condition, f Facts) (bool, error) {
	if c == nil {
		return true, nil
	}
	return c(f)
}

// addSteps puts a rule's actions into one system: those that its connector can do become steps, and
// a system that nothing automates becomes one task of its owner. It says whether the rule came to anything.
func (d *drafter) addSteps(rule Rule, system *System) (bool, error) {
	if !system.Automated() {
		return true, d.addByHand(rule, system, byHandReason(system))
	}
	var added bool
	for _, spec := range inOrder(system.Actions, d.plan.Case.Urgent()) {
		if !slices.Contains(rule.Actions, spec.Action) {
			continue
		}
		if err := d.addStep(rule, system, spec, CoverSteps); err != nil {
			return false, err
		}
		added = true
	}
	return added, nil
}

// inOrder are actions in the order inside the system, as most connectors list them already.
func inOrder(actions []ActionSpec, immediate bool) []ActionSpec {
	order := func(a, b ActionSpec) int { return cmp.Compare(a.In(immediate), b.In(immediate)) }
	if slices.IsSortedFunc(actions, order) {
		return actions
	}
	return slices.SortedStableFunc(slices.Values(actions), order)
}

func (d *drafter) addStep(rule Rule, system *System, spec ActionSpec, coverage Coverage) error {
	key := d.stepKey(system, spec.Action)
	d.made[rule.Name] = append(d.made[rule.Name], key) // who waits for the rule waits for it, whosever it is
	if _, made := d.stepAt[key]; made {
		return nil // a rule that counts before this one asks for it
	}
	when, err := d.times(rule)
	if err != nil {
		return err
	}
	d.stepAt[key], d.stepped[system.Name] = len(d.plan.Steps), true
	if spec.Action == Disable || coverage == CoverInherited {
		d.ends[system.Name] = append(d.ends[system.Name], key)
	}
	d.plan.Steps = append(d.plan.Steps, Step{
		Case: d.plan.Case.ID, Key: key, System: system.Name, SystemTitle: cmp.Or(system.Title, system.Name), Action: spec.Action, Title: spec.Title,
		Branch: cmp.Or(rule.Branch, system.Branch, "Access"), Coverage: coverage, Tier: system.Tier, Order: spec.In(d.plan.Case.Urgent()), Rule: rule.Name,
		Modified: rule.Modified, Owner: d.owner(rule, system), Fallback: system.Fallback, StartRule: rule.Start, DeadlineRule: rule.Deadline,
		Destructive: spec.Destructive, Approval: d.approval(rule, system, spec),
		Urgent: when.urgent, StartsAt: when.startsAt, Deadline: when.endsAt,
	})
	return nil
}

func (d *drafter) stepKey(system *System, action Action) string {
	slug, known := d.slugs[action]
	if !known {
		slug = "-" + strings.ReplaceAll(string(action), "_", "-")
		d.slugs[action] = slug
	}
	return system.Name + slug
}

func accessBranch(r Rule) bool { return r.Branch == "" || r.Branch == "Access" }

func (d *drafter) addTask(rule Rule) error {
	return d.add(rule, Task{
		Key: rule.Name, Branch: cmp.Or(rule.Branch, "Tasks"), Title: cmp.Or(rule.Title, rule.Name),
		Procedure: rule.Task.Procedure, Checklist: rule.Task.Checklist,
		Owner: d.roles(rule.Task.Owner, d.plan.Case.Departure.Leaver),
	})
}

func (d *drafter) add(rule Rule, t Task) error {
	d.made[rule.Name] = append(d.made[rule.Name], t.Key)
	if _, made := d.taskAt[t.Key]; made {
		return nil
	}
	t.Case, t.Rule, t.Modified, t.StartRule, t.DeadlineRule = d.plan.Case.ID, rule.Name, rule.Modified, rule.Start, rule.Deadline
	t, err := t.schedule(d.plan.Case, d.now)
	if err != nil {
		return err
	}
	d.taskAt[t.Key] = len(d.plan.Tasks)
	if t.System != "" {
		d.asked[t.System] = append(d.asked[t.System], t.Key)
	}
	d.plan.Tasks = append(d.plan.Tasks, t)
	return nil
}

// cover sees to the systems that no rule reached: a check of what they inherit, or a task. A system comes
// after the one whose sign-on it uses, which may itself be reached only here.
func (d *drafter) cover() error {
	sso := map[string]string{} // of the systems that are left
	var left []*System
	for i := range d.inventory {
		if system := &d.inventory[i]; !d.covers(system) {
			left, sso[system.Name] = append(left, system), system.SSO
		}
	}
	for len(left) > 0 {
		var now, later []*System
		for _, system := range left {
			if _, waits := sso[sso[system.Name]]; waits {
				later = append(later, system)
			} else {
				now = append(now, system)
			}
		}
		if len(now) == 0 { // each waits for another of them: they sign on in a circle
			for _, system := range left {
				sso[system.Name] = ""
			}
			continue
		}
		for _, system := range now {
			if err := d.coverOne(system, sso[system.Name]); err != nil {
				return err
			}
		}
		for _, system := range now {
			delete(sso, system.Name)
		}
		left = later
	}
	return nil
}

// coverOne covers a system that no rule reached; sso is the one whose end is its end, or "".
func (d *drafter) coverOne(system *System, sso string) error {
	rule := Rule{Name: "full-coverage", Start: Moment{Anchor: AtCutOff}, Deadline: Moment{Anchor: AtStart, Offset: 4 * time.Hour}}
	if parent := d.cutKeys(sso); sso != "" && len(parent) > 0 {
		rule.Name, rule.Deadline.Offset = "inherited-from-"+sso, 24*time.Hour
		return d.inherit(rule, system, parent)
	}
	about := d.facts
	about.System = *system
	why, err := d.modified.why(about)
	switch {
	case err != nil:
		return err
	case why != "":
		return d.addByHand(rule, system, why)
	case !system.Automated():
		return d.addByHand(rule, system, byHandReason(system))
	default:
		return d.addByHand(rule, system, "no rule of the policy reaches this system")
	}
}

// inherit checks a system whose access ends with its single sign-on, after that has been cut.
func (d *drafter) inherit(rule Rule, system *System, parent []string) error {
	because := fmt.Sprintf("access to %s ends with the sign-on of %s", cmp.Or(system.Title, system.Name), system.SSO)
	after := make([]Dependency, len(parent))
	for i, key := range parent {
		after[i] = Dependency{Key: key, Because: because}
	}
	if system.Automated() {
		spec := ActionSpec{Action: CheckAccess, Title: "Check that access has ended", Order: 1000, Proof: Observed, Repeatable: true}
		if err := d.addStep(rule, system, spec, CoverInherited); err != nil {
			return err
		}
		d.plan.Steps[d.stepAt[d.stepKey(system, spec.Action)]].After = after
		return nil
	}
	key := system.Name + "-check"
	var would []Action
	if system.Shadowed() {
		would = []Action{CheckAccess}
	}
	err := d.add(rule, Task{
		Key: key, System: system.Name, Coverage: CoverInherited, Branch: cmp.Or(system.Branch, "Access"),
		Title: fmt.Sprintf("%s: check that access has ended", cmp.Or(system.Title, system.Name)), Procedure: system.Fallback,
		Owner: d.owner(rule, system), Reason: because + "; " + byHandReason(system), Would: would,
	})
	if err == nil {
		d.plan.Tasks[d.taskAt[key]].After = after
	}
	return err
}

func (d *drafter) covers(system *System) bool {
	return d.stepped[system.Name] || len(d.asked[system.Name]) > 0
}

// cutKeys are the keys by which the plan ends access in a system, or sees that it has ended.
func (d *drafter) cutKeys(system string) []string {
	return slices.Concat(d.ends[system], d.asked[system])
}

// arrange puts the plan into the order in which its rules are written, for whoever reads it.
func (d *drafter) arrange(rules []Rule) {
	place := map[string]int{}
	for i, rule := range rules {
		place[rule.Name] = i - len(rules) // what no rule reached comes last
	}
	inPlaces(d.plan.Steps, func(s *Step) int { return place[s.Rule] })
	inPlaces(d.plan.Tasks, func(t *Task) int { return place[t.Rule] })
}

// inPlaces orders a list by places. It moves each element once and where it is, since they are large.
func inPlaces[T any](list []T, place func(*T) int) {
	type placed struct{ place, from int }
	order := make([]placed, len(list))
	for i := range list {
		order[i] = placed{place(&list[i]), i}
	}
	slices.SortStableFunc(order, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	for i := range order { // along each circle of elements that take each other's places
		if order[i].from < 0 {
			continue
		}
		first, to := list[i], i
		for from := order[to].from; from != i; from = order[to].from {
			list[to], order[to].from = list[from], -1
			to = from
		}
		list[to], order[to].from = first, -1
	}
}

func (d *drafter) owner(rule Rule, system *System) Person {
	if rule.Owner != "" {
		return d.roles(rule.Owner, d.plan.Case.Departure.Leaver)
	}
	if system.Owner.Named() {
		return system.Owner
	}
	return d.roles(system.Owner.Role, d.plan.Case.Departure.Leaver)
}
