package okta

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// tooLate is why factors are left where an account is deactivated (description of unenrollFactor).
const tooLate = "the account is deactivated: nobody signs in with its factors, and Okta takes none from a deactivated account"

// look is an observation in the making.
type look struct {
	*api
	user user
	exeunt.Observation
}

// Observe reads the account by its id, and of what it has as much as is wanted: each kind of thing is a request.
func (a *api) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	u, err := a.user(ctx, account.ID)
	if err != nil {
		return exeunt.Observation{}, err
	}
	l := &look{api: a, user: u, Observation: exeunt.Observation{
		At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Why: map[exeunt.Action]string{}, Snapshot: map[string][]string{},
		Facts: map[string]string{"status": u.Status, "status_changed": u.Changed},
	}}
	l.status()
	for _, part := range []struct {
		action exeunt.Action
		see    func(context.Context) error
	}{
		{exeunt.HandOver, l.seeOwned}, {exeunt.ResetFactors, l.seeFactors}, {exeunt.RevokeGrants, l.seeGrants}, {exeunt.RevokeTokens, l.seeTokens}, {exeunt.RemoveRoles, l.seeRoles},
		{exeunt.RemoveGroups, l.seeGroups}, {exeunt.RemoveApps, l.seeApplications}, {exeunt.LockDevices, l.seeDevices},
	} {
		if !a.can(part.action) || !connector.Looks(ctx, part.action) {
			continue
		}
		if err := part.see(ctx); err != nil && !l.hides(ctx, part.action, err) {
			return exeunt.Observation{}, err
		}
	}
	return l.Observation, nil
}

// hides makes an action unknown of which a look at everything may not see the things, and says why: the others are shown. A
// look at that action alone fails instead, with the reason.
func (l *look) hides(ctx context.Context, action exeunt.Action, err error) bool {
	if !is(err, exeunt.Denied) && !is(err, exeunt.Unsupported) || !connector.LooksAtAll(ctx) {
		return false
	}
	l.Standing[action] = exeunt.Unknown
	l.Facts[string(action)] = "not shown: " + exeunt.MessageOf(err)
	return true
}

// status says how the account stands. One that is on its way to another status is looked at again: Okta does that by itself.
func (l *look) status() {
	if l.user.Turning != "" {
		l.Facts["transitioning_to"] = l.user.Turning
	}
	if from := l.user.Credential.Provider.Type; from != "" {
		l.Facts["password_kept_by"] = from
	}
	l.stands(exeunt.Disable, l.user.closed())
	switch l.user.Turning {
	case deactivated:
		l.Standing[exeunt.Disable] = exeunt.Pending
	case "ACTIVE", "PROVISIONED":
		if l.user.closed() {
			l.Standing[exeunt.Disable] = exeunt.Pending
		}
	}
	if l.Standing[exeunt.Disable] == exeunt.Absent {
		l.Snapshot["enabled"] = []string{"true"}
	}
	if !l.can(exeunt.Deactivate) {
		return
	}
	l.stands(exeunt.Deactivate, l.user.Status == deactivated)
	if l.user.Turning != "" && (l.user.Turning == deactivated) != (l.user.Status == deactivated) {
		l.Standing[exeunt.Deactivate] = exeunt.Pending
	}
}

func (l *look) stands(action exeunt.Action, so bool) {
	l.Standing[action] = exeunt.Absent
	if so {
		l.Standing[action] = exeunt.Holds
	}
}

// seeFactors takes factors that are left on a deactivated account for moot. Whether Okta lists them then is unverified.
func (l *look) seeFactors(ctx context.Context) error {
	factors, err := l.factors(ctx, l.user.ID)
	if l.user.Status == deactivated && (len(factors) > 0 || is(err, exeunt.Conflict) || is(err, exeunt.Denied)) {
		l.Standing[exeunt.ResetFactors], l.Why[exeunt.ResetFactors] = exeunt.Moot, tooLate
		return nil
	}
	if err != nil {
		return err
	}
	l.stands(exeunt.ResetFactors, len(factors) == 0)
	l.Facts["factors"] = strconv.Itoa(len(factors))
	return nil
}

func (l *look) seeGrants(ctx context.Context) error {
	consents, err := l.consents(ctx, l.user.ID)
	if err != nil {
		return err
	}
	clients, err := l.clients(ctx, l.user.ID)
	if err != nil {
		return err
	}
	l.stands(exeunt.RevokeGrants, consents == 0 && len(clients) == 0)
	l.Facts["consents"], l.Facts["applications_with_tokens"] = strconv.Itoa(consents), strconv.Itoa(len(clients))
	return nil
}

func (l *look) seeTokens(ctx context.Context) error {
	tokens, err := l.tokens(ctx, l.user.ID)
	if err != nil {
		return err
	}
	l.stands(exeunt.RevokeTokens, len(tokens) == 0)
	l.Facts["api_tokens"] = strconv.Itoa(len(tokens))
	for _, t := range tokens {
		l.Snapshot["api_tokens"] = append(l.Snapshot["api_tokens"], t.Name)
	}
	return nil
}

// seeOwned lists what others depend on and nobody else has.
func (l *look) seeOwned(ctx context.Context) error {
	tokens, err := l.tokens(ctx, l.user.ID)
	if err != nil {
		return err
	}
	owned, err := l.owned(ctx, l.user.ID)
	if err != nil {
		return err
	}
	var items []string
	for _, t := range tokens {
		items = append(items, "the API token "+t.Name+": let what works with it have another, and revoke this one")
	}
	for _, g := range owned {
		items = append(items, "the group "+g.Profile.Name+" ("+g.ID+"), which nobody else owns")
	}
	l.HandOver(exeunt.HandOver, items)
	return nil
}

func (l *look) seeRoles(ctx context.Context) error {
	own, byGroup, err := l.roles(ctx, l.user.ID)
	if err != nil {
		return err
	}
	l.stands(exeunt.RemoveRoles, len(own) == 0)
	l.Facts["admin_roles"] = strconv.Itoa(len(own))
	for _, r := range own {
		l.Snapshot["roles"] = append(l.Snapshot["roles"], r.name())
	}
	var left []string
	for _, r := range byGroup {
		left = append(left, r.name())
	}
	l.leaves("admin_roles_by_group", left)
	return nil
}

func (l *look) seeGroups(ctx context.Context) error {
	own, stay, err := l.groups(ctx, l.user.ID)
	if err != nil {
		return err
	}
	l.stands(exeunt.RemoveGroups, len(own) == 0)
	l.Facts["groups"] = strconv.Itoa(len(own))
	for _, g := range own {
		l.Snapshot["groups"] = append(l.Snapshot["groups"], g.ID)
		l.Snapshot["group_names"] = append(l.Snapshot["group_names"], g.Profile.Name)
	}
	l.leaves("groups_left", stay)
	return nil
}

func (l *look) seeApplications(ctx context.Context) error {
	own, byGroup, err := l.applications(ctx, l.user.ID)
	if err != nil {
		return err
	}
	l.stands(exeunt.RemoveApps, len(own) == 0)
	l.Facts["applications"] = strconv.Itoa(len(own))
	for _, one := range own {
		l.Snapshot["applications"] = append(l.Snapshot["applications"], one.Label)
	}
	l.leaves("applications_by_group", byGroup)
	return nil
}

func (l *look) seeDevices(ctx context.Context) error {
	devices, err := l.devices(ctx, l.user.ID)
	if err != nil {
		return err
	}
	working := 0
	for _, d := range devices {
		if !d.working() {
			continue
		}
		working++
		l.Snapshot["devices"] = append(l.Snapshot["devices"], d.ID)
		l.Snapshot["device_names"] = append(l.Snapshot["device_names"], d.Display.Value)
	}
	l.stands(exeunt.LockDevices, working == 0)
	l.Facts["devices"] = strconv.Itoa(working)
	return nil
}

// leaves names what an action leaves where it is.
func (l *look) leaves(fact string, names []string) {
	if len(names) > 0 {
		l.Facts[fact] = strings.Join(names, ", ")
	}
}
