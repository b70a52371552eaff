package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
)

// Scaffold writes the file of a system that sources show and the inventory lacks: what is known is filled in, what only
// people know is left open with a word on what belongs there, and exeunt check says so until it is. name is how a source
// writes it.
func Scaffold(name string, items []Item, sheets []Sheet) (file string, text []byte, err error) {
	unknown := Unknown(items, sheets)
	i := slices.IndexFunc(unknown, func(a Application) bool { return applicationKey(a.Name) == applicationKey(name) })
	if i < 0 {
		return "", nil, exeunt.Errorf(exeunt.NotFound, "no source shows an application %q that the inventory lacks: see exeunt inventory gaps for the names", name)
	}
	return unknown[i].begin(name, items)
}

// Begin writes the file of a system of which a person says the name, with what sources and the public know of it.
func Begin(name string, items []Item, sheets []Sheet) (file string, text []byte, err error) {
	for _, a := range Unknown(items, sheets) {
		if applicationKey(a.Name) == applicationKey(name) {
			return a.begin(name, items)
		}
	}
	return Application{Name: name}.begin(name, items)
}

func (a Application) begin(name string, items []Item) (file string, text []byte, err error) {
	l := a.line()
	l.Name = cmp.Or(l.Name, a.Name)
	k, isKnown := KnownAs(a.Name)
	if !isKnown {
		k = Known{Name: slug(l.Name), Title: l.Name, Tier: a.tier()}
	}
	if slices.ContainsFunc(items, func(item Item) bool { return item.Name == k.Name }) {
		return "", nil, exeunt.Errorf(exeunt.Conflict, "the inventory has a system %s already: if it is that, exeunt inventory decide %q --is %s", k.Name, name, k.Name)
	}
	return "systems/" + k.Name + ".yaml", a.file(l, k, parent(items)), nil
}

// slug is a short name: small letters, digits and hyphens, beginning with a letter.
func slug(name string) string {
	s := strings.Join(coreOf(name), "-")
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, s)
	if s = strings.Trim(s, "-"); s == "" || s[0] < 'a' || s[0] > 'z' {
		s = strings.TrimSuffix("app-"+s, "-")
	}
	return s
}

// parent is the system through which the others sign in, where there is one only.
func parent(items []Item) string {
	var all []string
	for _, i := range items {
		if i.SSO != "" {
			all = append(all, i.SSO)
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 1 {
		return all[0]
	}
	return ""
}

func (a Application) file(l Line, k Known, parent string) []byte {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=system.schema.json\n#\n")
	for _, s := range a.sources() {
		fmt.Fprintf(&b, "# Shown by %s as %q%s.\n", s.Words(), a.Lines[s].Name, about(a.Lines[s]))
	}
	say := func(key, value, comment string) {
		line := strings.TrimRight(key+": "+value, " ")
		if comment != "" {
			line += " # " + comment
		}
		b.WriteString(line + "\n")
	}
	say("name", k.Name, "")
	say("title", scalar(k.Title), "")
	if k.Vendor != "" {
		say("vendor", scalar(k.Vendor), "")
	}
	say("kind", "manual", "a person does it; name a connector when one is set up")
	if _, signsOn := a.Lines[SignOn]; signsOn && federated(l.Mode) {
		say("sso", parent, "the system whose sign-in it uses")
	}
	say("identifier", string(cmp.Or(identifierIn(l.SignsIn), exeunt.WorkEmail)), "by what it knows people: look at one account")
	say("holds", flow(union(slices.Clone(k.Holds), l.Holds)), "what data lies there")
	if k.API != "" {
		say("api", k.API, "")
	}
	say("tier", fmt.Sprint(cmp.Or(k.Tier, 3)), "a guess: 1 where an open account does most harm, 3 least")
	if strings.Contains(l.Owner, "@") {
		say("owner", "{name: "+scalar(nameOf(l.Owner))+", email: "+scalar(l.Owner)+"}", "as "+wordsOf(a.sources())+" says; ask")
	} else {
		comment := "who does it when automation cannot: {role: it}, or {name: …, email: …}"
		if l.Owner != "" {
			comment += "; a source says " + strings.Join(strings.Fields(l.Owner), " ")
		}
		say("owner", "", comment)
	}
	say("fallback", "", "how access is ended by hand, for somebody who does it for the first time")
	say("retention", "", "what is kept, how long and in which form")
	return []byte(b.String())
}

func about(l Line) string {
	var out []string
	if l.Spend != 0 {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%.2f %s", l.Spend, l.Currency)))
	}
	if l.People > 0 {
		out = append(out, spelling.Count(l.People, "person", "people"))
	}
	if len(l.Departments) > 0 {
		out = append(out, strings.Join(l.Departments, ", "))
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.ReplaceAll(strings.Join(out, "; "), "\n", " ") + ")"
}

// nameOf guesses a person's name from an address: ida.berg@… is Ida Berg.
func nameOf(address string) string {
	local, _, _ := strings.Cut(address, "@")
	parts := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' || r == '-' })
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + p[1:]
	}
	return cmp.Or(strings.Join(parts, " "), address)
}

func flow(list []string) string {
	out := make([]string, len(list))
	for i, one := range list {
		out[i] = scalar(one)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// scalar quotes what YAML would read as something else than this text.
func scalar(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	plain := text != "" && !strings.ContainsAny(text, `:#{}[],&*!|>'"%@`+"`") && !strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "?") && strings.ContainsFunc(text, letter)
	switch strings.ToLower(text) {
	case "yes", "no", "true", "false", "null", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return text
	}
	return fmt.Sprintf("%q", text)
}
