package entra

import (
	"context"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// user is what is read of a user.
type user struct {
	ID             string   `json:"id"`
	PrincipalName  string   `json:"userPrincipalName"`
	DisplayName    string   `json:"displayName"`
	Mail           string   `json:"mail"`
	ProxyAddresses []string `json:"proxyAddresses"`
	EmployeeID     string   `json:"employeeId"`
	ImmutableID    string   `json:"onPremisesImmutableId"`
	Kind           string   `json:"userType"`
	Enabled        *bool    `json:"accountEnabled"`
	Synchronised   bool     `json:"onPremisesSyncEnabled"`
	SessionsFrom   string   `json:"signInSessionsValidFromDateTime"`
	PasswordOf     string   `json:"lastPasswordChangeDateTime"`
	Licences       []struct {
		SKU   string `json:"skuId"`
		Group string `json:"assignedByGroup"`
	} `json:"licenseAssignmentStates"`
}

// observed are the properties of a user that are given only when they are asked for.
const observed = "id,userPrincipalName,displayName,mail,userType,accountEnabled,onPremisesSyncEnabled,signInSessionsValidFromDateTime,lastPasswordChangeDateTime,licenseAssignmentStates"

// object is anything of the directory that has a name.
type object struct {
	Type string `json:"@odata.type"`
	ID   string `json:"id"`
	Name string `json:"displayName"`
}

// kind is the last word of the type: group, servicePrincipal.
func (o object) kind() string { return o.Type[strings.LastIndex(o.Type, ".")+1:] }

type assignment struct {
	ID            string `json:"id"`
	PrincipalID   string `json:"principalId"`
	ResourceID    string `json:"resourceId"`
	ResourceName  string `json:"resourceDisplayName"`
	ApplicationID string `json:"appRoleId"`
}

// key names an assignment for good: its id is another one when it is put back.
func (a assignment) key() string { return a.ResourceID + " " + a.ApplicationID }

type consent struct {
	ID       string `json:"id"`
	ClientID string `json:"clientId"`
	Kind     string `json:"consentType"`
	Scope    string `json:"scope"`
}

type device struct {
	object
	Enabled *bool `json:"accountEnabled"`
}

type mailbox struct {
	Purpose string `json:"userPurpose"` // user, linked, shared, room, equipment, others
	Reply   struct {
		Status   string `json:"status"`
		External string `json:"externalReplyMessage"`
		Internal string `json:"internalReplyMessage"`
	} `json:"automaticRepliesSetting"`
}

type person struct {
	object
	Mail          string `json:"mail"`
	PrincipalName string `json:"userPrincipalName"`
}

// known says whether an address is the person's.
func (p person) known(address string) bool {
	return strings.EqualFold(address, p.Mail) || strings.EqualFold(address, p.PrincipalName)
}

// look is all that was seen of an account at once. What was refused is in unknown, with the reason.
type look struct {
	user        user
	groups      []group
	owned       []object
	sole        []object // of those, what nobody else owns
	roles       roles
	assignments []assignment
	consents    []consent
	factors     []object
	devices     []device
	manager     person
	mailbox     *mailbox     // nil where there is none
	files       []permission // of the root of the OneDrive
	hasFiles    bool
	asked       map[string]bool  // the aspects that were asked for
	unknown     map[string]error // aspect → why it is not known
}

// aspect is one thing that a look asks for.
type aspect struct {
	name   string
	serves []exeunt.Action // that it shows the standing of
	path   func(id string) string
	// read takes the answer into the look; an answer that is an error comes only where absent says that it means "none".
	read   func(ctx context.Context, t *tenant, a answered, l *look) error
	absent []exeunt.ErrorKind // errors that say that there is nothing of the kind
}

// collection is an aspect that is a list.
func collection[T any](name string, path func(id string) string, into func(l *look) *[]T, serves []exeunt.Action, absent ...exeunt.ErrorKind) aspect {
	return aspect{name: name, serves: serves, path: path, absent: absent, read: func(ctx context.Context, t *tenant, a answered, l *look) error {
		found, err := all[T](ctx, t, a)
		*into(l) = found
		return err
	}}
}

// whole makes an aspect unknown whose objects came without their properties: an application that may not read them is not
// refused, but given their ids alone. Source: learn.microsoft.com/graph/permissions-overview, limited information returned
// for inaccessible member objects.
func (a aspect) whole(permission string, is func(l *look) bool) aspect {
	read := a.read
	a.read = func(ctx context.Context, t *tenant, got answered, l *look) error {
		err := read(ctx, t, got, l)
		if err == nil && !is(l) {
			return exeunt.Errorf(exeunt.Denied, "%s shows that there are %s, and not what they are: grant our application %s", name, a.name, permission)
		}
		return err
	}
	return a
}

func under(rest string, options ...string) func(string) string {
	return func(id string) string { return query("/users/"+id+rest, options...) }
}

func inRoles(rest string) func(string) string {
	return func(id string) string {
		return query("/roleManagement/directory/"+rest, "$filter", "principalId eq "+quote(id), "$expand", "roleDefinition")
	}
}

// aspects are what a look of this tenant can ask for, beside the user itself.
func (t *tenant) aspects() []aspect {
	of := func(actions ...exeunt.Action) []exeunt.Action { return actions }
	list := []aspect{
		collection("groups", memberships, func(l *look) *[]group { return &l.groups }, of(exeunt.RemoveGroups, exeunt.ReclaimLicence)).
			whole("GroupMember.ReadWrite.All", func(l *look) bool { return !slices.ContainsFunc(l.groups, func(g group) bool { return g.Name == "" }) }),
		collection("owned", under("/ownedObjects", "$select", "id,displayName"), func(l *look) *[]object { return &l.owned }, of(exeunt.HandOver, exeunt.RemoveGroups)).
			whole("GroupMember.Read.All and Application.Read.All", func(l *look) bool { return !slices.ContainsFunc(l.owned, func(w object) bool { return w.Name == "" }) }),
		collection("roles", inRoles("roleAssignments"), func(l *look) *[]role { return &l.roles.active }, of(exeunt.RemoveRoles)),
		collection("eligible roles", inRoles("roleEligibilityScheduleInstances"), func(l *look) *[]role { return &l.roles.eligible }, of(exeunt.RemoveRoles), exeunt.Unsupported),
		collection("scheduled roles", inRoles("roleAssignmentScheduleInstances"), func(l *look) *[]role { return &l.roles.scheduled }, of(exeunt.RemoveRoles), exeunt.Unsupported),
		collection("app assignments", under("/appRoleAssignments"), func(l *look) *[]assignment { return &l.assignments }, of(exeunt.RemoveApps)),
		collection("consents", under("/oauth2PermissionGrants"), func(l *look) *[]consent { return &l.consents }, of(exeunt.RevokeGrants)),
		collection("factors", under("/authentication/methods"), func(l *look) *[]object { return &l.factors }, of(exeunt.ResetFactors)),
		collection("devices", under("/ownedDevices"), func(l *look) *[]device { return &l.devices }, of(exeunt.LockDevices)).
			whole("Device.ReadWrite.All", func(l *look) bool {
				return !slices.ContainsFunc(l.devices, func(d device) bool { return d.Enabled == nil })
			}),
	}
	if t.AutoReply != "" || t.FilesToManager || t.SharedMailbox {
		list = append(list, aspect{name: "manager", serves: of(exeunt.SetAutoReply, exeunt.TransferData, exeunt.ShareMailbox), path: under("/manager", "$select", "id,displayName,mail,userPrincipalName"), absent: []exeunt.ErrorKind{exeunt.NotFound},
			read: func(_ context.Context, _ *tenant, a answered, l *look) error { return a.Decode(&l.manager) }})
	}
	if t.AutoReply != "" || t.SharedMailbox {
		serves := of(exeunt.SetAutoReply)
		if t.SharedMailbox {
			serves = of(exeunt.SetAutoReply, exeunt.ShareMailbox, exeunt.ReclaimLicence)
		}
		list = append(list, aspect{name: "mailbox", serves: serves, path: under("/mailboxSettings"), absent: []exeunt.ErrorKind{exeunt.NotFound},
			read: func(_ context.Context, _ *tenant, a answered, l *look) error {
				l.mailbox = &mailbox{}
				return a.Decode(l.mailbox)
			}})
	}
	if t.FilesToManager {
		files := collection("files", under("/drive/items/root/permissions"), func(l *look) *[]permission { return &l.files }, of(exeunt.TransferData), exeunt.NotFound)
		read := files.read
		files.read = func(ctx context.Context, t *tenant, a answered, l *look) error {
			l.hasFiles = true
			return read(ctx, t, a, l)
		}
		list = append(list, files)
	}
	return list
}

// look asks at once for the user and for what some actions want to know, by the immutable id.
func (t *tenant) look(ctx context.Context, account exeunt.Account, wants func(exeunt.Action) bool) (*look, error) {
	if !guid.MatchString(account.ID) {
		return nil, exeunt.Errorf(exeunt.NotFound, "%s has no account of this id, which is none of its own", name)
	}
	aspects := slices.DeleteFunc(t.aspects(), func(a aspect) bool { return !slices.ContainsFunc(a.serves, wants) })
	parts := []part{{ID: "user", URL: under("", "$select", observed)(account.ID)}}
	for _, a := range aspects {
		parts = append(parts, part{ID: a.name, URL: a.path(account.ID)})
	}
	answers, err := t.batch(ctx, parts)
	if err != nil {
		return nil, err
	}
	if err := answers["user"].err; err != nil {
		return nil, t.absent(ctx, account.ID, err)
	}
	if err := t.recast(ctx, account.ID, answers); err != nil {
		return nil, err
	}
	l := &look{asked: map[string]bool{}, unknown: map[string]error{}}
	if err := answers["user"].Decode(&l.user); err != nil {
		return nil, err
	}
	switch {
	case !strings.EqualFold(l.user.ID, account.ID):
		return nil, exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", name)
	case l.user.Enabled == nil: // as of any object that we may not read
		return nil, exeunt.Errorf(exeunt.Denied, "%s shows that there is such an account, and not whether it is enabled: grant our application User.Read.All", name)
	}
	for _, a := range aspects {
		l.asked[a.name] = true
		if err := t.take(ctx, a, answers[a.name], l); err != nil {
			return nil, err
		}
	}
	if !wants(exeunt.HandOver) {
		return l, nil
	}
	return l, t.owners(ctx, l)
}

// absent says of an account that is not found whether it was deleted, in which case it can be restored for thirty days.
// Source: learn.microsoft.com/graph/api/directory-deleteditems-get.
func (t *tenant) absent(ctx context.Context, id string, err error) error {
	if !refusedAs(err, exeunt.NotFound) {
		return err
	}
	a, asked := t.send(ctx, http.MethodGet, query("/directory/deletedItems/"+id, "$select", "id,deletedDateTime"), nil)
	var gone struct {
		ID string    `json:"id"`
		At time.Time `json:"deletedDateTime"`
	}
	if asked != nil || a.Decode(&gone) != nil || !strings.EqualFold(gone.ID, id) {
		return err // of what was not told, nothing is said
	}
	return exeunt.Errorf(exeunt.NotFound, "%s has deleted this account (%s), and keeps it for 30 days from then: nobody signs in to it. Restore it in the Entra admin centre, under Deleted users, if anything of it is still needed", name, gone.At.UTC().Format(time.DateOnly)).Because(err)
}

// memberships are the groups alone, by a cast. The page of this request wants ConsistencyLevel with a cast, which is answered
// from an index that lags; its own sixth example does without (unverified on a tenant).
// Source: learn.microsoft.com/graph/api/user-list-memberof.
var memberships = under("/memberOf/microsoft.graph.group", "$select", groupSelect, "$top", "100")

// recast asks for the groups once more, from the index, where the tenant does not take the cast otherwise.
func (t *tenant) recast(ctx context.Context, id string, answers map[string]answered) error {
	if refused := answers["groups"]; refused.Status != http.StatusBadRequest || !refusedAs(refused.err, exeunt.Invalid) {
		return nil
	}
	header := map[string]string{"ConsistencyLevel": "eventual"}
	again, err := t.batch(ctx, []part{{ID: "groups", URL: memberships(id) + "&$count=true", Headers: header}})
	if err != nil {
		return err
	}
	answer := again["groups"]
	answer.asked = http.Header{"Consistencylevel": {"eventual"}}
	answers["groups"] = answer
	return nil
}

// take reads one aspect. A refusal makes it unknown, and its action will meet the same; whatever may pass by itself makes
// the look fail, since half of it would show less than there is.
func (t *tenant) take(ctx context.Context, a aspect, got answered, l *look) error {
	err := got.err
	if err != nil && slices.Contains(a.absent, exeunt.KindOf(err)) {
		return nil
	}
	if err == nil {
		err = a.read(ctx, t, got, l)
	}
	if refusedAs(err, exeunt.Denied, exeunt.Unsupported) {
		l.unknown[a.name] = err
		return nil
	}
	return err
}

// shows says why an action cannot be done by what was seen: a part of it was refused, and acting on the rest would pass for
// all of it.
func (t *tenant) shows(l *look, action exeunt.Action) error {
	for _, a := range t.aspects() {
		if err := l.unknown[a.name]; err != nil && a.name != "owned" && slices.Contains(a.serves, action) {
			return err
		}
	}
	return nil
}

// tag is any part of a text that is markup.
var tag = regexp.MustCompile(`<[^>]*>`)

// plain is the text of an automatic reply without the markup that Exchange puts around it.
func plain(text string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(text, " "))), " ")
}

// reply is what the mailbox shall answer.
func (l *look) reply(template string) string {
	manager := l.manager.Name
	if manager == "" {
		manager = "my colleagues"
	}
	return strings.NewReplacer("{name}", l.user.DisplayName, "{manager}", manager).Replace(template)
}
