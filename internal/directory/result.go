package directory

import (
	"errors"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

type class struct {
	kind exeunt.ErrorKind
	says string
}

// classes says what each result code means for a step. Source: RFC 4511 appendix A; for 8 and 53
// what Active Directory answers, MS-ADTS 3.1.1.3.1.9.
var classes = map[uint16]class{
	ldap.LDAPResultOperationsError:              {exeunt.Temporary, "failed inside (1)"},
	ldap.LDAPResultProtocolError:                {exeunt.Invalid, "did not understand the request (2)"},
	ldap.LDAPResultTimeLimitExceeded:            {exeunt.Temporary, "ran into its time limit (3)"},
	ldap.LDAPResultSizeLimitExceeded:            {exeunt.Denied, "gives us fewer results than there are (4): raise our account's size limit"},
	ldap.LDAPResultAuthMethodNotSupported:       {exeunt.Unauthorised, "does not accept our way of signing in (7)"},
	ldap.LDAPResultStrongAuthRequired:           {exeunt.Unauthorised, "wants an encrypted connection (8): use ldaps:// or start_tls"},
	ldap.LDAPResultReferral:                     {exeunt.Invalid, "refers us to another server (10): set url to the one that may be written to"},
	ldap.LDAPResultAdminLimitExceeded:           {exeunt.Denied, "stopped at an administrative limit (11): raise it for our account"},
	ldap.LDAPResultUnavailableCriticalExtension: {exeunt.Unsupported, "lacks a control that this needs (12)"},
	ldap.LDAPResultConfidentialityRequired:      {exeunt.Unauthorised, "wants an encrypted connection (13): use ldaps:// or start_tls"},
	ldap.LDAPResultNoSuchAttribute:              {exeunt.Conflict, "no longer has the value that was to be changed (16)"},
	ldap.LDAPResultUndefinedAttributeType:       {exeunt.Unsupported, "does not know an attribute that this needs (17)"},
	ldap.LDAPResultInappropriateMatching:        {exeunt.Invalid, "cannot search by a configured attribute (18)"},
	ldap.LDAPResultConstraintViolation:          {exeunt.Invalid, "has a rule against the new value (19), such as its password policy"},
	ldap.LDAPResultAttributeOrValueExists:       {exeunt.Conflict, "has the value already (20)"},
	ldap.LDAPResultInvalidAttributeSyntax:       {exeunt.Invalid, "did not accept a value (21)"},
	ldap.LDAPResultNoSuchObject:                 {exeunt.NotFound, "has no such entry (32)"},
	ldap.LDAPResultInvalidDNSyntax:              {exeunt.Invalid, "did not accept a name (34)"},
	ldap.LDAPResultInappropriateAuthentication:  {exeunt.Unauthorised, "refused our way of signing in (48): check bind_dn and bind_password"},
	ldap.LDAPResultInvalidCredentials:           {exeunt.Unauthorised, "refused our name or password (49): renew bind_password"},
	ldap.LDAPResultInsufficientAccessRights:     {exeunt.Denied, "does not allow our account to do this (50): delegate the right, or the person is protected"},
	ldap.LDAPResultBusy:                         {exeunt.Temporary, "is busy (51)"},
	ldap.LDAPResultUnavailable:                  {exeunt.Temporary, "is shutting down or offline (52)"},
	ldap.LDAPResultUnwillingToPerform:           {exeunt.Denied, "is not willing to do this (53): a rule of the server, its password policy or a read-only server"},
	ldap.LDAPResultLoopDetect:                   {exeunt.Invalid, "refers to itself in a circle (54)"},
	ldap.LDAPResultNamingViolation:              {exeunt.Invalid, "does not allow the entry at that place (64)"},
	ldap.LDAPResultObjectClassViolation:         {exeunt.Conflict, "would be left with an entry that its schema forbids (65)"},
	ldap.LDAPResultNotAllowedOnNonLeaf:          {exeunt.Conflict, "does not do this to an entry that has others below it (66)"},
	ldap.LDAPResultNotAllowedOnRDN:              {exeunt.Invalid, "does not change what an entry is named by (67)"},
	ldap.LDAPResultEntryAlreadyExists:           {exeunt.Conflict, "has an entry of that name already (68)"},
	ldap.LDAPResultObjectClassModsProhibited:    {exeunt.Invalid, "does not change the class of an entry (69)"},
	ldap.LDAPResultAffectsMultipleDSAs:          {exeunt.Unsupported, "would have to do this on several servers (71)"},
	ldap.LDAPResultOther:                        {exeunt.Temporary, "failed for a reason of its own (80)"},
	ldap.ErrorNetwork:                           {exeunt.Temporary, "was cut off: the connection failed"},
	ldap.ErrorFilterCompile:                     {exeunt.Invalid, "was to be asked with a filter that is malformed: check the filters in the settings"},
	ldap.ErrorEmptyPassword:                     {exeunt.Unauthorised, "cannot be signed in to with an empty password: set bind_password"},
}

// Error classes what a directory answered; nil stays nil and our own errors stay as they are. The
// server's own words, which may hold names and values, are kept as the cause only.
func Error(err error) error {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*exeunt.Error](err); ok {
		return own
	}
	answer, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return connector.Network("the directory", err)
	}
	c, known := saidByWindows(answer)
	if !known {
		c, known = classes[answer.ResultCode]
	}
	if !known {
		return exeunt.Errorf(exeunt.Internal, "the directory answered with result code %d, which we do not know", answer.ResultCode).Because(err)
	}
	return exeunt.Errorf(c.kind, "the directory %s", c.says).Because(err)
}

// Is says whether err is, or was made of, one of the result codes.
func Is(err error, codes ...uint16) bool {
	answer, ok := errors.AsType[*ldap.Error](err)
	return ok && ldap.IsErrorAnyOf(answer, codes...)
}

// Passing keeps the errors that say nothing of what is there or allowed: the directory could not be asked. Of any other answer
// to a question that is not necessary, it makes none.
func Passing(err error) error {
	silent := []exeunt.ErrorKind{exeunt.Temporary, exeunt.Unauthorised, exeunt.Throttled}
	if slices.Contains(silent, exeunt.KindOf(Error(err))) {
		return err
	}
	return nil
}
