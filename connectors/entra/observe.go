package entra

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Observe asks in one request for what the action in hand wants to know, by the account's id.
func (t *tenant) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	l, err := t.look(ctx, account, func(a exeunt.Action) bool { return connector.Looks(ctx, a) })
	if err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{}, Snapshot: map[string][]string{}}
	l.itself(&o)
	for aspect, say := range map[string]func(*exeunt.Observation){
		"groups": l.memberships, "owned": func(o *exeunt.Observation) { l.owns(o, connector.Looks(ctx, exeunt.HandOver)) }, "roles": l.privileged, "app assignments": l.applications, "consents": l.grants,
		"factors": l.enrolment, "devices": l.locks, "mailbox": func(o *exeunt.Observation) { l.answering(o, t.Settings) }, "files": l.handedOver,
	} {
		if l.asked[aspect] && l.unknown[aspect] == nil { // of what is not shown nothing is said, and nothing recorded
			say(&o)
		}
	}
	for aspect, why := range l.unknown {
		o.Facts[aspect] = "not shown: " + exeunt.MessageOf(why)
	}
	return o, nil
}

// say is how an action stands, unless an aspect that it depends on was not shown.
func (l *look) say(o *exeunt.Observation, action exeunt.Action, holds bool, of ...string) {
	switch {
	case slices.ContainsFunc(of, func(aspect string) bool { return l.unknown[aspect] != nil }):
		o.Standing[action] = exeunt.Unknown
	case holds:
		o.Standing[action] = exeunt.Holds
	default:
		o.Standing[action] = exeunt.Absent
	}
}

// passwordElsewhere is why nothing is done to a password here.
const passwordElsewhere = "the account comes from Active Directory, and so does its password: it is reset there"

func (l *look) itself(o *exeunt.Observation) {
	l.say(o, exeunt.Disable, !*l.user.Enabled)
	if *l.user.Enabled {
		o.Snapshot["enabled"] = []string{"true"}
	}
	o.Facts["account_enabled"] = strconv.FormatBool(*l.user.Enabled)
	o.Facts["sessions_valid_from"], o.Facts["password_changed"] = l.user.SessionsFrom, l.user.PasswordOf
	if l.user.Synchronised {
		o.Facts["source"] = "Active Directory"
		o.Standing[exeunt.ResetPassword], o.Why = exeunt.Moot, map[exeunt.Action]string{exeunt.ResetPassword: passwordElsewhere}
	}
	if l.user.Kind == "Guest" {
		o.Facts["kind"] = "guest"
	}
}

func (l *look) enrolment(o *exeunt.Observation) {
	factors := names(l.enrolled(), typeName)
	l.say(o, exeunt.ResetFactors, len(factors) == 0, "factors")
	o.Facts["factors"], o.Snapshot["factors"] = told(factors), factors
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
	offered := l.roles.offered()
	l.say(o, exeunt.RemoveRoles, len(l.roles.active) == 0 && len(offered) == 0, "roles", "eligible roles", "scheduled roles")
	lasting := slices.DeleteFunc(slices.Clone(l.roles.active), l.roles.timed)
	eligible := slices.DeleteFunc(offered, func(r role) bool { return r.Ends != "" })
	o.Snapshot["roles"], o.Snapshot["role_names"] = names(lasting, role.key), names(lasting, role.name)
	o.Snapshot["eligible_roles"], o.Snapshot["eligible_role_names"] = names(eligible, role.key), names(eligible, role.name)
	o.Facts["administrator_roles"] = told(l.privileges())
}

func (l *look) applications(o *exeunt.Observation) {
	own := l.own()
	l.say(o, exeunt.RemoveApps, len(own) == 0, "app assignments")
	o.Snapshot["app_assignments"] = names(own, assignment.key)
	o.Snapshot["app_names"] = names(own, func(a assignment) string { return a.ResourceName })
	o.Facts["app_assignments"] = told(o.Snapshot["app_names"])
}

func (l *look) grants(o *exeunt.Observation) {
	personal := l.personal()
	l.say(o, exeunt.RevokeGrants, len(personal) == 0, "consents")
	o.Snapshot["consents"] = names(personal, func(c consent) string { return c.ClientID + " " + c.Scope })
	o.Facts["consents"] = strconv.Itoa(len(personal))
}

func (l *look) locks(o *exeunt.Observation) {
	open := l.open()
	l.say(o, exeunt.LockDevices, len(open) == 0, "devices")
	o.Snapshot["devices"] = names(open, func(d device) string { return d.ID })
	o.Snapshot["device_names"] = names(open, func(d device) string { return d.Name })
	o.Facts["devices"] = told(o.Snapshot["device_names"])
}

func (l *look) answering(o *exeunt.Observation, s Settings) {
	if s.SharedMailbox {
		if l.unknown["manager"] == nil {
			o.HandOver(exeunt.ShareMailbox, l.sharing())
		}
		o.Facts["mailbox"] = "none"
		if l.mailbox != nil {
			o.Facts["mailbox"] = l.mailbox.Purpose
		}
	}
	if s.AutoReply == "" {
		return
	}
	so := l.mailbox == nil || l.replies(s.AutoReply)
	l.say(o, exeunt.SetAutoReply, so, "mailbox", "manager")
	o.Facts["automatic_reply"], o.Snapshot["auto_reply"] = "no mailbox", []string{}
	if l.mailbox == nil {
		return
	}
	o.Facts["automatic_reply"] = l.mailbox.Reply.Status
	if !so {
		o.Snapshot["auto_reply"], o.Snapshot["auto_reply_status"] = []string{another}, []string{l.mailbox.Reply.Status}
	}
}

func (l *look) handedOver(o *exeunt.Observation) {
	shared := l.manager.ID != "" && l.shared()
	l.say(o, exeunt.TransferData, !l.hasFiles || shared, "files", "manager")
	o.Facts["manager"], o.Facts["files"] = l.manager.Name, "no OneDrive"
	if l.hasFiles {
		o.Facts["files"] = "shared with the manager: " + strconv.FormatBool(shared)
	}
}
