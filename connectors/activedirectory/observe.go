package activedirectory

import (
	"context"
	"strconv"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// Observe implements connector.Connector.
func (d *domain) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	var o exeunt.Observation
	err := d.Do(ctx, func(c *ldap.Conn) error {
		u, err := read(c, account)
		if err != nil {
			return err
		}
		o = d.look(u, time.Now().UTC())
		if err := d.lookAtGroups(ctx, c, u, &o); err != nil {
			return err
		}
		if err := d.lookAtManaged(ctx, c, u, o); err != nil {
			return err
		}
		return d.lookAtTickets(ctx, c, u, &o)
	})
	if err == nil && o.Standing[exeunt.Disable] == exeunt.Holds && len(d.Controllers) > 0 && connector.Looks(ctx, exeunt.Disable) {
		d.replicated(ctx, account, &o)
	}
	return o, err
}

// shut says whether the account is closed in each way that these settings ask for.
func (d *domain) shut(u user, now time.Time) bool {
	return u.disabled() && (!d.SetExpiry || u.expired(now))
}

// look turns what was read into an observation.
func (d *domain) look(u user, now time.Time) exeunt.Observation {
	o := exeunt.Observation{
		At: now,
		Standing: map[exeunt.Action]exeunt.Standing{
			exeunt.Disable:      standing(d.shut(u, now)),
			exeunt.RemoveGroups: standing(len(u.groups) == 0 && u.ordinaryPrimary()),
		},
		Facts: map[string]string{
			"dn": u.dn, "userAccountControl": strconv.FormatInt(u.control, 10), "accountExpires": u.expiry(), "pwdLastSet": u.passwordSet,
			"groups": strconv.Itoa(len(u.groups)), "primaryGroupID": u.primaryGroup, "whenChanged": u.changed,
		},
		Snapshot: map[string][]string{},
	}
	if u.adminCount {
		o.Facts["adminCount"] = "1" // AdminSDHolder takes delegated rights away from such accounts
	}
	if !u.disabled() {
		o.Snapshot[takesEnabled] = []string{"true"}
	}
	if d.SetExpiry && !u.expired(now) {
		o.Snapshot[takesExpiry] = []string{strconv.FormatInt(u.expires, 10)}
	}
	if len(u.groups) > 0 {
		o.Snapshot[takesGroups] = u.groups
	}
	if !u.ordinaryPrimary() {
		o.Snapshot[takesPrimaryGroup] = []string{u.primaryGroup}
	}
	if d.ArchiveOU != "" {
		archived := directory.Below(u.dn, d.ArchiveOU)
		o.Standing[exeunt.MoveToArchive] = standing(archived)
		if !archived {
			o.Snapshot[takesContainer] = []string{directory.Parent(u.dn)}
		}
	}
	return o
}

// lookAtGroups tells what an account is in by other groups: that goes when the groups by which it is in them go, and what is
// left then is told as well.
func (d *domain) lookAtGroups(ctx context.Context, c *ldap.Conn, u user, o *exeunt.Observation) error {
	if !connector.Looks(ctx, exeunt.RemoveGroups) {
		return nil
	}
	direct, nested, err := d.memberships(c, u)
	if err != nil {
		return err
	}
	o.Facts["nested groups"] = strconv.Itoa(len(nested))
	if len(nested) > 0 {
		var names []string
		for _, g := range nested {
			names = append(names, g.dn)
		}
		o.Facts["in through other groups"] = directory.Listed(names)
	}
	if has := authority(u, append(direct, nested...)); has != "" {
		o.Facts["privileged"] = has
	}
	return nil
}

// lookAtTickets tells how long the account's Kerberos tickets live, and once it is disabled until when there may be some.
func (d *domain) lookAtTickets(ctx context.Context, c *ldap.Conn, u user, o *exeunt.Observation) error {
	if !connector.Looks(ctx, exeunt.Disable) {
		return nil
	}
	t, err := d.ticket(c, u)
	if err != nil {
		return err
	}
	o.Facts["Kerberos ticket lifetime"] = t.String()
	if u.disabled() && !u.controlSet.IsZero() {
		o.Facts["Kerberos tickets end by"] = u.controlSet.Add(t.lives).Format(time.RFC3339)
	}
	return nil
}

func standing(so bool) exeunt.Standing {
	if so {
		return exeunt.Holds
	}
	return exeunt.Absent
}
