-- Shared Signals: who listens, to whom, and the security event tokens. A receiver is called by the audience of its tokens.
CREATE TABLE signal_streams (
	receiver TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	authorization_header TEXT NOT NULL, -- sealed: see package seal
	document TEXT NOT NULL
);
-- Whom a receiver wants to hear of, or not any more, where that is not everybody: digests, since these may be people who never
-- leave and of whom we need to know nothing.
CREATE TABLE signal_subjects (
	receiver TEXT NOT NULL,
	subject TEXT NOT NULL,
	added_at BIGINT, -- null for whom it wants to hear of no more
	PRIMARY KEY (receiver, subject)
);
CREATE TABLE signals (
	n {{identity}},
	id TEXT NOT NULL UNIQUE, -- jti
	receiver TEXT NOT NULL,
	subject TEXT NOT NULL,
	case_id BIGINT NOT NULL, -- 0 for what is about the stream itself
	step TEXT NOT NULL,
	action TEXT NOT NULL,
	attempts TEXT NOT NULL,
	round BIGINT NOT NULL, -- which token of the same attempts it is: after a refusal, or after something else was told, there is another
	state TEXT NOT NULL,
	made_at BIGINT NOT NULL,
	ended_at BIGINT, -- delivered or refused
	token TEXT NOT NULL, -- empty once it was delivered
	document TEXT NOT NULL
);
CREATE INDEX signals_waiting ON signals (receiver, n) WHERE state = 'waiting';
CREATE INDEX signals_ended ON signals (receiver, state, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX signals_about ON signals (receiver, subject, n);
CREATE UNIQUE INDEX signals_once ON signals (receiver, subject, action, attempts, round); -- two servers make one token
CREATE INDEX signals_by_case ON signals (case_id) WHERE case_id > 0;
-- The keys that sign them: JSON Web Keys, sealed.
CREATE TABLE signal_keys (
	id TEXT PRIMARY KEY,
	algorithm TEXT NOT NULL,
	private TEXT NOT NULL,
	document TEXT NOT NULL
);
