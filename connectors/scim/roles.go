package scim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// rights are the attributes of a user that hold what it may do (RFC 7643 §4.1.2). What their values mean is the service's own.
var rights = []string{"roles", "entitlements"}

// held is one value, as it is kept in a snapshot. display is for people, and of a service's own making.
type held struct {
	Value   string `json:"value"`
	Type    string `json:"type,omitempty"`
	Primary bool   `json:"primary,omitempty"`
	display string
}

func (h held) String() string {
	text, _ := json.Marshal(h) // two texts and a truth can always be written
	return string(text)
}

// heldOf are the values of one of the attributes. Some services write them as plain texts.
func heldOf(user resource, attribute string) (out []held) {
	list, _ := user[attribute].([]any)
	for _, item := range list {
		switch v := item.(type) {
		case string:
			out = append(out, held{Value: v})
		case map[string]any:
			primary, _ := truth(v["primary"])
			out = append(out, held{Value: text(v, "value"), Type: text(v, "type"), Primary: primary, display: text(v, "display")})
		}
	}
	return out
}

// lookAtRights tells what the account may do, by its own attributes.
func (s *service) lookAtRights(user resource, o *exeunt.Observation) {
	none := true
	for _, attribute := range rights {
		var names []string
		for _, h := range heldOf(user, attribute) {
			names = append(names, h.Value)
			if slices.Contains(s.Roles, attribute) {
				none = false
				o.Snapshot[attribute] = append(o.Snapshot[attribute], h.String())
			}
		}
		if len(names) > 0 {
			o.Facts[attribute] = strings.Join(names, ", ")
		}
	}
	if len(s.Roles) > 0 {
		o.Standing[exeunt.RemoveRoles] = standing(none)
	}
}

// removeRights clears the attributes.
func (s *service) removeRights(ctx context.Context, account exeunt.Account) error {
	user, err := s.user(ctx, account)
	if err != nil {
		return err
	}
	var operations []any
	for _, attribute := range s.Roles {
		if len(heldOf(user, attribute)) > 0 {
			operations = append(operations, map[string]any{"op": "remove", "path": attribute})
		}
	}
	return s.change(ctx, account, operations, func(user resource) {
		for _, attribute := range s.Roles {
			delete(user, attribute)
		}
	})
}

// giveRights puts values back. One that is there already is no change (RFC 7644 §3.5.2.1).
func (s *service) giveRights(ctx context.Context, account exeunt.Account, recorded map[string][]string) error {
	user, err := s.user(ctx, account)
	if err != nil {
		return err
	}
	missing := map[string][]any{}
	var operations []any
	for _, attribute := range rights {
		there := heldOf(user, attribute)
		for _, one := range recorded[attribute] {
			var h held
			if err := json.Unmarshal([]byte(one), &h); err != nil {
				return exeunt.Errorf(exeunt.Internal, "what was recorded under %s cannot be read", attribute).Because(err)
			}
			if !slices.ContainsFunc(there, func(t held) bool { return t.String() == one }) {
				missing[attribute] = append(missing[attribute], h)
			}
		}
		if len(missing[attribute]) > 0 {
			operations = append(operations, map[string]any{"op": "add", "path": attribute, "value": missing[attribute]})
		}
	}
	return s.change(ctx, account, operations, func(user resource) {
		for attribute, values := range missing {
			list, _ := user[attribute].([]any)
			user[attribute] = append(slices.Clone(list), values...)
		}
	})
}

// change changes a user by operations, or by replacing it where there is no PATCH.
func (s *service) change(ctx context.Context, account exeunt.Account, operations []any, instead func(resource)) error {
	if len(operations) == 0 {
		return nil
	}
	can, err := s.discover(ctx)
	if err != nil {
		return err
	}
	if can.patch {
		body := map[string]any{"schemas": []string{patchOp}, "Operations": operations}
		_, err = s.ask(ctx, http.MethodPatch, "/Users/"+url.PathEscape(account.ID), nil, body)
		if !isKind(err, exeunt.Unsupported) {
			return err
		}
	}
	return s.replace(ctx, account, can, instead)
}

// allowed refuses an account with a role, an entitlement or a group that the settings call privileged, of which HR does not know.
func (s *service) allowed(ctx context.Context, account exeunt.Account, leaver exeunt.Leaver) error {
	if len(s.PrivilegedRoles) == 0 || s.Privileged.Lets(leaver) {
		return nil
	}
	user, err := s.user(ctx, account)
	if err != nil {
		return err
	}
	var has []string
	for _, attribute := range rights {
		for _, h := range heldOf(user, attribute) {
			has = append(has, h.Value, h.display)
		}
	}
	if !s.WithoutGroups {
		groups, err := s.groups(ctx, account, user)
		if err != nil && !isKind(err, exeunt.Unsupported) {
			return err
		}
		for _, g := range groups {
			has = append(has, g.id, g.name)
		}
	}
	for _, name := range s.PrivilegedRoles {
		if slices.ContainsFunc(has, func(h string) bool { return strings.EqualFold(h, name) }) {
			return s.Privileged.Refuse("the account has " + name)
		}
	}
	return nil
}
