package google

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// patch writes some of the account's own fields.
func (t *tenant) patch(ctx context.Context, u user, fields map[string]any) error {
	return t.do(ctx, t.users, http.MethodPatch, u.path(""), fields)
}

// resetPassword sets one that nobody knows, and clears where a forgotten one would be sent to.
func (t *tenant) resetPassword(ctx context.Context, u user) error {
	return t.patch(ctx, u, map[string]any{
		"password": rand.Text() + "-a1", "changePasswordAtNextLogin": false, "recoveryEmail": "", "recoveryPhone": "",
	})
}

// lookAtFactors counts the backup codes without reading them.
func (t *tenant) lookAtFactors(ctx context.Context, u user, s *sight) error {
	var codes struct{ Items []struct{ UserID string } }
	err := t.get(ctx, t.security, u.path("/verificationCodes"), url.Values{"fields": {"items(userId)"}}, &codes)
	unread := isKind(err, exeunt.Invalid) && (u.Suspended || !u.Enrolled) // of whom there are none to show (unverified)
	if err != nil && !unread {
		return err
	}
	facts := map[string]string{"backup codes": strconv.Itoa(len(codes.Items)), "2-step verification": "off"}
	switch {
	case u.Enrolled && u.Enforced:
		facts["2-step verification"] = "on, and enforced: it stays"
	case u.Enrolled:
		facts["2-step verification"] = "on"
	}
	if reset := len(codes.Items) == 0 && (!u.Enrolled || u.Enforced); reset || !u.Suspended {
		s.tell(exeunt.ResetFactors, standing(reset), facts, nil)
		return nil
	}
	// Source: GAM's wiki, Users-Deprovision.
	s.moot(exeunt.ResetFactors, "the account is suspended: Google does not change its factors, and they let nobody in", facts)
	return nil
}

func (t *tenant) resetFactors(ctx context.Context, u user) error {
	if u.Suspended {
		return exeunt.Errorf(exeunt.Conflict, "%s does not change the factors of a suspended account", name)
	}
	if err := scoped(t.do(ctx, t.security, http.MethodPost, u.path("/verificationCodes/invalidate"), nil)); err != nil {
		return err
	}
	if !u.Enrolled || u.Enforced {
		return nil
	}
	// Of who is not enrolled any more it is Invalid.
	return gone(t.do(ctx, t.security, http.MethodPost, u.path("/twoStepVerification/turnOff"), nil), exeunt.Invalid)
}

// gone takes the words by which Google says that something is not there any more as done: looking again shows whether it is.
func gone(err error, words ...exeunt.ErrorKind) error {
	if err != nil && slices.Contains(words, exeunt.KindOf(err)) {
		return nil
	}
	return scoped(err)
}

type appPassword struct {
	CodeID int    `json:"codeId"`
	Name   string `json:"name"`
}

func (t *tenant) lookAtAppPasswords(ctx context.Context, u user, s *sight) error {
	var list struct{ Items []appPassword }
	if err := t.get(ctx, t.security, u.path("/asps"), url.Values{"fields": {"items(codeId,name)"}}, &list); err != nil {
		return err
	}
	var names []string
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	s.appPasswords = list.Items
	s.tell(exeunt.RevokeTokens, standing(len(names) == 0), map[string]string{"app passwords": counted(names)}, map[string][]string{"app_passwords": names})
	return nil
}

func (t *tenant) removeAppPasswords(ctx context.Context, s *sight) error {
	return connector.Each(s.appPasswords, func(p appPassword) string { return p.Name }, func(p appPassword) error {
		return gone(t.remove(ctx, t.security, s.user.path("/asps/"+strconv.Itoa(p.CodeID))), exeunt.Invalid, exeunt.NotFound)
	})
}

type grant struct {
	ClientID    string `json:"clientId"`
	DisplayText string `json:"displayText"`
}

// title is what the person knows an application by.
func (g grant) title() string { return cmp.Or(g.DisplayText, g.ClientID) }

func (t *tenant) lookAtGrants(ctx context.Context, u user, s *sight) error {
	var list struct{ Items []grant }
	if err := t.get(ctx, t.security, u.path("/tokens"), url.Values{"fields": {"items(clientId,displayText)"}}, &list); err != nil {
		return err
	}
	var names []string
	for _, g := range list.Items {
		names = append(names, g.title())
	}
	s.grants = list.Items
	s.tell(exeunt.RevokeGrants, standing(len(names) == 0), map[string]string{"grants": counted(names)}, map[string][]string{"grants": names})
	return nil
}

func (t *tenant) revokeGrants(ctx context.Context, s *sight) error {
	return connector.Each(s.grants, grant.title, func(g grant) error {
		return gone(t.remove(ctx, t.security, s.user.path("/tokens/"+url.PathEscape(g.ClientID))), exeunt.NotFound)
	})
}

// signOut ends web and device sessions and resets the sign-in cookies.
// Source: developers.google.com/workspace/admin/directory/reference/rest/v1/users/signOut.
func (t *tenant) signOut(ctx context.Context, u user) error {
	err := scoped(t.do(ctx, t.security, http.MethodPost, u.path("/signOut"), nil))
	if u.Suspended && (isKind(err, exeunt.Invalid) || isKind(err, exeunt.Conflict)) {
		t.signedOut.Store(u.ID, true) // the look after this tells
		return exeunt.Errorf(exeunt.Conflict, "%s does not sign out an account that is suspended", name)
	}
	return err
}
