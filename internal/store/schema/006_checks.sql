-- The runs of the ledger's check, with what each found.
CREATE TABLE checks (
	id {{identity}},
	begun_at BIGINT NOT NULL,
	document TEXT NOT NULL
);
CREATE INDEX checks_newest ON checks (begun_at);
