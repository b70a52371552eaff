-- What connectors in stage shadow saw of what people do: one row for each task by hand that a connector would do.
CREATE TABLE shadow_runs (
	case_id BIGINT NOT NULL REFERENCES cases (id),
	task TEXT NOT NULL,
	system TEXT NOT NULL,
	version BIGINT NOT NULL,
	look_at BIGINT, -- the next look
	seen_at BIGINT, -- the newest one
	document TEXT NOT NULL,
	PRIMARY KEY (case_id, task)
);
CREATE INDEX shadow_runs_due ON shadow_runs (system, look_at) WHERE look_at IS NOT NULL;
CREATE INDEX shadow_runs_seen ON shadow_runs (system, seen_at) WHERE seen_at IS NOT NULL;

-- Systems in which people decided that a connector acts, or asked for it.
CREATE TABLE trusts (
	system TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	document TEXT NOT NULL
);
