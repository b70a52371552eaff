package scim

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Observe reads the user by id, and its groups.
func (s *service) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	user, err := s.user(ctx, account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{}, Snapshot: map[string][]string{}}
	if active, ok := truth(user["active"]); ok {
		o.Standing[exeunt.Disable] = standing(!active)
		o.Facts["active"] = strconv.FormatBool(active)
		if active {
			o.Snapshot["enabled"] = []string{"true"}
		}
	} else {
		o.Facts["active"] = "not shown" // the attribute is optional: RFC 7643 §4.1.1
	}
	s.lookAtRights(user, &o)
	if s.WithoutGroups {
		return o, nil
	}
	groups, err := s.groups(ctx, account, user)
	if isKind(err, exeunt.Unsupported) {
		return o, nil // cannot be listed, so nothing is known of them
	}
	if err != nil {
		return exeunt.Observation{}, err
	}
	o.Standing[exeunt.RemoveGroups] = standing(len(groups) == 0)
	o.Facts["groups"] = strconv.Itoa(len(groups))
	o.Snapshot["groups"], o.Snapshot["group_names"] = []string{}, []string{}
	for _, g := range groups {
		o.Snapshot["groups"] = append(o.Snapshot["groups"], g.id)
		o.Snapshot["group_names"] = append(o.Snapshot["group_names"], g.name)
	}
	return o, nil
}

func standing(holds bool) exeunt.Standing {
	if holds {
		return exeunt.Holds
	}
	return exeunt.Absent
}

func (s *service) user(ctx context.Context, account exeunt.Account) (resource, error) {
	user, err := s.ask(ctx, http.MethodGet, "/Users/"+url.PathEscape(account.ID), nil, nil)
	if err != nil {
		return nil, err
	}
	if id := text(user, "id"); id != account.ID {
		return nil, exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", name)
	}
	return user, nil
}

// Apply does one action.
func (s *service) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able("a "+name, s.Specs(), action, with); err != nil {
		return err
	}
	if with.Undo {
		return s.undo(ctx, account, action, with.Snapshot)
	}
	if err := s.allowed(ctx, account, with.Leaver); err != nil {
		return err
	}
	switch action {
	case exeunt.Disable:
		return s.activate(ctx, account, false)
	case exeunt.RemoveRoles:
		return s.removeRights(ctx, account)
	default:
		return s.removeGroups(ctx, account, with.Seen)
	}
}

func operation(op, path string, value any) map[string]any {
	o := map[string]any{"op": op, "path": path}
	if value != nil {
		o["value"] = value
	}
	return map[string]any{"schemas": []string{patchOp}, "Operations": []any{o}}
}

func text(r resource, field string) string {
	s, _ := r[field].(string)
	return s
}

func items(r resource, field string) []resource {
	list, _ := r[field].([]any)
	var out []resource
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}
