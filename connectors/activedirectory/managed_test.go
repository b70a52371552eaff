package activedirectory_test

import (
	"slices"
	"testing"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
)

func TestWhatThePersonAnswersForIsListedAndNoPerson(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	admin, login := c.admin(t), l.Identifier(exeunt.Login)
	service, unit, machine, report := "CN=svc-"+login+","+c.staff, "OU=unit-"+login+","+c.staff, "CN=pc-"+login+","+c.staff, "CN=report-"+login+","+c.staff
	c.user(t, admin, service, map[string][]string{"sAMAccountName": {"svc-" + login}, "servicePrincipalName": {"HTTP/" + login}, "manager": {c.dn(l)}})
	c.user(t, admin, report, map[string][]string{"sAMAccountName": {"r-" + login}, "manager": {c.dn(l)}})
	add(t, admin, unit, map[string][]string{"objectClass": {"organizationalUnit"}, "managedBy": {c.dn(l)}})
	add(t, admin, machine, map[string][]string{"objectClass": {"computer"}, "sAMAccountName": {"PC-" + login + "$"}, "managedBy": {c.dn(l)}, "userAccountControl": {"4096"}})
	want := []string{"computer " + machine, "group " + c.group("nested-"+login), "organisational unit " + unit, "service account " + service}
	o := look(t, conn, account)
	if got := o.Snapshot[string(exeunt.HandOver)]; !slices.Equal(got, want) || o.Of(exeunt.HandOver) != exeunt.Absent {
		t.Errorf("answers for %q, want %q", got, want)
	}
	apply(t, conn, account, exeunt.Disable, exeunt.MoveToArchive) // neither loses what is still to be handed over
	if got := look(t, conn, account).Snapshot[string(exeunt.HandOver)]; !slices.Equal(got, want) {
		t.Errorf("from the archive it answers for %q", got)
	}
	modify(t, admin, unit, func(m *wire.ModifyRequest) { m.Replace("managedBy", nil) })
	if got := look(t, conn, account).Snapshot[string(exeunt.HandOver)]; len(got) != 3 {
		t.Errorf("once one is handed over: %q", got)
	}
}
