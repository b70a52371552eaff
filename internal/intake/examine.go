package intake

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Examine tells whether the source can do its part: whether its secret can be read, and whether what it asks the HR system
// is answered. It reads only. Whether the HR system reaches us only a delivery shows.
func (s *Source) Examine(ctx context.Context) ([]connector.Right, error) {
	signing := connector.Right{Name: "signing secret", State: connector.Granted}
	if secret, err := s.Secret.Reveal(); err != nil || secret == "" {
		signing.State, signing.Why, signing.Remedy = connector.Lacking, "it cannot be read, so that no delivery is believed", "set "+s.Secret.String()+" for the server's user"
	}
	rights := []connector.Right{signing}
	if asks, ok := s.format.(interface {
		examine(context.Context) ([]connector.Right, error)
	}); ok {
		more, err := asks.examine(ctx)
		if err != nil {
			return rights, err
		}
		rights = append(rights, more...)
	}
	return append(rights, connector.Right{Name: "deliveries", State: connector.Unknown, Why: "only a delivery shows that the HR system reaches us and signs with the same secret",
		Remedy: "let the HR system send a test to /hooks/" + s.Name + " of this server"}), nil
}

// examine reads the employee to whom the API key belongs, whose id is 0 for BambooHR (its documentation, Get employee).
func (b *bamboo) examine(ctx context.Context) ([]connector.Right, error) {
	if b.api == nil { // nothing is asked, and nothing needs a right
		return nil, nil
	}
	right := connector.Right{Name: "read employees by the API key", State: connector.Granted}
	if _, err := b.api.key.Reveal(); err != nil {
		right.State, right.Why, right.Remedy = connector.Lacking, exeunt.MessageOf(err), "set it for the server's user"
		return []connector.Right{right}, nil
	}
	_, err := b.api.employee(ctx, "0", []string{"id"})
	if exeunt.KindOf(err) != exeunt.Invalid { // which is a key of nobody who is an employee: an answer all the same
		right, err = connector.Tried(right.Name, "renew api_key, or give its user access to employees and the mapped fields", err)
	} else {
		err = nil
	}
	return []connector.Right{right}, err
}
