-- Written once for SQLite and PostgreSQL: TEXT and BIGINT only, instants are UTC microseconds,
-- a nullable instant stands where a boolean would. {{identity}} is filled in by the dialect.
-- "document" is the domain value as JSON; the columns beside it are what queries look at.

CREATE TABLE cases (
	id BIGINT PRIMARY KEY,
	version BIGINT NOT NULL,
	generation BIGINT NOT NULL,
	handle TEXT NOT NULL UNIQUE,
	state TEXT NOT NULL,
	leaver_key TEXT NOT NULL,
	search TEXT NOT NULL,
	name TEXT NOT NULL,
	type TEXT NOT NULL,
	department TEXT NOT NULL,
	place TEXT NOT NULL,
	last_day TEXT NOT NULL,
	opened_at BIGINT NOT NULL,
	closed_at BIGINT,
	embargoed_at BIGINT,
	reveal_at BIGINT,
	document TEXT NOT NULL
);
-- One departure under way for each leaver, whatever two events at once may believe.
CREATE UNIQUE INDEX cases_under_way ON cases (leaver_key) WHERE closed_at IS NULL AND state NOT IN ('rescinded', 'rehired');
CREATE INDEX cases_listed ON cases (closed_at, state, type, department, place, last_day, name);
CREATE INDEX cases_by_leaver ON cases (leaver_key, id);
CREATE INDEX cases_by_last_day ON cases (last_day);
CREATE INDEX cases_embargoed ON cases (id) WHERE embargoed_at IS NOT NULL;
CREATE INDEX cases_to_reveal ON cases (reveal_at) WHERE reveal_at IS NOT NULL;

-- Who alone may see a case while embargoed_at is set; see view.go.
CREATE TABLE case_viewers (
	case_id BIGINT NOT NULL REFERENCES cases (id),
	email TEXT NOT NULL,
	PRIMARY KEY (case_id, email)
);

CREATE TABLE steps (
	case_id BIGINT NOT NULL REFERENCES cases (id),
	key TEXT NOT NULL,
	version BIGINT NOT NULL,
	position BIGINT NOT NULL,
	blockers BIGINT NOT NULL,
	state TEXT NOT NULL,
	system TEXT NOT NULL,
	action TEXT NOT NULL, -- empty for what puts back
	branch TEXT NOT NULL,
	runs_at BIGINT,
	place BIGINT,
	deadline BIGINT NOT NULL,
	settled_at BIGINT,
	document TEXT NOT NULL,
	PRIMARY KEY (case_id, system, key)
);
-- The line of each system, in the order in which its lane takes it; and when its next timer ends.
CREATE INDEX steps_in_line ON steps (system, place, runs_at, case_id) WHERE place IS NOT NULL;
CREATE INDEX steps_failed ON steps (system, case_id) WHERE state = 'failed';
-- What keeps a case from being complete: see complete in work.go, which says the same words.
CREATE INDEX steps_open ON steps (case_id, system) WHERE state NOT IN ('confirmed', 'acknowledged', 'attested', 'waived', 'skipped', 'cancelled');
CREATE INDEX steps_timers ON steps (system, runs_at) WHERE runs_at IS NOT NULL;
CREATE INDEX steps_settled ON steps (settled_at) WHERE settled_at IS NOT NULL;
-- What was proven in a system, and when last.
CREATE INDEX steps_dated ON steps (system, state) WHERE action IN ('end_employment', 'schedule_final_pay', 'notify_administrator');
CREATE INDEX steps_confirmed ON steps (system, settled_at, case_id) WHERE state = 'confirmed';

CREATE TABLE tasks (
	id {{identity}},
	case_id BIGINT NOT NULL REFERENCES cases (id),
	key TEXT NOT NULL,
	version BIGINT NOT NULL,
	position BIGINT NOT NULL,
	blockers BIGINT NOT NULL,
	state TEXT NOT NULL,
	system TEXT NOT NULL,
	branch TEXT NOT NULL,
	owner TEXT NOT NULL,
	deadline BIGINT NOT NULL,
	remind_at BIGINT,
	closed_at BIGINT,
	document TEXT NOT NULL,
	UNIQUE (case_id, key)
);
CREATE INDEX tasks_open ON tasks (deadline) WHERE state = 'open';
CREATE INDEX tasks_to_remind ON tasks (remind_at) WHERE remind_at IS NOT NULL;
CREATE INDEX tasks_open_by_case ON tasks (case_id) WHERE state = 'open';
CREATE INDEX tasks_closed ON tasks (closed_at) WHERE closed_at IS NOT NULL;

-- What waits for what, and why. The counter "blockers" on the dependent row is decremented in the
-- transaction that settles the other one, so that two of them settling at once cannot miss it.
CREATE TABLE dependencies (
	case_id BIGINT NOT NULL REFERENCES cases (id),
	key TEXT NOT NULL,
	waits_for TEXT NOT NULL,
	because TEXT NOT NULL,
	met_at BIGINT,
	PRIMARY KEY (case_id, key, waits_for)
);
CREATE INDEX dependencies_open ON dependencies (case_id, waits_for) WHERE met_at IS NULL;

CREATE TABLE notices (
	id {{identity}},
	kind TEXT NOT NULL,
	recipient TEXT NOT NULL,
	case_id BIGINT NOT NULL,
	task TEXT NOT NULL,
	dedup TEXT NOT NULL,
	made_at BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	sent_at BIGINT,
	document TEXT NOT NULL,
	UNIQUE (case_id, task, dedup, recipient)
);

CREATE INDEX notices_unsent ON notices (due_at) WHERE sent_at IS NULL;

-- The outbox of the ledger: written in the transaction of the change it tells of, sequenced and
-- shipped afterwards, in order.
CREATE TABLE outbox (
	id {{identity}},
	event_id TEXT NOT NULL UNIQUE,
	case_id BIGINT NOT NULL,
	about BIGINT NOT NULL, -- the case that it tells of, also where it is an entry of the installation, or a wave (negative)
	handle TEXT NOT NULL,
	kind TEXT NOT NULL,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	system TEXT NOT NULL,
	what TEXT NOT NULL,
	salt TEXT NOT NULL,
	body TEXT NOT NULL,
	n BIGINT UNIQUE,
	seq BIGINT,
	leaf TEXT,
	hash TEXT,
	log_index BIGINT
);
CREATE INDEX outbox_unsequenced ON outbox (id) WHERE n IS NULL;
CREATE INDEX outbox_unshipped ON outbox (n) WHERE n IS NOT NULL AND log_index IS NULL;
CREATE INDEX outbox_by_case ON outbox (case_id, id);
CREATE INDEX outbox_looks ON outbox (system, at) WHERE kind IN ('step.look', 'step.drift');
CREATE INDEX outbox_documents ON outbox (about, id) WHERE kind = 'document.make';
CREATE INDEX outbox_chain ON outbox (handle, seq);

-- What sources sent. (source, event_id) makes a repeat harmless.
CREATE TABLE events (
	source TEXT NOT NULL,
	event_id TEXT NOT NULL,
	state TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	reason TEXT NOT NULL,
	case_id BIGINT,
	body TEXT NOT NULL,
	PRIMARY KEY (source, event_id)
);
CREATE INDEX events_open ON events (due_at) WHERE state = 'received';

-- The newest thing that HR said of somebody, by HR's own clock, and by receipt where that says the same: what
-- is older and arrives later is noted and changes nothing.
CREATE TABLE leavers (
	leaver_key TEXT PRIMARY KEY,
	said_at BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	kind TEXT NOT NULL
);

CREATE TABLE counters (
	name TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('case', 0);

-- The nodes that live, and the lanes that each has: one node at a time drains a lane. Both end by
-- themselves unless they are renewed.
CREATE TABLE nodes (
	name TEXT PRIMARY KEY,
	until BIGINT NOT NULL,
	knows TEXT NOT NULL, -- the lanes of its configuration, as JSON
	ahead BIGINT NOT NULL, -- by how much its clock is wrong, in microseconds
	configuration TEXT NOT NULL DEFAULT '' -- the version of what it serves
);
CREATE TABLE lanes (
	name TEXT PRIMARY KEY,
	node TEXT NOT NULL,
	until BIGINT NOT NULL
);

-- How long systems asked to be left alone, by the database's clock: whoever has the lane next keeps to it.
CREATE TABLE pauses (
	system TEXT PRIMARY KEY,
	until BIGINT NOT NULL
);

-- The breakers that are open, or on their way there: they outlive the node that opened them.
CREATE TABLE breakers (
	system TEXT PRIMARY KEY,
	document TEXT NOT NULL
);

CREATE TABLE settings (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

CREATE TABLE users (
	id {{identity}},
	email TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	roles TEXT NOT NULL,
	password TEXT NOT NULL
);

-- Sessions of people, invitations and API tokens: only the SHA-256 of the secret is kept.
CREATE TABLE credentials (
	digest TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	user_id BIGINT NOT NULL REFERENCES users (id),
	label TEXT NOT NULL,
	made_at BIGINT NOT NULL,
	until BIGINT NOT NULL,
	used_at BIGINT -- for the first time
);
