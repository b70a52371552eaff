package ui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Connectors are what the installation knows how to speak to.
type Connectors interface {
	// Sheets says what every connector can do.
	Sheets() ([]connector.Sheet, error)
	// SheetOf is the name of the sheet of a configured system's connector.
	SheetOf(system string) string
}

// connectorLine is one connector with the systems that use it.
type connectorLine struct {
	connector.Sheet
	Systems []exeunt.System
}

// proofs says how well what it does is proven.
func (l connectorLine) proofs() string {
	observed := 0
	for _, a := range l.Actions {
		if a.Proof == exeunt.Observed {
			observed++
		}
	}
	switch len(l.Actions) {
	case 0:
		return "–"
	case observed:
		return "All read back"
	default:
		return fmt.Sprintf("%d of %d read back", observed, len(l.Actions))
	}
}

// titles are its actions, in words and in order.
func (l connectorLine) titles() string {
	var titles []string
	for _, a := range l.Actions {
		titles = append(titles, a.Title)
	}
	switch {
	case len(titles) > 0:
		return strings.Join(titles, ", ")
	case l.Name == "http":
		return "What a description says"
	default:
		return "Nothing: a person does it"
	}
}

// named says what it is beside its title.
func (l connectorLine) named() string {
	if l.Name == l.Kind {
		return l.Name
	}
	return l.Name + ", by description"
}

func (s *server) connectorLines() ([]connectorLine, error) {
	sheets, err := s.Connectors.Sheets()
	if err != nil {
		return nil, err
	}
	var lines []connectorLine
	for _, sheet := range sheets {
		l := connectorLine{Sheet: sheet}
		for _, system := range s.Inventory.Systems() {
			if s.Connectors.SheetOf(system.Name) == sheet.Name {
				l.Systems = append(l.Systems, system)
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func (s *server) connectorsPage(v *visit) error {
	lines, err := s.connectorLines()
	if err != nil {
		return err
	}
	return v.show(connectorsTemplate(s.chrome(v, "inventory", "Connectors", crumb{"Systems", "/systems"}), lines))
}

func (s *server) connectorPage(v *visit) error {
	lines, err := s.connectorLines()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(lines, func(l connectorLine) bool { return l.Name == v.PathValue("name") })
	if i < 0 {
		return nothingHere()
	}
	crumbs := []crumb{{"Systems", "/systems"}, {"Connectors", "/connectors"}}
	return v.show(connectorTemplate(s.chrome(v, "inventory", lines[i].Title, crumbs...), lines[i]))
}

// settlesWords is how long a system may take to show an action.
func settlesWords(a exeunt.ActionSpec) string {
	if a.Settles == 0 {
		return "At once"
	}
	return "Within " + words(a.Settles)
}

// putBackWords says whether a departure that is rescinded gets it back.
func putBackWords(a exeunt.ActionSpec) string {
	if a.Destructive {
		return "No, data is lost"
	}
	return yes(a.Reversible)
}

// settingWords is what may stand in a setting.
func settingWords(set connector.Setting) string {
	if len(set.Values) > 0 {
		return strings.Join(set.Values, " or ")
	}
	return set.Type
}
