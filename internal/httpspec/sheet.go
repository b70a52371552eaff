package httpspec

import (
	"maps"
	"reflect"
	"slices"

	"github.com/exeunt/exeunt/connector"
)

// Sheet says what the description can do and which settings it asks for.
func (s *Spec) Sheet() connector.Sheet {
	all := connector.Kind{Name: "http", Title: s.Title, Actions: s.ActionSpecs(), Settings: reflect.TypeFor[Settings]()}.Sheet()
	all.Name, all.Source, all.SignsIn = s.Name, s.Source, s.Auth.words()
	asked := s.Auth.asks()
	all.Settings = slices.DeleteFunc(all.Settings, func(set connector.Setting) bool {
		return set.Name == "values" || credential[set.Name] && !slices.Contains(asked, set.Name)
	})
	for i, set := range all.Settings {
		switch {
		case set.Name == "spec":
			all.Settings[i].Meaning, all.Settings[i].Values = "This description.", []string{s.Name}
		case set.Name == "identifier":
			all.Settings[i].Meaning = "Which of the leaver's identifiers the search takes; " + string(s.Find.Identifier) + " when left out."
		case credential[set.Name]:
			if own, ok := meanings[s.Auth.Kind][set.Name]; ok {
				all.Settings[i].Meaning = own
			}
			all.Settings[i].Required = set.Name != "token_url" || s.Auth.TokenPath == ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		all.Settings = append(all.Settings, connector.Setting{Name: "values." + name, Type: "text", Required: true, Meaning: s.Values[name]})
	}
	for _, p := range s.Check {
		all.Asks = append(all.Asks, p.Right)
	}
	if len(s.Check) == 0 {
		all.Asks = []string{"search people"}
	}
	return all
}

// meanings are what credentials are, where the way to sign in gives them another than the usual one.
var meanings = map[string]map[string]string{"session": {"username": "The user that signs in.", "password": "Of that user."}}

// credential are the settings by which some description signs in.
var credential = map[string]bool{"token": true, "username": true, "password": true, "client_id": true, "client_secret": true, "token_url": true}

// asks are the settings that a way to sign in takes.
func (a Auth) asks() []string {
	switch a.Kind {
	case "bearer", "header", "basic-token":
		return []string{"token"}
	case "basic", "session":
		return []string{"username", "password"}
	case "oauth2":
		return []string{"client_id", "client_secret", "token_url"}
	default:
		return nil
	}
}

// words says how requests are signed in.
func (a Auth) words() string {
	switch a.Kind {
	case "bearer":
		return "a bearer token"
	case "header":
		return "a token in the header " + a.Header
	case "basic":
		return "HTTP basic, with username and password"
	case "basic-token":
		return "HTTP basic, with a token as the user"
	case "session":
		return "a session, begun with username and password"
	case "oauth2":
		return "OAuth 2 client credentials"
	default:
		return "nothing"
	}
}
