package google

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// mailbox asks Gmail as the person whose mailbox it is: an administrator may not.
func (t *tenant) mailbox(u user, scopes ...string) *vendorapi.Client {
	return t.api(gmailHost, u.PrimaryEmail, scopes...)
}

const mailSettings = "/gmail/v1/users/me/settings"

type vacation struct {
	Enabled bool   `json:"enableAutoReply"`
	Title   string `json:"responseSubject"`
	Text    string `json:"responseBodyHtml,omitempty"`
	End     string `json:"endTime,omitempty"`
}

// lookAtReply looks for our reply by its subject. Gmail is not there for a suspended account (unverified with which error).
func (t *tenant) lookAtReply(ctx context.Context, u user, s *sight) error {
	if u.closed() {
		return nil
	}
	var v vacation
	if err := t.get(ctx, t.mailbox(u, scopeMail), mailSettings+"/vacation", url.Values{"fields": {"enableAutoReply,responseSubject,endTime"}}, &v); err != nil {
		return noMailbox(scoped(err))
	}
	ours := v.Enabled && v.Title == t.ReplyTitle && v.End == ""
	s.tell(setAutoReply, standing(ours), nil, nil)
	return nil
}

// noMailbox takes the refusal of a mailbox that is not there for what it is: a matter of Gmail's actions only.
func noMailbox(err error) error {
	if isKind(err, exeunt.Conflict) || isKind(err, exeunt.NotFound) {
		return exeunt.Errorf(exeunt.Denied, "%s: the account has no mailbox, or Gmail is off for it", name)
	}
	return err
}

func (t *tenant) setAutoReply(ctx context.Context, u user, with connector.Parameters) error {
	if err := openMailbox(u); err != nil {
		return err
	}
	text := strings.NewReplacer(
		"{name}", html.EscapeString(with.Leaver.Name),
		"{manager}", html.EscapeString(with.Leaver.Manager.String()),
		"{manager_email}", html.EscapeString(with.Leaver.Manager.Email),
	).Replace(t.ReplyText)
	return noMailbox(scoped(t.do(ctx, t.mailbox(u, scopeMail), http.MethodPut, mailSettings+"/vacation", vacation{Enabled: true, Title: t.ReplyTitle, Text: text})))
}

func openMailbox(u user) error {
	if u.closed() {
		return exeunt.Errorf(exeunt.Conflict, "%s does not open the mailbox of a suspended account: set it up before, or take the mail over by other means", name)
	}
	return nil
}

// delegateMailbox lets the successor in. A delegate is named by the primary address, never by an alias.
// Source: developers.google.com/workspace/gmail/api/guides/delegate_settings.
func (t *tenant) delegateMailbox(ctx context.Context, u user, with connector.Parameters) error {
	if err := openMailbox(u); err != nil {
		return err
	}
	heir, err := t.successor(ctx, u, with)
	if err != nil {
		return err
	}
	var list struct {
		Delegates []struct{ DelegateEmail, VerificationStatus string }
	}
	if err := t.get(ctx, t.mailbox(u, scopeMail), mailSettings+"/delegates", nil, &list); err != nil {
		return noMailbox(scoped(err))
	}
	if slices.ContainsFunc(list.Delegates, func(d struct{ DelegateEmail, VerificationStatus string }) bool {
		return strings.EqualFold(d.DelegateEmail, heir.PrimaryEmail) && d.VerificationStatus == "accepted"
	}) {
		return nil
	}
	return noMailbox(scoped(t.do(ctx, t.mailbox(u, scopeMailDelegate), http.MethodPost, mailSettings+"/delegates", map[string]string{"delegateEmail": heir.PrimaryEmail})))
}
