package activedirectory

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
)

// perController bounds the question to one further domain controller, so that one that is gone holds nothing up: it does not
// show the account as disabled, which is all that is asked.
const perController = 10 * time.Second

// notYetAt are the further domain controllers that do not show the account as shut, and why.
func (d *domain) notYetAt(ctx context.Context, account exeunt.Account) []string {
	late := make([]string, len(d.Controllers))
	var asked sync.WaitGroup
	for i, address := range d.Controllers {
		asked.Go(func() { late[i] = d.lateAt(ctx, address, account) })
	}
	asked.Wait()
	return slices.DeleteFunc(late, func(s string) bool { return s == "" })
}

// lateAt asks one of them; "" when it shows it.
func (d *domain) lateAt(ctx context.Context, address string, account exeunt.Account) string {
	ctx, cancel := context.WithTimeout(ctx, perController)
	defer cancel()
	shut := false
	err := d.at(address).Do(ctx, func(c *ldap.Conn) error {
		u, err := read(c, account)
		shut = err == nil && d.shut(u, time.Now())
		return err
	})
	switch {
	case err != nil && exeunt.KindOf(err) == exeunt.NotFound: // as good, and not yet known to the first
		return ""
	case err != nil:
		return host(address) + " (" + exeunt.MessageOf(err) + ")"
	case shut:
		return ""
	}
	return host(address)
}

// replicated says whether an account that the first domain controller shows as shut is so everywhere.
func (d *domain) replicated(ctx context.Context, account exeunt.Account, o *exeunt.Observation) {
	late := d.notYetAt(ctx, account)
	if len(late) == 0 {
		o.Facts["domain controllers that show it"] = strings.Join(append([]string{host(d.URL)}, hosts(d.Controllers)...), ", ")
		return
	}
	o.Standing[exeunt.Disable] = exeunt.Pending
	o.Facts["not yet at"] = strings.Join(late, ", ")
	o.Why = map[exeunt.Action]string{exeunt.Disable: "not yet at " + strings.Join(late, ", ")}
}

func hosts(addresses []string) (names []string) {
	for _, address := range addresses {
		names = append(names, host(address))
	}
	return names
}
