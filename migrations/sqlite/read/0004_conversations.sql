-- Conversations. title, avatar_url and approval are set by the creation (high) and later by updates (medium),
-- which wait for it.
CREATE TABLE conversations (
    id           BLOB NOT NULL PRIMARY KEY,
    type         TEXT NOT NULL,
    title        TEXT,
    avatar_url   TEXT,
    approval     INTEGER NOT NULL,
    created_by   BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    member_count INTEGER NOT NULL DEFAULT 0,
    deleted_at   INTEGER
) STRICT;

-- Who is ('active'), wants to be ('pending') or was ('left') in a conversation.
CREATE TABLE members (
    conversation_id BLOB NOT NULL,
    user_id         BLOB NOT NULL,
    role            TEXT NOT NULL,
    status          TEXT NOT NULL,
    joined_at       INTEGER NOT NULL,
    join_seq        INTEGER NOT NULL,
    joined_position INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_id, status);
