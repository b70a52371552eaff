-- Policies and modifiers as cases were planned with them, by the version of their content.
CREATE TABLE policy_sets (
	version TEXT PRIMARY KEY,
	kept_at BIGINT NOT NULL,
	text TEXT NOT NULL
);
