package entra

import (
	"net/http"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// refusals are the error codes, in small letters, that say more than their status: parts of Graph write one code in
// different ways, and the documentation says not to tell them apart by that. Only these codes are shown; the message beside them is the
// vendor's own text and may hold anything.
var refusals = map[string]struct {
	kind exeunt.ErrorKind
	why  string
}{
	"authorization_requestdenied":                 {exeunt.Denied, "does not allow it (Authorization_RequestDenied): grant our application the permission that the action lists (exeunt doctor names the one that is missing), or, where the account holds an administrator role, give our application a higher one"},
	"erroraccessdenied":                           {exeunt.Denied, "does not allow it (ErrorAccessDenied): grant our application the permission, or take the mailbox into the scope of its Exchange access policy"},
	"accessdenied":                                {exeunt.Denied, "does not allow it (accessDenied): grant our application the permission that the action lists"},
	"request_resourcenotfound":                    {exeunt.NotFound, "has no such object (Request_ResourceNotFound)"},
	"directory_objectnotfound":                    {exeunt.NotFound, "has no such object (Directory_ObjectNotFound)"},
	"mailboxnotenabledforrestapi":                 {exeunt.NotFound, "has no mailbox for the account (MailboxNotEnabledForRESTAPI)"},
	"errorinvaliduser":                            {exeunt.NotFound, "has no mailbox for the account (ErrorInvalidUser)"},
	"errornonexistentmailbox":                     {exeunt.NotFound, "has no mailbox for the account (ErrorNonExistentMailbox)"},
	"errormailboxstoreunavailable":                {exeunt.Temporary, "cannot reach the mailbox (ErrorMailboxStoreUnavailable)"},
	"errormailboxmoveinprogress":                  {exeunt.Temporary, "is moving the mailbox (ErrorMailboxMoveInProgress)"},
	"aadpremiumlicenserequired":                   {exeunt.Unsupported, "does not do this without a licence of the tenant (AadPremiumLicenseRequired): eligible roles come with Entra ID P2"},
	"request_multipleobjectswithsamekeyvalue":     {exeunt.Ambiguous, "has several objects of this key (Request_MultipleObjectsWithSameKeyValue)"},
	"directory_expiredpagetoken":                  {exeunt.Conflict, "does not know where the list went on (Directory_ExpiredPageToken): it is read again from the beginning"},
	"directory_concurrencyviolation":              {exeunt.Temporary, "was changing the same object at that moment (Directory_ConcurrencyViolation)"},
	"directory_resultsizelimitexceeded":           {exeunt.Invalid, "finds more than it gives (Directory_ResultSizeLimitExceeded): the search is not specific enough"},
	"request_throttledtemporarily":                {exeunt.Throttled, "asks to slow down (Request_ThrottledTemporarily)"},
	"applicationthrottled":                        {exeunt.Throttled, "asks to slow down (ApplicationThrottled)"},
	"activitylimitreached":                        {exeunt.Throttled, "asks to slow down (activityLimitReached)"},
	"authorization_identitynotfound":              {exeunt.Unauthorised, "does not know our application in this tenant (Authorization_IdentityNotFound): have an administrator consent to it there"},
	"authorization_identitydisabled":              {exeunt.Unauthorised, "has our application switched off (Authorization_IdentityDisabled): let it sign in again, among the enterprise applications of the tenant"},
	"invalidauthenticationtoken":                  {exeunt.Unauthorised, "refused our access token (InvalidAuthenticationToken): check client_id, and the clock of this machine"},
	"roleassignmentexists":                        {exeunt.Conflict, "has this role assignment already (RoleAssignmentExists)"},
	"roleassignmentdoesnotexist":                  {exeunt.NotFound, "has no such role assignment (RoleAssignmentDoesNotExist)"},
	"roleassignmentrequestpolicyvalidationfailed": {exeunt.Denied, "does not allow the role for that long (RoleAssignmentRequestPolicyValidationFailed): its settings in Privileged Identity Management forbid it"},
	"activedurationtooshort":                      {exeunt.Temporary, "takes no role away within five minutes of its activation (ActiveDurationTooShort)"},
	"pendingroleassignmentrequest":                {exeunt.Temporary, "is still at an earlier request for this role (PendingRoleAssignmentRequest)"},
	"roleassignmentrequestexists":                 {exeunt.Temporary, "is still at an earlier request for this role (RoleAssignmentRequestExists)"},
}

// shortest is how long a role has to have been active before Privileged Identity Management takes it away (unverified
// whether that holds for an administrator's request, too).
const shortest = 5 * time.Minute

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
	{"on-premises mastered", "does not change what comes from Active Directory: change it there", exeunt.Conflict},
	{"inherited from a group", "gives this licence by a group: take the account out of that group", exeunt.Conflict},
	{"default method with other", "wants the other factors removed before the default one", exeunt.Conflict},
}

// explain says what an error means, by its code where one is known.
func explain(a vendorapi.Answer, status *exeunt.Error) error {
	var body said
	if a.Decode(&body) != nil || status.Kind == exeunt.Throttled {
		return status
	}
	if r, known := refusals[strings.ToLower(body.Error.Code)]; known {
		e := exeunt.Errorf(r.kind, "%s %s", name, r.why).After(status.RetryAfter)
		if strings.EqualFold(body.Error.Code, "ActiveDurationTooShort") {
			e = e.After(shortest)
		}
		return e
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
