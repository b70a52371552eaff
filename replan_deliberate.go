package exeunt

import "time"

// Replan takes a case that is under way to the plan that the policies of now give, by a person's decision: a case keeps the
// policies that it was planned with until then, also when HR changes the departure. What becomes of what is done, pending
// or not asked for any more is as in Amend.
func (c Case) Replan(fresh Plan, steps []Step, tasks []Task, by Override, now time.Time) (Change, error) {
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	if c.Follows != 0 || c.PutsBack != 0 {
		return Change{}, Errorf(Conflict, "case %s goes on from a closed one: it has no plan of its own", c.ID)
	}
	t := Trigger{Source: by.By, Departure: c.Departure}
	change, err := c.replanned(t, fresh, steps, tasks, cause{"after the case was planned anew", &by}, now)
	if err != nil {
		return Change{}, err
	}
	return change, nil
}

// cause is why a case is planned anew.
type cause struct {
	after string    // "after HR's change"
	by    *Override // who decided it; nil for HR
}

// entry is how the record calls it.
func (c cause) entry() EntryKind {
	if c.by != nil {
		return EntryReplanned
	}
	return EntryAmended
}

func (c cause) what(source string) string {
	if c.by != nil {
		return "planned anew by " + c.by.By
	}
	return "amended by " + source
}

// Outcome is what a change leaves of a case: its steps and tasks as they will be.
func (c Change) Outcome(steps []Step, tasks []Task) Plan {
	out := Plan{Steps: replaced(steps, c.Steps, func(s Step) string { return s.Key }), Tasks: replaced(tasks, c.Tasks, func(t Task) string { return t.Key })}
	if c.Case != nil {
		out.Case = *c.Case
	}
	return out
}

// replaced puts changed elements into the places of those of the same key; others follow.
func replaced[T any](all, changed []T, key func(T) string) []T {
	at := map[string]int{}
	out := make([]T, 0, len(all)+len(changed))
	for _, list := range [][]T{all, changed} {
		for _, x := range list {
			if i, known := at[key(x)]; known {
				out[i] = x
				continue
			}
			at[key(x)] = len(out)
			out = append(out, x)
		}
	}
	return out
}

// Differences are what a change makes of a case, as people compare plans: without what is cancelled or withdrawn.
func (c Change) Differences(of Case, steps []Step, tasks []Task) []PlanDifference {
	return c.Outcome(steps, tasks).standing().Compare(Plan{Case: of, Steps: steps, Tasks: tasks}.standing())
}

func (p Plan) standing() Plan {
	out := Plan{Case: p.Case}
	for _, s := range p.Steps {
		if s.State != StepCancelled {
			out.Steps = append(out.Steps, s)
		}
	}
	for _, t := range p.Tasks {
		if t.State != TaskWithdrawn {
			out.Tasks = append(out.Tasks, t)
		}
	}
	return out
}

// Replanning is what planning a case anew changes, before it is done.
type Replanning struct {
	Policy              string           `json:"policy"` // as the case has it
	PolicyVersion       string           `json:"policy_version"`
	PolicySet           string           `json:"policy_set"`
	NewPolicy           string           `json:"new_policy"`
	NewPolicyVersion    string           `json:"new_policy_version"`
	NewPolicySet        string           `json:"new_policy_set"`
	Differences         []PlanDifference `json:"differences"`
	DecidesAboutEarlier bool             `json:"decides_about_earlier"` // the case owner is asked about what was done already
}

// Replanning describes a change by Replan.
func (c Change) Replanning(of Case, steps []Step, tasks []Task) Replanning {
	next := c.Outcome(steps, tasks)
	out := Replanning{
		Policy: of.Policy, PolicyVersion: of.PolicyVersion, PolicySet: of.PolicySet,
		NewPolicy: next.Case.Policy, NewPolicyVersion: next.Case.PolicyVersion, NewPolicySet: next.Case.PolicySet,
		Differences: c.Differences(of, steps, tasks),
	}
	for _, t := range c.Tasks {
		out.DecidesAboutEarlier = out.DecidesAboutEarlier || len(t.Offers) > 0
	}
	return out
}
