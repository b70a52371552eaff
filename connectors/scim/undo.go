package scim

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// undo puts back what an action took away, by what was recorded before it.
func (s *service) undo(ctx context.Context, account exeunt.Account, action exeunt.Action, recorded map[string][]string) error {
	switch action {
	case exeunt.Disable:
		if len(recorded["enabled"]) == 0 {
			return nil
		}
		return s.activate(ctx, account, true)
	case exeunt.RemoveRoles:
		return s.giveRights(ctx, account, recorded)
	default:
		return s.joinGroups(ctx, account, recorded)
	}
}

// joinGroups makes the account a member again of what it was in.
func (s *service) joinGroups(ctx context.Context, account exeunt.Account, recorded map[string][]string) error {
	if _, err := s.user(ctx, account); err != nil { // else it would be a group that is not found
		return err
	}
	return connector.PutBack("groups", recorded["groups"], recorded["group_names"], func(id string) error {
		err := s.join(ctx, id, account.ID)
		if isKind(err, exeunt.Conflict) { // some services refuse what is so already
			return nil
		}
		return err
	})
}
