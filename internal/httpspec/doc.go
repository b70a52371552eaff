// Package httpspec makes connectors from descriptions: YAML files that tell how one vendor's HTTP
// API finds, shows and ends an account. No code is needed for a system that fits; what does not fit
// is refused when the description is read, with every fault and its line.
//
// # A description
//
//	name: door-locks                  # the word in settings.spec
//	title: Door locks                 # what people read
//	source: https://vendor.example/docs/api   # where all this is said
//	values: {site: Number of the site}        # asked of each system, used as {values.site}
//	auth: {kind: bearer}              # none bearer basic basic-token header oauth2 session
//	#  or {kind: session, login: {path: /login, form: true, body: {user: "{username}", pass: "{password}"}, cookie: SID}}
//	#  or login: {…, token: /token}, which header and prefix carry
//	headers: {X-Api-Version: "2"}     # on every request
//	rate: {statuses: [403], remaining: X-Left, reset: X-Reset}
//	errors:                           # where the status alone does not say it
//	  - {status: [400], at: /code, equals: last_owner, kind: denied, say: the last owner cannot be removed}
//	check:                            # what exeunt doctor asks; absent: a search for nobody
//	  - {right: read people, path: /users, query: {limit: "1"}, remedy: give the token the role Reader}
//	  - {right: administrator, for: [disable], path: /me, holds: [{at: /role, equals: admin}], remedy: …}
//	  - {right: scopes, path: /me, scopes: {header: X-OAuth-Scopes}}   # or {at: /scopes}: all that actions name must be there
//	find:
//	  identifier: work_email          # of the leaver; settings.identifier overrides it
//	  path: /users
//	  query: {q: "{identifier}"}        # or body: {…}, for a search by POST, of one page
//	  list: /items                    # absent: the answer is the one account, 404 is none
//	  id: /id
//	  login: /mail
//	  match: /mail                    # must be the identifier, or it is a stranger
//	  fold_case: true
//	  paging: {kind: cursor, param: after, next: /next}   # none page offset cursor link url
//	list:                             # absent: its accounts cannot be listed
//	  path: /users
//	  list: /items
//	  paging: {kind: cursor, param: after, next: /next}
//	  closed: [{at: /status, equals: off}]               # of one of them: nobody can sign in with it
//	applications:                     # of a single sign-on; absent: it signs nobody in elsewhere, or does not tell
//	  path: /apps
//	  list: ""                        # the answer is the list
//	  paging: {kind: link}
//	  id: /id
//	  name: /label
//	  mode: /signOnMode               # how it lets people in
//	  signs_in: /credentials/userNameTemplate/template   # by what it names people
//	  people: /assigned               # a number, or a list that is counted
//	  inactive: [{at: /status, equals: INACTIVE}]
//	observe:
//	  looks:                          # the first is the account; others have a name
//	    - {path: "/users/{account.id}"}
//	    - {name: keys, path: "/users/{account.id}/keys", list: /items, paging: {kind: none}, only: [{at: /live, equals: true}]}
//	  same: /id                       # the first look must be this very account
//	  facts: {status: /status, keys: "keys:"}        # what the evidence shows; lists as their length
//	  snapshot:                       # what an action takes away
//	    keys: {at: "keys:", value: /id}              # of a list, one value of each item
//	    status: {at: /status}                        # or the one value that stands there
//	actions:
//	  - action: disable
//	    title: Disable account
//	    order: 20
//	    proof: observed               # then holds is needed; else acknowledged
//	    repeatable: true
//	    settles: 10m
//	    scopes: [users.write]
//	    request: {method: PATCH, path: "/users/{account.id}", body: {status: off}}   # form: true sends the body as a form
//	    success: [200]
//	    already: [409]
//	    holds: [{at: /status, equals: off}]
//	    pending: [{at: /status, equals: turning_off}]
//	    undo:                         # the way back; absent, a person walks it
//	      takes: [status]             # of the snapshot: must be there again for the undo to be done
//	      request: {method: PATCH, path: "/users/{account.id}", body: {status: "{snapshot.status}"}}
//	      success: [200]              # already and expect as above
//	  - action: remove_keys
//	    each: keys                    # one request for each {item} of the snapshot list
//	    …
//	    undo:
//	      takes: [keys]
//	      each: keys
//	      names: key_names            # the snapshot list that names the items for people
//	      # an item that is no more (404) is named, and the rest is put back
//	      …
//
//	  - action: hand_over
//	    title: Hand over what others depend on
//	    order: 5
//	    by_hand: owned                # a list of the snapshot: people do it, nothing is sent, and it is done when none is left
//
// Places are JSON Pointers (RFC 6901), with "look:" before them for a further look. A condition has
// one operator: equals, in, absent, empty, or was (the look's status). All conditions of a list must
// hold. A comparison with a field that is not there is an error: the description is wrong, and
// nothing is done on its word.
//
// # Placeholders
//
// {identifier} in find; {account.id} and {account.login} in looks and actions; in actions also
// {case} {last_day} {termination_date} {idempotency_key} {leaver.id} {leaver.name} {leaver.entity}
// {leaver.zone} {leaver.identifiers.KIND} {seen.FACT} and {item}; in undo also {snapshot.KEY}, where
// the snapshot has one value; {values.NAME} everywhere. They are put into decoded values, never into
// JSON text; in a path each is one escaped segment. A placeholder without a value stops the request.
//
// # What it cannot express
//
// Request signatures, XML, pages of a search by POST, several requests that depend on each other, and observations
// that depend on the case (such as "the end date is this leaver's last day"; show it as a fact
// instead). Write a connector for those.
package httpspec
