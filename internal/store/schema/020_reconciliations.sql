-- Everybody compared with the accounts of every system. The newest one is kept.
CREATE TABLE reconciliations (
	id {{identity}},
	under_way BIGINT, -- 1 for the one that is
	ended_at BIGINT,
	document TEXT NOT NULL
);
-- There is one at a time. The index is partial, so that PostgreSQL does not take the column for a key: whoever keeps a page
-- would have to wait for whoever ends the reconciliation, and that one for the page.
CREATE UNIQUE INDEX reconciliations_under_way ON reconciliations (under_way) WHERE under_way IS NOT NULL;
CREATE TABLE reconciled_systems (
	reconciliation_id BIGINT NOT NULL REFERENCES reconciliations (id),
	system TEXT NOT NULL,
	open_at BIGINT, -- while its accounts are to be listed
	page BIGINT NOT NULL, -- pages listed
	cursor TEXT NOT NULL, -- where the list goes on
	document TEXT NOT NULL,
	PRIMARY KEY (reconciliation_id, system)
);
-- The list of people, some hundred in a row, and the pages of accounts that are listed so far.
CREATE TABLE reconciled_people (
	reconciliation_id BIGINT NOT NULL REFERENCES reconciliations (id),
	position BIGINT NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (reconciliation_id, position)
);
-- Whom the newest list names, so that an account is confirmed to be of somebody who is there. Nothing else of them is kept.
CREATE TABLE reconciled_keys (
	leaver_key TEXT PRIMARY KEY
);
CREATE TABLE listed_pages (
	reconciliation_id BIGINT NOT NULL REFERENCES reconciliations (id),
	system TEXT NOT NULL,
	page BIGINT NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (reconciliation_id, system, page)
);
-- What differs. leaver and whose say whose an account is or was, and case_id by which departure that is known: whoever may not
-- see the case sees an orphan of nobody.
CREATE TABLE findings (
	id {{identity}},
	reconciliation_id BIGINT NOT NULL REFERENCES reconciliations (id),
	system TEXT NOT NULL,
	kind TEXT NOT NULL,
	leaver TEXT NOT NULL, -- key, or empty
	case_id BIGINT NOT NULL,
	decided_at BIGINT,
	document TEXT NOT NULL,
	whose TEXT NOT NULL
);
CREATE INDEX findings_listed ON findings (reconciliation_id, system, kind, id);
CREATE INDEX findings_by_leaver ON findings (leaver) WHERE leaver <> '';
CREATE INDEX findings_by_case ON findings (case_id) WHERE case_id > 0;
-- Who is at risk in a system: see read_systems.go, which repeats the condition.
CREATE INDEX findings_at_risk ON findings (system, kind, leaver, case_id) WHERE decided_at IS NULL AND kind <> 'missing';

-- Accounts that a person confirmed to be somebody's, or nobody's where leaver_key is empty.
CREATE TABLE mappings (
	system TEXT NOT NULL,
	account_id TEXT NOT NULL,
	leaver_key TEXT NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (system, account_id)
);
CREATE UNIQUE INDEX mappings_by_leaver ON mappings (system, leaver_key) WHERE leaver_key <> '';
