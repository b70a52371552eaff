package scim

import (
	"context"
	"net/http"
	"net/url"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// undo puts back what an action took away, by what was recorded before it.
func (s *service) undo(ctx context.Context, account exeunt.Account, action exeunt.Action, recorded map[string][]string) error {
	if action == exeunt.Disable {
		if len(recorded["enabled"]) == 0 {
			return nil
		}
		return s.activate(ctx, account, true)
	}
	if _, err := s.user(ctx, account); err != nil { // else it would be a group that is not found
		return err
	}
	// A member that is there already is no change and a success (RFC 7644 §3.5.2.1).
	body := operation("add", "members", []any{map[string]string{"value": account.ID}})
	return connector.PutBack("groups", recorded["groups"], recorded["group_names"], func(id string) error {
		_, err := s.ask(ctx, http.MethodPatch, "/Groups/"+url.PathEscape(id), nil, body)
		if isKind(err, exeunt.Conflict) { // some services refuse what is so already
			return nil
		}
		return err
	})
}
