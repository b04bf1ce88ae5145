-- What administrators look for. changed_role is set by role changes (high), role by the registration (medium): the
-- former counts when it is there.
ALTER TABLE users ADD COLUMN changed_role TEXT;
CREATE INDEX users_by_role ON users ((COALESCE(changed_role, role)), created_at, id);
CREATE INDEX users_blocked ON users (created_at, id) WHERE is_blocked;
CREATE INDEX conversations_by_age ON conversations (position, id);
CREATE INDEX messages_by_age ON messages (created_at);

-- The last rebuild of each projection that a server began; state: running, done or failed. One runs at a time.
CREATE TABLE rebuilds (
    projection  TEXT NOT NULL PRIMARY KEY,
    state       TEXT NOT NULL,
    events      BIGINT NOT NULL,
    total       BIGINT NOT NULL,
    error       TEXT,
    started_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX rebuilds_running ON rebuilds (state) WHERE state = 'running';
