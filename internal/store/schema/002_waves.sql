-- Mass departures: the wave, its people, and what the look for their accounts found.

INSERT INTO counters (name, value) VALUES ('wave', 0);

CREATE TABLE waves (
	id BIGINT PRIMARY KEY,
	version BIGINT NOT NULL,
	state TEXT NOT NULL,
	made_at BIGINT NOT NULL,
	embargoed_at BIGINT,
	document TEXT NOT NULL
);
CREATE INDEX waves_by_state ON waves (state);
CREATE INDEX waves_embargoed ON waves (id) WHERE embargoed_at IS NOT NULL;

-- Who alone may see a wave while embargoed_at is set; see view.go.
CREATE TABLE wave_viewers (
	wave_id BIGINT NOT NULL REFERENCES waves (id),
	email TEXT NOT NULL,
	PRIMARY KEY (wave_id, email)
);

-- A person is in a wave once; event_id is what makes that person's case come once.
CREATE TABLE wave_members (
	wave_id BIGINT NOT NULL REFERENCES waves (id),
	position BIGINT NOT NULL,
	version BIGINT NOT NULL,
	leaver_key TEXT NOT NULL,
	event_id TEXT NOT NULL UNIQUE,
	state TEXT NOT NULL,
	cut_off BIGINT NOT NULL,
	case_id BIGINT,
	document TEXT NOT NULL,
	PRIMARY KEY (wave_id, position),
	UNIQUE (wave_id, leaver_key)
);
CREATE INDEX wave_members_by_leaver ON wave_members (leaver_key);
CREATE INDEX wave_members_by_state ON wave_members (wave_id, state, position);
CREATE INDEX wave_members_coming ON wave_members (wave_id) WHERE state = 'released';
CREATE INDEX wave_members_ahead ON wave_members (wave_id, cut_off);

-- One look for one person's account in one system; found is the number of accounts, -1 when the system
-- could not be asked. A check that was cut off goes on with the looks that are not here.
CREATE TABLE wave_looks (
	wave_id BIGINT NOT NULL REFERENCES waves (id),
	round BIGINT NOT NULL,
	system TEXT NOT NULL,
	position BIGINT NOT NULL,
	found BIGINT NOT NULL,
	why TEXT NOT NULL,
	PRIMARY KEY (wave_id, round, system, position)
);
