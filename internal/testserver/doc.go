// Package testserver starts real servers for tests: directories, databases, mail and SCIM services
// that others wrote, each in a folder and on a port of its own, on loopback only.
//
//	dir := testserver.OpenLDAP(t) // up when it returns, gone when t ends
//	url := testserver.Postgres(t) // a fresh database on the one server of this test process
//
// A server never outlives the process that asked for it, however that ends: see [process]. What a
// machine lacks is installed by install.sh; a test that still misses something fails, unless the
// name is listed in EXEUNT_WITHOUT and this is not CI.
package testserver
