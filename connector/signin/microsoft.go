package signin

import "slices"

// microsoft are the reasons of Entra ID that its OAuth code does not tell apart, with what to do about each.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
var microsoft = []struct {
	number int
	remedy string
}{
	{7000215, "client_secret is not the secret of our app registration: give its value, not its id"},
	{7000222, "client_secret has expired: make another in the app registration, or use a certificate"},
	{700027, "the certificate is not among those of our app registration, or private_key is not its key: upload it there"},
	{7000229, "our app registration has no enterprise application in this tenant: have an administrator of it consent"},
	{700016, "the tenant knows no application of this client_id: check both, and have an administrator of the tenant consent"},
	{7000112, "our application is switched off in the tenant: let people sign in to it again, among the enterprise applications"},
	{90002, "there is no such tenant: check it, and login_url where the tenant is in a national cloud"},
	{900023, "tenant is neither the id of a directory nor a domain of it"},
	{700024, "the clock of this machine is wrong, or the proof was too long on its way"},
	{53003, "a policy of Conditional Access keeps our application out: let it sign in from this network"},
}

// microsoft is the reason that is known, and its remedy.
func (r reply) microsoft() (number int, remedy string) {
	for _, m := range microsoft {
		if slices.Contains(r.Microsoft, m.number) {
			return m.number, m.remedy
		}
	}
	return 0, ""
}
