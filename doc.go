// Package exeunt is the domain of an offboarding orchestrator: the words of the field, what they
// hold and how they change. It does no I/O, reads no clock and imports the standard library only.
//
// # The story
//
// When somebody leaves a company, the HR system says so once: that is the [Trigger]. It opens a
// [Case], which is one [Leaver]'s [Departure] from that moment to sealed evidence.
//
// A [Policy] turns the leaver and the inventory of [System]s into a [Plan] ([Draft]). The plan
// covers every system: by a [Step] that a connector does, by a step that checks what the system
// inherits from its single sign-on, or by a [Task] that a named person does. Nothing is left out.
// Independent steps start together; a [Dependency] exists only where it is declared, with its
// reason.
//
// A step is converged, not fired: look, act if needed, look again. What was seen is an
// [Observation], and how well a step is proven is its [Proof]: observed, acknowledged, attested or
// waived. When automation gives up, the step fails into a task of the system's named owner, with
// the documented fallback. Nothing fails silently.
//
// # One way to change
//
// Every decision here is a pure function that takes values and a moment and returns a [Change]:
// the case, steps, tasks and notices as they shall be, and the [Entry] values that tell the ledger
// what happened. A store commits a change whole, together with what is due because of it, or
// not at all. There is no other way to change a case.
//
//	HR event → Trigger → Case → Plan → Steps ──lanes─> visits (connectors) → Change ─commit→ store → ledger
//	                              │                                             ↑
//	                              └── tasks → people (web, mail) ───────────────┘
//
// # Where to go next
//
//   - trigger.go, leaver.go, case.go: what comes in and what it becomes
//   - system.go, action.go, account.go, observation.go: what there is to cut, and what was seen
//   - policy.go, plan.go: how a departure becomes steps and tasks
//   - step.go, task.go, change.go: how a case moves, one commit at a time
//   - entry.go: what the ledger is told, and the leaf that proves it
//   - package connector: the contract between a step and a vendor
//   - internal/engine, internal/store, internal/ledger: who runs, keeps and proves it
package exeunt
