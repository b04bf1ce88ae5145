-- The log: the only truth. Columns up to `metadata` are those of postgres-es; aggregate_id is therefore text.
CREATE TABLE events (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id   text COLLATE "C" NOT NULL,
    sequence       bigint NOT NULL CHECK (sequence > 0),
    event_type     text COLLATE "C" NOT NULL,
    event_version  text COLLATE "C" NOT NULL,
    payload        json NOT NULL,      -- json keeps the exact text, which is what is hashed
    metadata       json NOT NULL,
    position       bigint NOT NULL CHECK (position > 0),
    scope          uuid NOT NULL,
    scope_seq      bigint NOT NULL,
    tier           smallint NOT NULL,  -- 0 high, 1 medium
    partition      smallint NOT NULL,
    actor          uuid,
    correlation_id uuid,
    causation_id   bigint,
    command_key    text COLLATE "C" NOT NULL,
    recorded_at    bigint NOT NULL,    -- milliseconds since the epoch
    digest         bytea NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE UNIQUE INDEX events_position ON events (position);
CREATE INDEX events_scope ON events (scope, position);

-- One row per batch; the newest is the head of the log. Inserted, never updated: an updated row collapses under
-- a long snapshot.
CREATE TABLE ledger (
    last_position bigint PRIMARY KEY,
    chain         bytea NOT NULL,
    heads         bigint[] NOT NULL    -- last position of each lane: all high ones, then all medium ones
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An event about a person, and whether they enter (1) or leave (-1) the scope's audience with it.
CREATE TABLE inbox (
    user_id  uuid NOT NULL,
    position bigint NOT NULL,
    scope    uuid NOT NULL,
    presence smallint NOT NULL,
    PRIMARY KEY (user_id, position)
);
CREATE INDEX inbox_presence ON inbox (user_id, scope, position) INCLUDE (presence) WHERE presence <> 0;

-- Idempotency. `position` is that of the command's last event; null when it had none.
CREATE TABLE command_keys (
    owner        text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    position     bigint,
    forever      boolean NOT NULL,
    created_at   bigint NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX command_keys_expiring ON command_keys (created_at) WHERE NOT forever;

-- Unique names, by keyed hash.
CREATE TABLE claims (
    kind  text COLLATE "C" NOT NULL,
    hash  bytea NOT NULL,
    owner uuid NOT NULL,
    PRIMARY KEY (kind, hash)
);

-- A person's data key, wrapped with the master key; null once it was destroyed.
CREATE TABLE data_keys (
    subject    uuid PRIMARY KEY,
    wrapped    bytea,
    created_at bigint NOT NULL
);

CREATE TABLE passwords (
    user_id uuid PRIMARY KEY,
    phc     text NOT NULL
);

-- Every token of a session that has not expired, so that the reuse of a replaced one is noticed.
CREATE TABLE refresh_tokens (
    hash        bytea PRIMARY KEY,
    session     uuid NOT NULL,
    user_id     uuid NOT NULL,
    expires_at  bigint NOT NULL,
    replaced_at bigint
);
CREATE INDEX refresh_tokens_current ON refresh_tokens (session) WHERE replaced_at IS NULL;
CREATE INDEX refresh_tokens_expiring ON refresh_tokens (expires_at);

-- What was fixed when the log was made: partitions, incarnation, master_key_check.
CREATE TABLE settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);
