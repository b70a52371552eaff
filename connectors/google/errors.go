package google

import (
	"net/http"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// fault is the body of an error. Its message is read for one sentence that Google has no reason for, and never shown.
// Source: developers.google.com/workspace/admin/directory/v1/limits; cloud.google.com/apis/design/errors.
type fault struct {
	Error struct {
		Message string `json:"message"`
		Status  string `json:"status"`
		Errors  []struct {
			Reason string `json:"reason"`
		} `json:"errors"`
		Details []struct {
			Reason string `json:"reason"`
		} `json:"details"`
	} `json:"error"`
}

// reason is the first word by which Google says what is wrong.
func (f fault) reason() string {
	for _, d := range f.Error.Details {
		if d.Reason != "" {
			return d.Reason
		}
	}
	for _, e := range f.Error.Errors {
		if e.Reason != "" {
			return e.Reason
		}
	}
	return f.Error.Status
}

// unauthorised is what Google says of targets above our administrator: super administrators, mostly.
const unauthorised = "Not Authorized to access this resource/api"

// explain makes an error of the reason, which says more than the status: a 403 is a permission, a limit, or an API that
// nobody switched on.
func explain(a vendorapi.Answer, status *exeunt.Error) error {
	var said fault
	if a.Status >= http.StatusInternalServerError || a.Decode(&said) != nil {
		return status
	}
	switch said.reason() {
	case "userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED":
		return exeunt.Errorf(exeunt.Throttled, "%s asks to slow down (%d)", name, a.Status).After(connector.RetryAfter(a.Header, time.Now()))
	case "accessNotConfigured", "SERVICE_DISABLED":
		return exeunt.Errorf(exeunt.Denied, "%s: the API is not enabled in the project of the service account: enable it there under APIs and services", name)
	case "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
		return exeunt.Errorf(exeunt.Denied, "%s: the access token lacks a scope: compare the list under Domain-wide delegation with the connector's page", name)
	case "failedPrecondition", "FAILED_PRECONDITION":
		return exeunt.Errorf(exeunt.Conflict, "%s cannot do this to the account in its present state: it is suspended, or the service is off for it", name)
	case "conditionNotMet", "aborted", "ABORTED", "conflict":
		return exeunt.Errorf(exeunt.Temporary, "%s: the account was changed by somebody else at the same time", name)
	case "duplicate", "ALREADY_EXISTS":
		return exeunt.Errorf(exeunt.Conflict, "%s says that it is so already", name)
	}
	if a.Status == http.StatusForbidden && strings.Contains(said.Error.Message, unauthorised) {
		return exeunt.Errorf(exeunt.Denied, "%s does not let our administrator do this to the account (403): give the administrator's role the privilege, or let a super administrator do it when the account is an administrator's", name)
	}
	return status
}

// explainLicence knows that the License Manager has one of these reasons for something else: who has a licence gets no second.
// Source: developers.google.com/workspace/admin/licensing/v1/troubleshoot-error-codes.
func explainLicence(a vendorapi.Answer, status *exeunt.Error) error {
	if a.Status == http.StatusPreconditionFailed {
		return status
	}
	return explain(a, status)
}

func isKind(err error, kind exeunt.ErrorKind) bool { return err != nil && exeunt.KindOf(err) == kind }

// scoped says of a request that was not signed in, after one with another scope was, that the scope is what lacks. Otherwise
// one scope that nobody granted would stop everything that is to be done in the system.
func scoped(err error) error {
	if !isKind(err, exeunt.Unauthorised) {
		return err
	}
	return exeunt.Errorf(exeunt.Denied, "%s", exeunt.MessageOf(err)).Because(err)
}
