-- Sessions of a person by when they were renewed; all tokens of somebody who is forgotten.
CREATE INDEX refresh_tokens_of_user ON refresh_tokens (user_id, expires_at, hash);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session);

-- Sessions that have ended need no tokens: from here on they go with the session.
DELETE FROM refresh_tokens WHERE session IN (
    SELECT unhex(replace(e.aggregate_id, '-', '')) FROM events e
    WHERE e.aggregate_type = 'session' AND e.event_type = 'session.ended');

-- States of long streams, so that a load need not begin with the first event. One in which something of people stands
-- is sealed, and each of them has a share of its key; one that is lost is made again. `fold` names the code
-- that folded it.
CREATE TABLE snapshots (
    aggregate_type TEXT NOT NULL,
    aggregate_id   TEXT NOT NULL,
    fold           INTEGER NOT NULL,
    version        INTEGER NOT NULL,  -- sequence of the last event in it
    sealed_for     TEXT NOT NULL,     -- JSON: the shares of the key, each sealed for a person
    state          BLOB NOT NULL,
    made_at        INTEGER NOT NULL,  -- milliseconds since the epoch
    PRIMARY KEY (aggregate_type, aggregate_id, fold)
) WITHOUT ROWID;
