-- Accounts. A row without created_at belongs to an account whose registration has not been applied yet: a block
-- (high) may overtake it (medium). Names and contacts are NULL once forgotten.
CREATE TABLE users (
    id                BLOB NOT NULL PRIMARY KEY,
    first_name        TEXT,
    last_name         TEXT,
    first_name_folded TEXT,
    last_name_folded  TEXT,
    email             TEXT,
    email_folded      TEXT,
    phone             TEXT,
    avatar_url        TEXT,
    preferences       TEXT NOT NULL DEFAULT '{}',
    role              TEXT NOT NULL DEFAULT 'USER',
    is_blocked        INTEGER NOT NULL DEFAULT FALSE,
    created_at        INTEGER
) STRICT;
CREATE INDEX users_by_email ON users (email_folded);
CREATE INDEX users_by_age ON users (created_at, id);

-- Signed-in devices. A row without started_at belongs to a session whose end (high) overtook its start (medium).
CREATE TABLE sessions (
    id          BLOB NOT NULL PRIMARY KEY,
    user_id     BLOB NOT NULL,
    device_name TEXT,
    ip          TEXT,
    started_at  INTEGER,
    ended_at    INTEGER,
    end_reason  TEXT
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, started_at, id);
