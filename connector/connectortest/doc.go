// Package connectortest says what every connector promises, as tests. A connector is done when
// [Run] passes against a real server of its kind; nothing else makes it so.
//
//	func TestConforms(t *testing.T) {
//		server := testserver.OpenLDAP(t)
//		connectortest.Run(t, connectortest.Subject{
//			Kind: ldap.Kind(), Settings: settings(server),
//			Hire: func(t testing.TB) exeunt.Leaver { … a fresh account with groups and sessions … },
//			…
//		})
//	}
//
// # What is promised
//
//   - Find reads only. Nobody is an empty list; the same person is the same id; two that match are two.
//   - Observe tells an open account from a closed one, by the immutable id: after a renaming or a
//     move it is still that account, and one that is gone is exeunt.NotFound.
//   - Every action, in the order of its spec, converges to Done with the promised proof, is not done
//     again when it is so already, and does no harm when a lost answer makes it come twice. No
//     action undoes an earlier one: at the end all of them hold.
//   - In the order of an immediate departure, too, where a kind has one. What is then too late is moot, with the reason.
//   - What is left to people is listed, item by item, never applied, and seen when they have done it.
//   - What a removal takes away stands, complete, in the look before it.
//   - At the end the person cannot sign in through the vendor's own door.
//   - Wrong credentials are Unauthorised or Denied, a dead system is Temporary, an unknown action is
//     Unsupported, and a cancelled context ends the call at once without effect.
//   - A lost answer converges; an answer without effect is never Done.
//   - Every reversible action can be put back from the look before it: to the state before, and not
//     beyond it; again without harm, and not at all when it was never done or nothing was recorded. What
//     is gone meanwhile is named, and the rest is back. A lost, throttled or empty answer is met as it
//     is when acting. A password that was reset does not come back with the account.
//   - A list has every account once, with the attributes by which a search finds it, and says which are closed. It
//     survives pages that are throttled or lost, and a cursor that is not known (any more) is Conflict.
//   - A single sign-on tells of each application once, by an immutable id, with its name and what it says of the people in
//     it; what was made shows; pages that are lost or throttled leave none out; an unknown cursor is Conflict.
//   - Examine changes nothing, speaks of every action that needs a scope, says of what is not granted why and what to do, and
//     tells what lacks where the system can tell it.
//   - Whatever is said to the vendor, and heard, is as its own description of its API has it: see [Subject.Description] and
//     package description. A request that the description does not know fails.
//   - No secret is in any error, fact or snapshot. Concurrent use is safe (run with -race).
//
// Optional fields of [Subject] switch on the checks that need them; a check without its field says
// so in the test's log. A kind leaves one out only when its system knows no such thing.
//
// # How long it takes
//
// [Departures] is a benchmark of one whole departure, by the engine's order and its waits: requests, round trips in a row, seconds.
//
// # Without a server
//
// [Vendor] is a connector in memory with faults that a test switches on: errors, lost answers, lies,
// lag, slowness. It passes Run, and is what tests of the engine act on.
package connectortest
