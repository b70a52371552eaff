package policy

import (
	"embed"
	"fmt"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

//go:embed shipped/*.yaml shipped/modifiers/*.yaml
var shipped embed.FS

// ShippedNames are the policies that come with the product, in the order in which they are asked.
var ShippedNames = []string{"immediate", "layoff", "standard"}

// modifierFiles are the shipped modifiers that count in every configuration. Those of jurisdictions count where a
// configuration names them, since what the law asks for wants a look by somebody who knows it.
var modifierFiles = []string{
	"shipped/modifiers/executive.yaml", "shipped/modifiers/on-leave.yaml", "shipped/modifiers/litigation-hold.yaml",
	"shipped/modifiers/privileged.yaml", "shipped/modifiers/contractor.yaml",
}

// policyFiles are the shipped policies, in the order in which they are asked.
func policyFiles() []string {
	out := make([]string, len(ShippedNames))
	for i, name := range ShippedNames {
		out[i] = "shipped/" + name + ".yaml"
	}
	return out
}

func shippedText(name string) ([]byte, error) {
	text, err := shipped.ReadFile(name)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.NotFound, "%s is not shipped", name)
	}
	return text, nil
}

// extended merges a policy into the shipped one that it extends; parent is the text of that.
func extended(f File, texts library) (merged File, parent []byte, problems []yamlfile.Problem) {
	var err error
	parent, err = texts("shipped/" + f.Extends + ".yaml")
	if err != nil {
		return f, nil, []yamlfile.Problem{{Path: "extends", What: exeunt.MessageOf(err), Remedy: "name one of them, or write the rules yourself"}}
	}
	doc := yamlfile.Parse("shipped/"+f.Extends+".yaml", parent)
	doc.Decode(&merged)
	for i, name := range f.Without {
		before := len(merged.Rules)
		merged.Rules = slices.DeleteFunc(merged.Rules, func(r Rule) bool { return r.Name == name })
		if len(merged.Rules) == before {
			problems = append(problems, yamlfile.Problem{Path: fmt.Sprintf("without[%d]", i), What: fmt.Sprintf("%s has no rule %q", f.Extends, name), Remedy: "see the shipped policy for the names of its rules"})
		}
	}
	for i := range merged.Rules {
		for _, name := range f.Without {
			merged.Rules[i].After = slices.DeleteFunc(merged.Rules[i].After, func(a After) bool { return a.Rule == name })
		}
	}
	return merged.overlay(f), parent, problems
}

// overlay puts what f says over the policy that it extends. Its own rules come first, so that their
// places in the file are theirs and their steps win over shipped ones.
func (base File) overlay(f File) File {
	out := base
	out.Name, out.Extends = f.Name, ""
	if f.Title != "" {
		out.Title = f.Title
	}
	if f.Applies != "" {
		out.Applies = f.Applies
	}
	if f.CutOff != "" {
		out.CutOff = f.CutOff
	}
	if f.AccessSLA != nil {
		out.AccessSLA = f.AccessSLA
	}
	if f.Embargo != nil {
		out.Embargo = f.Embargo
	}
	out.Rules = slices.Clone(f.Rules)
	for _, r := range base.Rules {
		if !slices.ContainsFunc(f.Rules, func(own Rule) bool { return own.Name == r.Name }) {
			out.Rules = append(out.Rules, r)
		}
	}
	return out
}
