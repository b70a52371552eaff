package ui

import (
	"cmp"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// compared are the systems whose accounts the newest reconciliation compared with the people: of the others nobody knows
// who is at risk before they leave.
func compared(r exeunt.Reconciliation) map[string]bool {
	out := map[string]bool{}
	for _, s := range r.Systems {
		if s.State == exeunt.ReconcileDone {
			out[s.System] = true
		}
	}
	return out
}

// systemLines are the systems of the inventory with what the cases and the newest reconciliation say of them.
func (s *server) systemLines(v *visit, alone []leftAlone) ([]systemLine, error) {
	systems, read := s.Inventory.Systems(), s.Reader(v.Viewer())
	stats, err := read.SystemStats(v.Context(), systems, v.now)
	if err != nil {
		return nil, err
	}
	r, err := read.Reconciliation(v.Context())
	if err != nil && exeunt.KindOf(err) != exeunt.NotFound {
		return nil, err
	}
	lines, known := systemLines(systems, stats, alone, v.now), compared(r)
	for i, l := range lines {
		lines[i].Compared = known[l.System.Name]
	}
	return lines, nil
}

// atRisk is how many people are at risk in a system, and why that is not known where it is not.
func (l systemLine) atRisk() (words, why string) {
	n := l.Stats.AtRisk.People()
	if n == 0 && !l.Compared {
		return "–", "Its accounts were not compared with the people"
	}
	return number(n), ""
}

// riskGap says in words what puts people at risk, as the reconciliation saw it; "" when nothing does.
func riskGap(r store.AtRisk) string {
	switch {
	case r.Left > 0:
		return plural(r.Left, "person who left has", "people who left have") + " an open account"
	case r.Unsure > 0:
		return plural(r.Unsure, "person", "people") + ": account differs, or is not the only one"
	default:
		return ""
	}
}

// riskView is who is at risk in one system.
type riskView struct {
	Counts     store.AtRisk
	Compared   bool
	Unfinished []store.Unfinished
	Left       []exeunt.Finding // who left and still has an open account
}

// risksShown is how many of each kind are named.
const risksShown = 10

func (s *server) risks(v *visit, l systemLine) (riskView, error) {
	view := riskView{Counts: l.Stats.AtRisk, Compared: l.Compared}
	read, name := s.Reader(v.Viewer()), l.System.Name
	var err error
	if view.Counts.Unfinished > 0 {
		if view.Unfinished, err = read.Unfinished(v.Context(), name, v.now, risksShown); err != nil {
			return view, err
		}
	}
	if view.Counts.Left > 0 {
		found, err := read.Findings(v.Context(), store.FindingQuery{System: name, Kind: exeunt.FoundOrphaned, Limit: 3 * risksShown})
		if err != nil {
			return view, err
		}
		view.Left = slices.DeleteFunc(found, func(f exeunt.Finding) bool { return !stillOpen(f) || f.Decided != nil })
		view.Left = view.Left[:min(len(view.Left), risksShown)]
	}
	return view, nil
}

// findings is the address of what a reconciliation found in a system.
func findings(system string, k exeunt.FindingKind) string {
	return address("/accounts", accountsFilter{Kind: k, System: system}.values())
}

// tierCoverage is in how many systems of a tier access ends without a person's doing.
type tierCoverage struct{ Tier, Covered, Systems int }

func (v systemsView) coverage() []tierCoverage {
	byTier := map[int]*tierCoverage{}
	for _, l := range v.All {
		c := byTier[l.System.Tier]
		if c == nil {
			c = &tierCoverage{Tier: l.System.Tier}
			byTier[l.System.Tier] = c
		}
		c.Systems++
		if l.Status != statusPerson {
			c.Covered++
		}
	}
	var out []tierCoverage
	for _, c := range byTier {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b tierCoverage) int { return cmp.Compare(a.Tier, b.Tier) })
	return out
}
