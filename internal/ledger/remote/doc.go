// Package remote lets a ledger run in a process of its own, under a user of its own, so that whoever
// takes over the server has neither the signing key nor the log's files.
//
// [Open] serves a [ledger.Log] on a Unix socket, where the kernel says who calls, or over TLS with
// certificates on both sides. A [Client] has the same methods as the log. The verbs are append, head,
// entries, files, packet and erase: none changes what is in the log.
//
// Everything is HTTP/1.1 under /v1. Every request names the log that it means (Exeunt-Log), so that a
// server that was given the wrong ledger is told so at once. Proofs need no verb: whoever has the files
// (tiles, https://c2sp.org/tlog-tiles) makes them, and checks them against the signed checkpoint.
package remote
