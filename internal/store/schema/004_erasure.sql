-- Cases whose record is to be destroyed, and is.
ALTER TABLE cases ADD COLUMN erasing_at BIGINT;
ALTER TABLE cases ADD COLUMN erased_at BIGINT;
CREATE INDEX cases_kept ON cases (type, closed_at) WHERE closed_at IS NOT NULL AND erasing_at IS NULL;
CREATE INDEX cases_erasing ON cases (erasing_at) WHERE erasing_at IS NOT NULL;

-- What is no entry of a case and tells of it all the same is erased with it.
CREATE INDEX outbox_beside ON outbox (about) WHERE case_id = 0 AND about > 0;
CREATE INDEX events_by_case ON events (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX wave_members_by_case ON wave_members (case_id) WHERE case_id IS NOT NULL;
