package entra

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/exeunt/exeunt"
)

// Observe asks for everything that is known of the account, by its id.
func (t *tenant) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	l, err := t.look(ctx, account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{}, Snapshot: map[string][]string{}}
	l.person(&o)
	l.memberships(&o)
	l.privileged(&o)
	l.holdings(&o)
	t.handover(l, &o)
	for aspect, why := range l.unknown {
		o.Facts[aspect] = "not shown: " + exeunt.MessageOf(why)
	}
	return o, nil
}

// say is how an action stands, unless an aspect that it depends on was not shown.
func (l *look) say(o *exeunt.Observation, action exeunt.Action, holds bool, of ...string) {
	for _, aspect := range of {
		if l.unknown[aspect] != nil {
			o.Standing[action] = exeunt.Unknown
			return
		}
	}
	o.Standing[action] = exeunt.Absent
	if holds {
		o.Standing[action] = exeunt.Holds
	}
}

func (l *look) person(o *exeunt.Observation) {
	l.say(o, exeunt.Disable, !*l.user.Enabled)
	if *l.user.Enabled {
		o.Snapshot["enabled"] = []string{"true"}
	}
	o.Facts["account_enabled"] = strconv.FormatBool(*l.user.Enabled)
	o.Facts["sessions_valid_from"] = l.user.SessionsFrom
	if l.user.Synchronised {
		o.Facts["source"] = "Active Directory"
	}
	if l.user.Kind == "Guest" {
		o.Facts["kind"] = "guest"
	}
	factors := names(l.enrolled(), typeName)
	l.say(o, exeunt.ResetFactors, len(factors) == 0, "factors")
	o.Facts["factors"] = told(factors)
	o.Snapshot["factors"] = factors
}

func (l *look) memberships(o *exeunt.Observation) {
	ours, stuck := l.in(removable), l.in(exchanges)
	l.say(o, exeunt.RemoveGroups, len(ours) == 0 && len(stuck) == 0, "groups")
	o.Snapshot["groups"] = names(ours, func(g group) string { return g.ID })
	o.Snapshot["group_names"] = names(ours, func(g group) string { return g.Name })
	o.Snapshot["other_groups"] = l.left()
	o.Facts["groups"] = strconv.Itoa(len(ours))
	if left := l.left(); len(left) > 0 {
		o.Facts["groups_left"] = told(left)
	}
	licences, givers := l.direct(), l.in(licensing)
	l.say(o, exeunt.ReclaimLicence, len(licences) == 0 && len(givers) == 0, "groups")
	o.Snapshot["licences"] = slices.Concat([]string{}, licences)
	o.Snapshot["licence_groups"] = names(givers, func(g group) string { return g.ID })
	o.Facts["licences"] = strconv.Itoa(len(licences) + len(givers))
}

func (l *look) privileged(o *exeunt.Observation) {
	assigned, offered := l.roles.assigned(), l.roles.offered()
	l.say(o, exeunt.RemoveRoles, len(assigned) == 0 && len(offered) == 0, "roles", "eligible roles")
	endless := func(r role) bool { return r.Ends == "" }
	lasting := slices.DeleteFunc(assigned, l.roles.timed)
	eligible := slices.DeleteFunc(offered, func(r role) bool { return !endless(r) })
	o.Snapshot["roles"], o.Snapshot["role_names"] = names(lasting, role.key), names(lasting, role.name)
	o.Snapshot["eligible_roles"], o.Snapshot["eligible_role_names"] = names(eligible, role.key), names(eligible, role.name)
	if held := l.privileges(); len(held) > 0 {
		o.Facts["administrator_roles"] = told(held)
	}
}

func (l *look) holdings(o *exeunt.Observation) {
	own, personal, open := l.own(), l.personal(), l.open()
	l.say(o, removeAppAssignments, len(own) == 0, "app assignments")
	o.Snapshot["app_assignments"] = names(own, assignment.key)
	o.Snapshot["app_names"] = names(own, func(a assignment) string { return a.ResourceName })
	o.Facts["app_assignments"] = told(o.Snapshot["app_names"])

	l.say(o, revokeGrants, len(personal) == 0, "consents")
	o.Snapshot["consents"] = names(personal, func(c consent) string { return c.ClientID + " " + c.Scope })
	o.Facts["consents"] = strconv.Itoa(len(personal))

	l.say(o, disableDevices, len(open) == 0, "devices")
	o.Snapshot["devices"] = names(open, func(d device) string { return d.ID })
	o.Snapshot["device_names"] = names(open, func(d device) string { return d.Name })
	o.Facts["devices"] = told(o.Snapshot["device_names"])

	if len(l.owned) > 0 { // groups, applications and their secrets: somebody has to take them over
		o.Facts["owns"] = told(names(l.owned, func(w object) string { return w.Name + " (" + w.kind() + ")" }))
	}
}

// handover is what happens to mail and files.
func (t *tenant) handover(l *look, o *exeunt.Observation) {
	if t.AutoReply != "" {
		l.say(o, setAutoReply, l.mailbox == nil || l.replies(t.AutoReply), "mailbox", "manager")
		o.Facts["automatic_reply"] = "no mailbox"
		o.Snapshot["auto_reply"] = []string{}
		if l.mailbox != nil {
			o.Facts["automatic_reply"] = l.mailbox.Reply.Status
			if !l.replies(t.AutoReply) {
				o.Snapshot["auto_reply"], o.Snapshot["auto_reply_status"] = []string{another}, []string{l.mailbox.Reply.Status}
			}
		}
	}
	if t.FilesToManager {
		l.say(o, exeunt.TransferData, !l.hasFiles || l.manager.ID != "" && l.shared(), "files", "manager")
		o.Facts["files"] = "no OneDrive"
		if l.hasFiles {
			o.Facts["files"] = "shared with the manager: " + strconv.FormatBool(l.manager.ID != "" && l.shared())
		}
		o.Facts["manager"] = l.manager.Name
	}
}
