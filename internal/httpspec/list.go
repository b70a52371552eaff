package httpspec

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// List implements connector.Lister, where the description says how everybody is listed.
func (s *system) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	l := s.spec.List
	if l == nil {
		return connector.Page{}, exeunt.Errorf(exeunt.Unsupported, "the description of %s does not say how its accounts are listed: add list to it, or compare an export by hand", s.spec.Title)
	}
	items, next, err := s.turn(ctx, listing{l.Path, l.Query, *l.List, l.Paging, s.spec.Find.ID}, cursor)
	if err != nil {
		return connector.Page{}, err
	}
	page := connector.Page{Next: next}
	for _, item := range items {
		f, err := s.found(item)
		if err != nil {
			return page, err
		}
		if f.Closed, err = all(item, l.Closed); err != nil {
			return page, err
		}
		page.Accounts = append(page.Accounts, f)
	}
	return page, nil
}

// all says whether there are conditions and an item of a list meets every one: what the description does not say of it is not so.
func all(item any, conditions []Condition) (bool, error) {
	if len(conditions) == 0 {
		return false, nil
	}
	return sight{"": answer{body: item}}.all(conditions)
}

// Applications implements connector.SignOn, where the description says how applications are listed.
func (s *system) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	l := s.spec.Applications
	if l == nil {
		return connector.Applications{}, exeunt.Errorf(exeunt.Unsupported, "the description of %s does not say how the applications are listed that it signs people in to: add applications to it, or import a CSV export of them", s.spec.Title)
	}
	items, next, err := s.turn(ctx, listing{l.Path, l.Query, *l.List, l.Paging, l.ID}, cursor)
	if err != nil {
		return connector.Applications{}, err
	}
	page := connector.Applications{Next: next}
	for _, item := range items {
		a, err := s.application(item)
		if err != nil {
			return page, err
		}
		page.Applications = append(page.Applications, a)
	}
	return page, nil
}

func (s *system) application(item any) (a connector.Application, err error) {
	l := s.spec.Applications
	a.ID, _ = textAt(item, l.ID)
	a.Name, _ = textAt(item, l.Name)
	if a.ID == "" || a.Name == "" {
		return a, s.unfit("an application without an id at " + l.ID + " or a name at " + l.Name)
	}
	if l.Mode != "" {
		a.Mode, _ = textAt(item, l.Mode)
	}
	if l.SignsIn != "" {
		a.SignsIn, _ = textAt(item, l.SignsIn)
	}
	if l.People != "" {
		a.People = count(item, l.People)
	}
	a.Inactive, err = all(item, l.Inactive)
	return a, err
}
