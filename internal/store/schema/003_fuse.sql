-- What the fuse counts: one row for each departure that opened a case.
CREATE TABLE departures (
	case_id BIGINT PRIMARY KEY REFERENCES cases (id),
	leaver_key TEXT NOT NULL,
	received_at BIGINT NOT NULL
);
CREATE INDEX departures_received ON departures (received_at);
ALTER TABLE cases ADD COLUMN trip_id BIGINT;
CREATE INDEX cases_tripped ON cases (trip_id) WHERE trip_id IS NOT NULL;

-- Each time that the fuse tripped. case_id is the one case that a trip of kind protected is about, and
-- 0 for a mass departure.
CREATE TABLE trips (
	id BIGINT PRIMARY KEY,
	version BIGINT NOT NULL,
	kind TEXT NOT NULL,
	state TEXT NOT NULL,
	case_id BIGINT NOT NULL,
	decided_at BIGINT,
	remind_at BIGINT,
	document TEXT NOT NULL
);
-- One decision for one mass departure, whatever two events at once may believe.
CREATE UNIQUE INDEX trips_open ON trips (kind) WHERE kind = 'mass' AND state = 'open';
CREATE INDEX trips_to_remind ON trips (remind_at) WHERE remind_at IS NOT NULL;
INSERT INTO counters (name, value) VALUES ('trip', 0);

-- Tasks that ask a second person for a decision; they need one before they are late.
ALTER TABLE tasks ADD COLUMN asks TEXT NOT NULL DEFAULT '';
CREATE INDEX tasks_asking ON tasks (case_id) WHERE state = 'open' AND asks <> '';
