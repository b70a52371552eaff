package google

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// user is what is read of an account: nothing private.
type user struct {
	ID                 string       `json:"id"`
	PrimaryEmail       string       `json:"primaryEmail"`
	Aliases            []string     `json:"aliases"`
	NonEditableAliases []string     `json:"nonEditableAliases"`
	ExternalIDs        []externalID `json:"externalIds"`
	Suspended          bool         `json:"suspended"`
	SuspensionReason   string       `json:"suspensionReason"`
	Archived           bool         `json:"archived"`
	SuperAdmin         bool         `json:"isAdmin"`
	DelegatedAdmin     bool         `json:"isDelegatedAdmin"`
	Enrolled           bool         `json:"isEnrolledIn2Sv"`
	Enforced           bool         `json:"isEnforcedIn2Sv"`
	OrgUnitPath        string       `json:"orgUnitPath"`
	Listed             bool         `json:"includeInGlobalAddressList"`
	LastLogin          string       `json:"lastLoginTime"`
	Deletion           string       `json:"deletionTime"` // of one that can still be restored
}

type externalID struct {
	Value string `json:"value"`
	Type  string `json:"type"` // account, custom, customer, login_id, network or organization
}

const userFields = "id,primaryEmail,aliases,nonEditableAliases,externalIds,suspended,suspensionReason,archived,isAdmin,isDelegatedAdmin,isEnrolledIn2Sv,isEnforcedIn2Sv,orgUnitPath,includeInGlobalAddressList,lastLoginTime"

// read gives one account by its id, primary address or alias. This is the read that is current.
func (t *tenant) read(ctx context.Context, key string) (user, error) {
	var u user
	err := t.get(ctx, t.users, directory+"/users/"+url.PathEscape(key), url.Values{"projection": {"full"}, "fields": {userFields}}, &u)
	if err == nil && (u.ID == "" || u.PrimaryEmail == "") {
		err = exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", name)
	}
	return u, err
}

// account reads the very account, also one that was deleted and can still be restored.
func (t *tenant) account(ctx context.Context, a exeunt.Account) (user, error) {
	u, err := t.read(ctx, a.ID)
	if isKind(err, exeunt.NotFound) {
		return t.deleted(ctx, a, err)
	}
	if err == nil && u.ID != a.ID { // an id that is another one's alias would be somebody else
		err = exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", name)
	}
	return u, err
}

// deleted looks for the account among those of the last 20 days; there is no asking for one of them. Where it is not, the
// account is gone.
func (t *tenant) deleted(ctx context.Context, a exeunt.Account, gone error) (user, error) {
	var found user
	query := url.Values{"customer": {t.Customer}, "showDeleted": {"true"}, "maxResults": {"500"}, "fields": {"nextPageToken,users(id,primaryEmail,deletionTime)"}}
	err := t.all(ctx, t.users, directory+"/users", query, func(answer vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			Users         []user
		}
		if err := answer.Decode(&page); err != nil {
			return "", err
		}
		for _, u := range page.Users {
			if u.ID == a.ID && u.Deletion != "" {
				found = u
				return "", nil
			}
		}
		return page.NextPageToken, nil
	})
	switch {
	case found.ID != "":
		return found, nil
	case isKind(err, exeunt.Throttled), isKind(err, exeunt.Temporary), isKind(err, exeunt.Unauthorised):
		return found, err
	}
	return found, gone
}

// has says whether an address is the account's.
func (u user) has(address string) bool {
	return slices.ContainsFunc(u.addresses(), func(own string) bool { return strings.EqualFold(own, address) })
}

func (u user) addresses() []string {
	out := []string{u.PrimaryEmail}
	out = append(out, u.Aliases...)
	return append(out, u.NonEditableAliases...)
}

func (u user) numbers(of func(kind string) bool) []string {
	var out []string
	for _, e := range u.ExternalIDs {
		if e.Value != "" && of(e.Type) {
			out = append(out, e.Value)
		}
	}
	return out
}

func (u user) closed() bool { return u.Suspended || u.Archived }

func (u user) found() exeunt.Found {
	f := exeunt.Found{Account: exeunt.Account{ID: u.ID, Login: u.PrimaryEmail}, Has: map[string][]string{}, Closed: u.closed()}
	for attribute, a := range attributes {
		if values := a.of(u); len(values) > 0 {
			f.Has[attribute] = values
		}
	}
	return f
}

// path is where the account is in the Directory API.
func (u user) path(rest string) string { return directory + "/users/" + url.PathEscape(u.ID) + rest }
