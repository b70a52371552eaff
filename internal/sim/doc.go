// Package sim is a company that does not exist: its people, and simulators of the systems that they
// use, with faults to switch on. Demonstrations and rehearsals run against it; so do the tests of the
// shipped descriptions. Everything runs in this process, on loopback, in memory.
//
//	company, err := sim.Start(ctx, 200, 1)   // 200 people, the same for the same seed
//	defer company.Close()
//	for _, s := range company.Systems() { … s.Kind, s.Settings, s.Identifier … }
//
// # The systems
//
//	directory  kind scim                 an account, groups
//	identity   kind http, spec identity  sign-in, sessions, factors; OAuth 2 client credentials
//	payroll    kind http, spec payroll   termination, final payment
//	benefits   kind http, spec benefits  notifications that cannot be read back
//	chat       kind http, spec workspace shows changes late, and answers 429 now and then
//	code       kind http, spec github    membership of an organisation
//	crm        kind http, spec workspace answers 200 and does nothing
//	hr         BambooHR: employees, and signed webhooks; a source, not a system
//
// # Settings
//
// Settings hold references to secrets, never secrets. [Company.Environment] gives the variables that
// the references name, such as EXEUNT_SIM_DIRECTORY_TOKEN; set them before a connector is used.
// What each system's settings must hold:
//
//	scim       base_url, token
//	identity   spec, base_url, client_id, client_secret
//	payroll    spec, base_url, token                (find by employee_id)
//	benefits   spec, base_url, username, password   (find by employee_id)
//	workspace  spec, base_url, token
//	github     spec, base_url, token, values.org    (find by login)
//
// # Faults
//
// Every simulator is a [Vendor]: Break makes its answers go wrong, Heal ends that, Lag delays what
// its changes show, Deafen makes it say yes and do nothing, Calls counts.
package sim
