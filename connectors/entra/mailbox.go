package entra

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// alwaysOn is the status of an automatic reply without an end (learn.microsoft.com/graph/api/resources/automaticrepliessetting).
const alwaysOn = "alwaysEnabled"

// replies says whether the mailbox answers everybody as it shall. Exchange puts markup around the text.
func (l *look) replies(template string) bool {
	want := plain(l.reply(template))
	r := l.mailbox.Reply
	return r.Status == alwaysOn && plain(r.External) == want && plain(r.Internal) == want
}

func (t *tenant) setReply(ctx context.Context, l *look) error {
	if l.mailbox == nil {
		return nil
	}
	text := l.reply(t.AutoReply)
	return t.patchReply(ctx, l.user.ID, map[string]string{
		"status": alwaysOn, "externalAudience": "all", "externalReplyMessage": text, "internalReplyMessage": text,
	})
}

// another is, in a snapshot, that the mailbox did not answer what we let it answer.
const another = "another"

// dropReply takes our reply away. A text of the person's own is gone; nobody kept it.
func (t *tenant) dropReply(ctx context.Context, user, before string) error {
	if before == "" || before == alwaysOn {
		before = "disabled"
	}
	return t.patchReply(ctx, user, map[string]string{"status": before})
}

func (t *tenant) patchReply(ctx context.Context, user string, setting map[string]string) error {
	_, err := t.send(ctx, http.MethodPatch, "/users/"+user+"/mailboxSettings", map[string]any{"automaticRepliesSetting": setting})
	return err
}

// inExchange is what only Exchange Online PowerShell does. It is not Unsupported, so that it is looked at again: that it was
// done is seen here.
func inExchange(why string, commands ...string) *exeunt.Error {
	return exeunt.Errorf(exeunt.Denied, "%s. In Exchange Online PowerShell: %s", why, strings.Join(commands, "; ")).Instead(commands...)
}

// sharing are the commands that make the mailbox a shared one which the manager reads; none where there is nothing to do. What
// is seen of it, the mailbox's purpose, comes last.
// Source: learn.microsoft.com/exchange/recipients-in-exchange-online/manage-user-mailboxes/convert-a-mailbox.
func (l *look) sharing() []string {
	if !l.personalMailbox() {
		return nil
	}
	leaver, who := shell(l.user.PrincipalName), "MANAGER" // where the directory names none
	if manager := cmp.Or(l.manager.PrincipalName, l.manager.Mail); manager != "" {
		who = shell(manager)
	}
	return []string{
		"Add-MailboxPermission -Identity " + leaver + " -User " + who + " -AccessRights FullAccess -InheritanceType All",
		"Set-Mailbox -Identity " + leaver + " -Type Shared",
	}
}

// personalMailbox says whether the mailbox is the account's own, and not yet a shared one. Only a mailbox that a person signs
// in to is (learn.microsoft.com/graph/api/resources/mailboxsettings, userPurpose).
func (l *look) personalMailbox() bool {
	return l.mailbox != nil && !slices.Contains([]string{"shared", "room", "equipment"}, strings.ToLower(l.mailbox.Purpose))
}

// permission is one to an item of a drive. Who has it stands in grantedToV2 for one, in grantedToIdentitiesV2 for a link.
type permission struct {
	ID      string   `json:"id"`
	Roles   []string `json:"roles"`
	Granted granted  `json:"grantedToV2"`
}

type granted struct {
	User struct {
		ID    string `json:"id"`
		Email string `json:"email"`
	} `json:"user"`
	SiteUser struct {
		Email     string `json:"email"`
		LoginName string `json:"loginName"` // i:0#.f|membership|ann@corp.example
	} `json:"siteUser"`
}

// to says whether a permission is a person's. In OneDrive for work the id is the directory's (unverified), so that the
// address counts, too.
func (g granted) to(p person) bool {
	_, login, _ := strings.Cut(g.SiteUser.LoginName, "membership|")
	return strings.EqualFold(g.User.ID, p.ID) || slices.ContainsFunc([]string{g.User.Email, g.SiteUser.Email, login}, func(a string) bool { return a != "" && p.known(a) })
}

// shared says whether the manager may write to the whole OneDrive.
func (l *look) shared() bool {
	return slices.ContainsFunc(l.files, func(p permission) bool {
		return p.Granted.to(l.manager) && (slices.Contains(p.Roles, "write") || slices.Contains(p.Roles, "owner"))
	})
}

// share gives the manager the OneDrive, and nobody when HR and the directory do not agree on who that is.
// Source: learn.microsoft.com/graph/api/driveitem-invite, by which only a personal OneDrive refuses this for its root.
func (t *tenant) share(ctx context.Context, l *look, with connector.Parameters) error {
	if !l.hasFiles {
		return nil
	}
	manager := with.Leaver.Manager
	switch {
	case l.manager.ID == "":
		return exeunt.Errorf(exeunt.Invalid, "the directory names no manager who could have the files: set one there, or hand the files over by hand")
	case manager.Email != "" && !l.manager.known(manager.Email):
		return exeunt.Errorf(exeunt.Invalid, "HR names another manager than the directory, which has %s: nobody was given the files; correct the directory, or hand them over by hand", l.manager.Name)
	}
	_, err := t.send(ctx, http.MethodPost, "/users/"+l.user.ID+"/drive/items/root/invite", map[string]any{
		"recipients": []any{map[string]string{"objectId": l.manager.ID}}, "roles": []string{"write"}, "requireSignIn": true, "sendInvitation": false,
	})
	return err
}
