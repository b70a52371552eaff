-- Time stamps (RFC 3161) of the leaf that closes a case, in base64.
CREATE TABLE stamps (
	leaf_hash TEXT PRIMARY KEY,
	token TEXT NOT NULL,
	authority TEXT NOT NULL,
	stamped_at BIGINT NOT NULL
);
ALTER TABLE cases ADD COLUMN stamped_at BIGINT;
CREATE INDEX cases_unstamped ON cases (closed_at) WHERE closed_at IS NOT NULL AND stamped_at IS NULL;
