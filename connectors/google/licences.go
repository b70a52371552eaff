package google

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// licencePath is where a licence is; a licence is known by the primary address, not by the id.
func licencePath(licence, of string) string {
	product, sku, _ := strings.Cut(licence, "/")
	return "/apps/licensing/v1/product/" + url.PathEscape(product) + "/sku/" + url.PathEscape(sku) + "/user" + of
}

func (t *tenant) lookAtLicences(ctx context.Context, u user, s *sight) error {
	held, titles := []string{}, []string{}
	for _, licence := range t.Licences {
		var assigned struct{ SkuID, SkuName string }
		err := t.get(ctx, t.licences, licencePath(licence, "/"+url.PathEscape(u.PrimaryEmail)), url.Values{"fields": {"skuId,skuName"}}, &assigned)
		if isKind(err, exeunt.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		held, titles = append(held, licence), append(titles, assigned.SkuName)
	}
	s.tell(exeunt.ReclaimLicence, standing(len(held) == 0), map[string]string{"licences": counted(titles)}, map[string][]string{"licences": held, "licence_names": titles})
	return nil
}

func (t *tenant) reclaimLicences(ctx context.Context, u user, seen exeunt.Observation) error {
	for _, licence := range seen.Snapshot["licences"] {
		if err := gone(t.remove(ctx, t.licences, licencePath(licence, "/"+url.PathEscape(u.PrimaryEmail))), exeunt.NotFound); err != nil {
			return err
		}
	}
	return nil
}

func (t *tenant) reassignLicences(ctx context.Context, u user, recorded map[string][]string) error {
	return connector.PutBack("licences", recorded["licences"], recorded["licence_names"], func(licence string) error {
		// An account that has it already is a Conflict (412).
		return gone(t.do(ctx, t.licences, http.MethodPost, licencePath(licence, ""), map[string]string{"userId": u.PrimaryEmail}), exeunt.Conflict)
	})
}
