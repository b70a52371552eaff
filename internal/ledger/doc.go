// Package ledger keeps the tamper-evident log: the leaves in a transparency log on disk, what they
// commit to sealed beside it, and the key that signs.
//
// A [Log] has the verbs append, head, proof, packet and erase, and no update. It lives in a folder
// of its own and belongs to one process at a time. A [Shipper] brings entries from the outbox of
// the operational database into it, each exactly once and in the order of their numbers, whatever
// is killed in between.
//
// What is proven and what is not is told in docs/proof.md; package verify, which depends on none
// of this, does the proving.
package ledger
