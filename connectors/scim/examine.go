package scim

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Examine implements connector.Examiner. What may be read is tried; SCIM has no request that tells what a token may write.
func (s *service) Examine(ctx context.Context) ([]connector.Right, error) {
	one := search{Schemas: []string{searchRequest}, StartIndex: 1, Count: 1}
	users, err := s.reads(ctx, "Users", one)
	if err != nil {
		return nil, err
	}
	rights := []connector.Right{users}
	if !s.WithoutGroups {
		groups, err := s.reads(ctx, "Groups", one, exeunt.RemoveGroups)
		if err != nil {
			return nil, err
		}
		if groups.State == connector.Lacking {
			groups.Remedy += "; where the service has no groups, set without_groups: true"
		}
		rights = append(rights, groups)
	}
	can, err := s.discover(ctx)
	if err != nil {
		return nil, err
	}
	if !can.filter {
		rights[0].Why = "the service says that it has no filters: everybody is read to find one"
	}
	for _, spec := range s.Specs() {
		only := []exeunt.Action{spec.Action}
		write := connector.Right{Name: "Users: write", For: only, State: connector.Unknown, Why: "SCIM does not tell what credentials may write", Remedy: connector.Rehearse}
		if spec.Action == exeunt.RemoveGroups {
			write.Name = "Groups: write"
			if !can.patch && !can.etag {
				write.State, write.Why, write.Remedy = connector.Lacking, "the service says that it supports neither PATCH nor versions (ETag), without which members of groups are not changed safely", "set without_groups: true, so that its owner does it"
			}
		}
		rights = append(rights, write)
	}
	return rights, nil
}

// reads tries to read a list of one.
func (s *service) reads(ctx context.Context, of string, one search, serves ...exeunt.Action) (connector.Right, error) {
	page, err := s.page(ctx, "/"+of, one, false)
	if _, ok := number(page["totalResults"]); err == nil && !ok {
		err = exeunt.Errorf(exeunt.Invalid, "%s answered a search with something that is no ListResponse", name)
	}
	remedy := "check base_url, and give the credentials the scope to read " + of
	return connector.Tried(of+": read", remedy, err, serves...)
}
