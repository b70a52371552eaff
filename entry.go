package exeunt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"
)

// EntryKind names what happened.
type EntryKind string

// The kinds of entry.
const (
	EntryOpened         EntryKind = "case.open"
	EntryAmended        EntryKind = "case.amend"
	EntryRescinded      EntryKind = "case.rescind"
	EntryReplanned      EntryKind = "case.replan" // a person took it to the policies of now
	EntryRehired        EntryKind = "case.rehire" // the leaver works here again
	EntryHeld           EntryKind = "case.hold"
	EntryLegalHold      EntryKind = "legal.hold"
	EntryLegalReleased  EntryKind = "legal.release"
	EntryStepHeld       EntryKind = "step.hold"
	EntryApproved       EntryKind = "step.approve"
	EntryRejected       EntryKind = "step.reject"
	EntryEscalated      EntryKind = "task.escalate"
	EntryAsked          EntryKind = "override.ask"
	EntryRefusedBy      EntryKind = "override.refuse"
	EntryExpired        EntryKind = "override.expire"
	EntryTripped        EntryKind = "fuse.trip"
	EntryFuseAsked      EntryKind = "fuse.ask"
	EntryFuseReleased   EntryKind = "fuse.release"
	EntryFuseRejected   EntryKind = "fuse.reject"
	EntryReleased       EntryKind = "case.release"
	EntryEmbargoed      EntryKind = "case.embargo" // its embargo lasts longer, or more people know
	EntryRevealed       EntryKind = "case.reveal"  // its embargo ended
	EntryClosed         EntryKind = "case.close"
	EntryIntent         EntryKind = "step.intent"
	EntryConfirmed      EntryKind = "step.confirm"
	EntryAcknowledged   EntryKind = "step.acknowledge"
	EntryAttested       EntryKind = "step.attest"
	EntryRetry          EntryKind = "step.retry"
	EntryPutBack        EntryKind = "step.put-back"
	EntryRetried        EntryKind = "step.try-again"
	EntryFailed         EntryKind = "step.fail"
	EntryByHand         EntryKind = "step.by-hand" // it is for people to do, and a task asks them
	EntrySkipped        EntryKind = "step.skip"
	EntryWaived         EntryKind = "step.waive"
	EntryOvertaken      EntryKind = "step.overtaken"
	EntryTaskOpened     EntryKind = "task.open"
	EntryTaskSaved      EntryKind = "task.save"
	EntryTaskDone       EntryKind = "task.complete"
	EntryTaskReassigned EntryKind = "task.reassign"
	EntryTaskReminded   EntryKind = "task.remind"
	EntryLooked         EntryKind = "step.look"       // looked at again: nothing new
	EntryCameBack       EntryKind = "step.come-back"  // a failed step goes on by itself
	EntryDrifted        EntryKind = "step.drift"      // what was confirmed holds no longer
	EntryShadowed       EntryKind = "shadow.look"     // what a connector in stage shadow saw and would have done
	EntryCompared       EntryKind = "shadow.compare"  // what it saw after a person had done it
	EntryLiveAsked      EntryKind = "system.live-ask" // a first person wants a connector to act
	EntryLive           EntryKind = "system.live"     // a connector acts from now on, as people decided
	EntrySteppedBack    EntryKind = "system.back"     // it does not any more
	EntryBreakerOpened  EntryKind = "breaker.open"    // a system is left alone since it does not answer
	EntryBreakerTried   EntryKind = "breaker.try"     // a person asked to try it at once
	EntryBreakerClosed  EntryKind = "breaker.close"   // it answers again
	EntryNoticeFailed   EntryKind = "notice.fail"
	EntryRefused        EntryKind = "trigger.refuse"
	EntryNoted          EntryKind = "trigger.note" // what a source said that is not the authoritative one
	EntryAlert          EntryKind = "alert"
	EntrySignedIn       EntryKind = "access.sign-in"
	EntrySignInRefused  EntryKind = "access.refuse"       // a wrong password or token
	EntrySignedOut      EntryKind = "access.sign-out"     //
	EntryAccount        EntryKind = "access.account"      // added, roles changed, invited, password chosen
	EntryTokenMade      EntryKind = "access.token-make"   //
	EntryTokenUsed      EntryKind = "access.token-use"    // for the first time
	EntryTokenRevoked   EntryKind = "access.token-revoke" //
	EntryRead           EntryKind = "access.read"         // what is under embargo, or an account in a system
	EntryExported       EntryKind = "access.export"       // a packet, a table, an answer of the API
	EntryChecked        EntryKind = "access.check"        // the ledger was checked, by a person or with a difference
	EntryConfigured     EntryKind = "config.load"         // another configuration than before
	EntryDocuments      EntryKind = "document.make"       // the record of a case was written, for people
	EntryWaveMade       EntryKind = "wave.make"
	EntryWaveChecking   EntryKind = "wave.check-begin"
	EntryWaveChecked    EntryKind = "wave.check"
	EntryWaveApproved   EntryKind = "wave.approve"
	EntryWaveStarted    EntryKind = "wave.start"
	EntryWaveReleased   EntryKind = "wave.release" // some of its people
	EntryWaveHeld       EntryKind = "wave.hold"
	EntryWaveWentOn     EntryKind = "wave.go-on"
	EntryWaveStopped    EntryKind = "wave.stop"
	EntryWaveRefused    EntryKind = "wave.refuse" // one of its people
	EntryWaveRevealed   EntryKind = "wave.reveal" // its embargo has ended
	EntryWaveDone       EntryKind = "wave.done"
	EntryWaveErased     EntryKind = "wave.erase"        // its people of whom no case came
	EntryReconcileBegun EntryKind = "reconcile.begin"   // everybody is compared with the accounts of systems
	EntryReconciled     EntryKind = "reconcile.system"  // one system was, or cannot be
	EntryMapped         EntryKind = "reconcile.confirm" // a person says whose an account is
	EntryStream         EntryKind = "signals.stream"    // a receiver of security event tokens listens, otherwise or no more
	EntrySignalKey      EntryKind = "signals.key"       // they are signed with another key
	EntryErased         EntryKind = "case.erase"        // what the case's entries say is destroyed after retention
	EntryEraseAsked     EntryKind = "case.erase-ask"
	EntryErasureDone    EntryKind = "case.erase-done" // nothing of it is left in the database
	EntryStamped        EntryKind = "case.stamp"      // its close was time-stamped by an authority
	EntryKeyChanged     EntryKind = "log.key"         // the log signs with another key
	EntryManifest       EntryKind = "log.manifest"    // how many leaves and cases there are
)

// Entry is one thing that happened, as the ledger is told it. It never holds a secret or a
// vendor's raw reply.
type Entry struct {
	ID     string            `json:"id"` // random; given by the store
	Kind   EntryKind         `json:"kind"`
	At     time.Time         `json:"at"` // UTC
	Actor  string            `json:"actor"`
	Case   CaseID            `json:"case,omitempty"`  // zero for what concerns the installation
	About  CaseID            `json:"about,omitempty"` // the case that an entry of the installation tells of
	Wave   WaveID            `json:"wave,omitzero"`   // the mass departure that it is about
	System string            `json:"system,omitempty"`
	Step   string            `json:"step,omitempty"`
	Task   string            `json:"task,omitempty"`
	What   string            `json:"what"`
	Detail map[string]string `json:"detail,omitempty"`
}

// MaxBody is the largest body of an entry, in bytes. What is committed has to fit through every place behind it, for
// ever: the way to a ledger in a process of its own, and packets, both of which take a megabyte. The longest honest entry
// lists the groups that somebody was in: some thousands.
const MaxBody = 256 << 10

// Body is the canonical encoding that the ledger commits to.
func (e Entry) Body() []byte {
	b, err := json.Marshal(e) // map keys are sorted; no field can fail to encode
	if err != nil {
		panic("exeunt: an entry of strings did not encode: " + err.Error())
	}
	return b
}

// LeafKind is all that a leaf says of what happened; the rest is in the sealed body.
type LeafKind string

// The kinds of leaf.
const (
	LeafOpen     LeafKind = "open"     // first of a case
	LeafEvent    LeafKind = "event"    //
	LeafClose    LeafKind = "close"    // carries the count of the case's leaves
	LeafErase    LeafKind = "erase"    // the case's key was destroyed; bodies may be missing
	LeafManifest LeafKind = "manifest" // how many leaves and cases there are
)

// Leaf is what the transparency log holds of an entry: enough to prove order and completeness,
// nothing about a person. See LEDGER in the documentation for why each field is there.
type Leaf struct {
	Version int      `json:"v"`
	Source  string   `json:"source"`          // the installation, so that two logs cannot be mixed
	N       int64    `json:"n"`               // dense over the whole log, from 0
	Case    string   `json:"case"`            // random handle; "" for what concerns the installation
	Seq     int64    `json:"seq"`             // dense within Case, from 0
	Prev    string   `json:"prev,omitempty"`  // hex RFC 6962 leaf hash of the previous leaf of Case
	Kind    LeafKind `json:"kind"`            //
	Count   int64    `json:"count,omitempty"` // on close: how many leaves the case has, this one included
	Commit  string   `json:"commit"`          // hex, see Commitment
}

// commitmentDomain separates these hashes from any other use of SHA-256 over a salt and a body.
const commitmentDomain = "exeunt entry commitment v1\n"

// Commitment binds a leaf to a body without revealing it: SHA-256(domain ‖ 32-byte salt ‖ body).
// It is over the plaintext, since AES-GCM does not commit to its key.
func Commitment(salt [32]byte, body []byte) string {
	return hashed(commitmentDomain, salt[:], body)
}

// Encode gives the leaf's bytes as they stand in the log.
func (l Leaf) Encode() []byte {
	b, err := json.Marshal(l)
	if err != nil {
		panic("exeunt: a leaf of strings and numbers did not encode: " + err.Error())
	}
	return b
}

// LeafHash is the RFC 6962 leaf hash, SHA-256(0x00 ‖ leaf), of encoded leaf bytes, in hex.
func LeafHash(encoded []byte) string { return hashed("\x00", encoded, nil) }

// hashed is the SHA-256 of three parts, in hex. A check of the ledger makes some millions of them: they are put together
// in memory that is used again.
func hashed(first string, second, third []byte) string {
	whole := wholes.Get().(*[]byte)
	defer wholes.Put(whole)
	*whole = append(append(append((*whole)[:0], first...), second...), third...)
	sum := sha256.Sum256(*whole)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

var wholes = sync.Pool{New: func() any { return new([]byte) }}

// LeafKindOf says how an entry shows in the log.
func LeafKindOf(k EntryKind) LeafKind {
	switch k {
	case EntryOpened:
		return LeafOpen
	case EntryClosed:
		return LeafClose
	case EntryErased:
		return LeafErase
	case EntryManifest:
		return LeafManifest
	default:
		return LeafEvent
	}
}

// Record is an entry on its way into the ledger: its place, its leaf, and what the leaf commits to.
type Record struct {
	N       int64  // dense over the whole log
	EventID string // the entry's random id
	Case    string // handle; "" for what concerns the installation
	Holder  string // handle of the case whose key seals the body, also where it is no entry of that case but tells of it
	Leaf    []byte
	Salt    [32]byte
	Body    []byte
}
