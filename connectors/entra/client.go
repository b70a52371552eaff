package entra

import (
	"context"
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// guid is the form of every id of the directory. Whatever else stands where an id should would address another thing: a
// user principal name finds an account, and "me" is one.
var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// query writes the options of a request in pairs. Graph takes a space as %20 in every place, as + in some; a plus that is
// meant is %2B, and a number sign would end the address.
func query(path string, options ...string) string {
	separator := "?"
	for i := 0; i+1 < len(options); i += 2 {
		path += separator + options[i] + "=" + strings.ReplaceAll(url.QueryEscape(options[i+1]), "+", "%20")
		separator = "&"
	}
	return path
}

// quote writes a text in a filter (OData 4.01, URL Conventions §5.1.1.6.1).
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// send makes one change.
func (t *tenant) send(ctx context.Context, method, path string, body any) (vendorapi.Answer, error) {
	return t.api.Ask(ctx, vendorapi.Question{Method: method, Path: path, Body: body})
}

// reference is how an object is named in the body of a request.
func (t *tenant) reference(id string) map[string]string {
	return map[string]string{"@odata.id": t.api.Base + "/directoryObjects/" + id}
}

// list is a page of a collection.
type list[T any] struct {
	Value []T    `json:"value"`
	Next  string `json:"@odata.nextLink"`
}

// mostPages is far more than one person has of anything.
const mostPages = 100

// all reads a collection from its first page on.
func all[T any](ctx context.Context, t *tenant, a vendorapi.Answer) ([]T, error) {
	var out []T
	for range mostPages {
		var page list[T]
		if err := a.Decode(&page); err != nil {
			return nil, err
		}
		out = append(out, page.Value...)
		if page.Next == "" {
			return out, nil
		}
		next, err := a.Follow(t.api.Base+"/", page.Next)
		if err != nil {
			return nil, err
		}
		if a, err = t.api.Ask(ctx, vendorapi.Question{Path: next}); err != nil {
			return nil, err
		}
	}
	return nil, exeunt.Errorf(exeunt.Invalid, "%s goes on for more than %d pages about one person", name, mostPages)
}

// part is one request of a batch, which only reads.
type part struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"` // under the base
	Headers map[string]string `json:"headers,omitempty"`
}

// mostParts is how many requests a batch may have.
const mostParts = 20

// answered is one answer of a batch, with the error that it is.
type answered struct {
	vendorapi.Answer
	err error
}

// batch sends several reads as one request. The batch itself is answered 200 whatever became of them: each has a status of
// its own. They come in any order.
func (t *tenant) batch(ctx context.Context, parts []part) (map[string]answered, error) {
	for i := range parts {
		parts[i].Method = http.MethodGet
	}
	a, err := t.send(ctx, http.MethodPost, "/$batch", map[string]any{"requests": parts})
	if err != nil {
		return nil, err
	}
	var replies struct {
		Responses []struct {
			ID      string            `json:"id"`
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
			Body    json.RawMessage   `json:"body"`
		} `json:"responses"`
	}
	if err := a.Decode(&replies); err != nil {
		return nil, err
	}
	out := map[string]answered{}
	for _, r := range replies.Responses {
		one := answered{Answer: vendorapi.Answer{Vendor: name, Status: r.Status, Header: http.Header{}, Body: r.Body}}
		for key, value := range r.Headers {
			one.Header[textproto.CanonicalMIMEHeaderKey(key)] = []string{value}
		}
		if status := connector.Status(name, &http.Response{StatusCode: r.Status, Header: one.Header}); status != nil {
			one.err = explain(one.Answer, status)
		}
		out[r.ID] = one
	}
	for _, p := range parts {
		if _, there := out[p.ID]; !there {
			return nil, exeunt.Errorf(exeunt.Temporary, "%s left out a part of what it was asked", name)
		}
	}
	return out, nil
}

// refusals are the error codes that say more than their status. Only these codes are shown; the message beside them is the
// vendor's own text and may hold anything.
var refusals = map[string]struct {
	kind exeunt.ErrorKind
	why  string
}{
	"Authorization_RequestDenied":                 {exeunt.Denied, "does not allow it (Authorization_RequestDenied): grant our application the permission that the action lists (exeunt doctor names the one that is missing), or, where the account holds an administrator role, give our application a higher one"},
	"ErrorAccessDenied":                           {exeunt.Denied, "does not allow it (ErrorAccessDenied): grant our application the permission, or take the mailbox into the scope of its Exchange access policy"},
	"accessDenied":                                {exeunt.Denied, "does not allow it (accessDenied): grant our application the permission that the action lists"},
	"Request_ResourceNotFound":                    {exeunt.NotFound, "has no such object (Request_ResourceNotFound)"},
	"Directory_ObjectNotFound":                    {exeunt.NotFound, "has no such object (Directory_ObjectNotFound)"},
	"MailboxNotEnabledForRESTAPI":                 {exeunt.NotFound, "has no mailbox for the account (MailboxNotEnabledForRESTAPI)"},
	"ErrorInvalidUser":                            {exeunt.NotFound, "has no mailbox for the account (ErrorInvalidUser)"},
	"AadPremiumLicenseRequired":                   {exeunt.Unsupported, "does not do this without a licence of the tenant (AadPremiumLicenseRequired): eligible roles come with Entra ID P2"},
	"Request_MultipleObjectsWithSameKeyValue":     {exeunt.Ambiguous, "has several objects of this key (Request_MultipleObjectsWithSameKeyValue)"},
	"Directory_ExpiredPageToken":                  {exeunt.Conflict, "does not know where the list went on (Directory_ExpiredPageToken): it is read again from the beginning"},
	"Directory_ConcurrencyViolation":              {exeunt.Temporary, "was changing the same object at that moment (Directory_ConcurrencyViolation)"},
	"Authorization_IdentityNotFound":              {exeunt.Unauthorised, "does not know our application in this tenant (Authorization_IdentityNotFound): have an administrator consent to it there"},
	"InvalidAuthenticationToken":                  {exeunt.Unauthorised, "refused our access token (InvalidAuthenticationToken): check client_id, and the clock of this machine"},
	"RoleAssignmentExists":                        {exeunt.Conflict, "has this role assignment already (RoleAssignmentExists)"},
	"RoleAssignmentDoesNotExist":                  {exeunt.NotFound, "has no such role assignment (RoleAssignmentDoesNotExist)"},
	"RoleAssignmentRequestPolicyValidationFailed": {exeunt.Denied, "does not allow the role for that long (RoleAssignmentRequestPolicyValidationFailed): its settings in Privileged Identity Management forbid it"},
}

// said is the body of an error.
type said struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// sentences tell apart what Graph answers with one code, Request_BadRequest; what they say is never shown.
var sentences = []struct {
	words, why string
	kind       exeunt.ErrorKind
}{
	{"already exist", "has it so already", exeunt.Conflict},
	{"on-premises mastered", "does not change what comes from Active Directory: change it there", exeunt.Unsupported},
	{"inherited from a group", "gives this licence by a group: take the account out of that group", exeunt.Conflict},
	{"default method with other", "wants the other factors removed before the default one", exeunt.Conflict},
}

// explain says what an error means, by its code where one is known.
func explain(a vendorapi.Answer, status *exeunt.Error) error {
	var body said
	if a.Decode(&body) != nil || status.Kind == exeunt.Throttled {
		return status
	}
	if r, known := refusals[body.Error.Code]; known {
		return exeunt.Errorf(r.kind, "%s %s", name, r.why)
	}
	if a.Status != http.StatusBadRequest {
		return status
	}
	for _, s := range sentences {
		if strings.Contains(strings.ToLower(body.Error.Message), s.words) {
			return exeunt.Errorf(s.kind, "%s %s", name, s.why)
		}
	}
	return status
}
