package entra

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Apply does one action. It looks for itself first: what is acted on is what is there now.
func (t *tenant) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able(name, t.Specs(), action, with); err != nil {
		return err
	}
	l, err := t.look(ctx, account, func(a exeunt.Action) bool {
		return a == action || !with.Undo && (a == exeunt.RemoveRoles || a == exeunt.RemoveGroups) // who is an administrator is asked first
	})
	if err == nil {
		err = t.shows(l, action)
	}
	switch {
	case err != nil:
		return err
	case with.Undo:
		return t.undo(ctx, l, action, with.Snapshot)
	}
	if err := t.mayAct(l, with.Leaver); err != nil {
		return err
	}
	return t.act(ctx, l, action, with)
}

func (t *tenant) act(ctx context.Context, l *look, action exeunt.Action, with connector.Parameters) error {
	switch action {
	case exeunt.ResetFactors:
		return t.removeFactors(ctx, l)
	case exeunt.ResetPassword:
		return t.resetPassword(ctx, l, with)
	case exeunt.Disable:
		return t.enable(ctx, l, false)
	case exeunt.RevokeSessions, exeunt.RevokeSessionsAgain:
		return t.revokeSessions(ctx, l, with)
	case exeunt.RemoveRoles:
		return t.removeRoles(ctx, l, with)
	case exeunt.RemoveGroups:
		return t.removeGroups(ctx, l, with)
	case exeunt.RemoveApps:
		return t.removeAssignments(ctx, l, with)
	case exeunt.RevokeGrants:
		return t.revokeConsents(ctx, l)
	case exeunt.LockDevices:
		return t.disableDevices(ctx, l, with)
	case exeunt.SetAutoReply:
		return t.setReply(ctx, l)
	case exeunt.TransferData:
		return t.share(ctx, l, with)
	default: // Able refused all others
		return t.reclaim(ctx, l)
	}
}

// mayAct asks first for an account with an administrator role of which HR does not know: nobody has approved that an
// administrator is ended. Of whom HR knows it, the configuration says what needs approval before a step begins. Where roles
// may not be read, Entra's own protection of administrators is what is left: it refuses all but a higher one.
func (t *tenant) mayAct(l *look, leaver exeunt.Leaver) error {
	held := l.privileges()
	if len(held) == 0 || t.Privileged.Lets(leaver) {
		return nil
	}
	return t.Privileged.Refuse("the account holds " + told(held))
}

// enable opens and closes the account.
func (t *tenant) enable(ctx context.Context, l *look, on bool) error {
	if l.user.Synchronised {
		// Not Unsupported, so that it is looked at again: the synchronisation shows here what is done there.
		return exeunt.Errorf(exeunt.Conflict, "the account comes from Active Directory: change it there, since the next synchronisation (every 30 minutes by default) would undo what is changed here")
	}
	_, err := t.send(ctx, http.MethodPatch, "/users/"+l.user.ID, map[string]bool{"accountEnabled": on})
	return ranking(l, err)
}

// ranking says of a refusal that the account may be too high for us.
func ranking(l *look, err error) error {
	if held := l.privileges(); refusedAs(err, exeunt.Denied) && len(held) > 0 {
		return exeunt.Errorf(exeunt.Denied, "%s lets only a higher administrator do this to an account that holds %s: give our application a role above it, or do it by hand", name, told(held)).Because(err)
	}
	return err
}

// resetPassword sets one that nobody knows.
func (t *tenant) resetPassword(ctx context.Context, l *look, with connector.Parameters) error {
	if l.user.Synchronised {
		return exeunt.Errorf(exeunt.Conflict, "%s", passwordElsewhere)
	}
	profile := map[string]any{"password": rand.Text() + "-" + strings.ToLower(rand.Text()), "forceChangePasswordNextSignIn": true}
	if _, err := t.send(ctx, http.MethodPatch, "/users/"+l.user.ID, map[string]any{"passwordProfile": profile}); err != nil {
		return ranking(l, err)
	}
	return t.moved(ctx, l, "lastPasswordChangeDateTime", with.Begun)
}

// revokeSessions makes every session that was begun before now worthless, and sees that the moment from which sessions
// count has moved: an answer alone is no proof.
func (t *tenant) revokeSessions(ctx context.Context, l *look, with connector.Parameters) error {
	a, err := t.send(ctx, http.MethodPost, "/users/"+l.user.ID+"/revokeSignInSessions", nil)
	if err != nil {
		return err
	}
	// The documentation has {"value": true}, and 204 as a known issue.
	var done struct {
		Value *bool `json:"value"`
	}
	if len(a.Body) > 0 {
		if err := a.Decode(&done); err != nil {
			return err
		}
	}
	if done.Value != nil && !*done.Value {
		return exeunt.Errorf(exeunt.Temporary, "%s answered that the sessions were not revoked", name)
	}
	return t.moved(ctx, l, "signInSessionsValidFromDateTime", with.Begun)
}

// Graph's moments and its Date header are cut to seconds. A replica may show the moment of an earlier attempt for minutes.
const (
	grain    = 2 * time.Second
	recently = 15 * time.Minute
)

// moved sees that a moment of the user is not older than the step that moves it, by Graph's own clock: an answer alone is no
// proof, nor is what an earlier step did. When the step begun is not told, whatever is recent counts.
func (t *tenant) moved(ctx context.Context, l *look, property string, begun time.Time) error {
	a, err := t.send(ctx, http.MethodGet, under("", "$select", "id,"+property)(l.user.ID), nil)
	if err != nil {
		return err
	}
	var after map[string]any
	if err := a.Decode(&after); err != nil {
		return err
	}
	ours := time.Now()
	theirs, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		theirs = ours
	}
	since := theirs.Add(-recently)
	if at := begun.Add(theirs.Sub(ours) - grain); at.After(since) {
		since = at
	}
	moment, _ := after[property].(string)
	if at, err := time.Parse(time.RFC3339, moment); err != nil || at.Before(since) {
		return exeunt.Errorf(exeunt.Temporary, "%s accepted the change and does not show it yet; it is made again", name)
	}
	return nil
}

// undo puts back what an action took away, by what was recorded before it.
func (t *tenant) undo(ctx context.Context, l *look, action exeunt.Action, snapshot map[string][]string) error {
	switch action {
	case exeunt.Disable:
		if len(snapshot["enabled"]) == 0 {
			return nil
		}
		return t.enable(ctx, l, true)
	case exeunt.RemoveRoles:
		return t.giveRoles(ctx, l.user.ID, snapshot)
	case exeunt.RemoveGroups:
		return t.joinGroups(ctx, l.user.ID, snapshot)
	case exeunt.RemoveApps:
		return t.assign(ctx, l.user.ID, snapshot)
	case exeunt.LockDevices:
		return t.enableDevices(ctx, snapshot)
	default: // set_auto_reply; Able refused all others
		if len(snapshot["auto_reply"]) == 0 || l.mailbox == nil {
			return nil
		}
		return t.dropReply(ctx, l.user.ID, strings.Join(snapshot["auto_reply_status"], ""))
	}
}
