-- The log: the only truth. The same tables as in Postgres; ids are 16-byte blobs save aggregate_id.
CREATE TABLE events (
    position       INTEGER PRIMARY KEY CHECK (position > 0),
    aggregate_type TEXT NOT NULL,
    aggregate_id   TEXT NOT NULL,
    sequence       INTEGER NOT NULL CHECK (sequence > 0),
    event_type     TEXT NOT NULL,
    event_version  TEXT NOT NULL,
    payload        TEXT NOT NULL,
    metadata       TEXT NOT NULL,
    scope          BLOB NOT NULL,
    scope_seq      INTEGER NOT NULL,
    tier           INTEGER NOT NULL,  -- 0 high, 1 medium
    partition      INTEGER NOT NULL,
    actor          BLOB,
    correlation_id BLOB,
    causation_id   INTEGER,
    command_key    TEXT NOT NULL,
    recorded_at    INTEGER NOT NULL,  -- milliseconds since the epoch
    digest         BLOB NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, sequence)
);
CREATE INDEX events_scope ON events (scope, position);

-- One row per batch; the newest is the head of the log.
CREATE TABLE ledger (
    last_position INTEGER PRIMARY KEY,
    chain         BLOB NOT NULL,
    heads         TEXT NOT NULL       -- JSON: last position of each lane, all high ones, then all medium ones
);

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
-- REPLACE deletes without a DELETE trigger, so it is refused before it inserts.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE position >= NEW.position)
      OR EXISTS (SELECT 1 FROM events WHERE aggregate_type = NEW.aggregate_type
                 AND aggregate_id = NEW.aggregate_id AND sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger
    WHEN EXISTS (SELECT 1 FROM ledger WHERE last_position >= NEW.last_position)
    BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;

-- An event about a person, and whether they enter (1) or leave (-1) the scope's audience with it.
CREATE TABLE inbox (
    user_id  BLOB NOT NULL,
    position INTEGER NOT NULL,
    scope    BLOB NOT NULL,
    presence INTEGER NOT NULL,
    PRIMARY KEY (user_id, position)
) WITHOUT ROWID;
CREATE INDEX inbox_presence ON inbox (user_id, scope, position, presence) WHERE presence <> 0;

-- Idempotency. `position` is that of the command's last event; null when it had none.
CREATE TABLE command_keys (
    owner        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    position     INTEGER,
    forever      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE INDEX command_keys_expiring ON command_keys (created_at) WHERE NOT forever;

-- Unique names, by keyed hash.
CREATE TABLE claims (
    kind  TEXT NOT NULL,
    hash  BLOB NOT NULL,
    owner BLOB NOT NULL,
    PRIMARY KEY (kind, hash)
) WITHOUT ROWID;

-- A person's data key, wrapped with the master key; null once it was destroyed.
CREATE TABLE data_keys (
    subject    BLOB PRIMARY KEY,
    wrapped    BLOB,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE passwords (
    user_id BLOB PRIMARY KEY,
    phc     TEXT NOT NULL
) WITHOUT ROWID;

-- Every token of a session that has not expired, so that the reuse of a replaced one is noticed.
CREATE TABLE refresh_tokens (
    hash        BLOB PRIMARY KEY,
    session     BLOB NOT NULL,
    user_id     BLOB NOT NULL,
    expires_at  INTEGER NOT NULL,
    replaced_at INTEGER
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_current ON refresh_tokens (session) WHERE replaced_at IS NULL;
CREATE INDEX refresh_tokens_expiring ON refresh_tokens (expires_at);

-- What was fixed when the log was made: partitions, incarnation, master_key_check.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
