-- Messages. A deleted one stays as a tombstone without content. content is NULL, too, once its sender is forgotten.
CREATE TABLE messages (
    id              BLOB NOT NULL PRIMARY KEY,
    conversation_id BLOB NOT NULL,
    sender_id       BLOB NOT NULL,
    seq             INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    message_type    TEXT NOT NULL,
    content         TEXT,
    reply_to        BLOB,
    mentions        TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    edited_at       INTEGER,
    deleted_at      INTEGER,
    UNIQUE (conversation_id, seq)
) STRICT;
-- A person's own last message counts as read.
CREATE INDEX messages_by_sender ON messages (conversation_id, sender_id, seq);

CREATE TABLE attachments (
    message_id BLOB NOT NULL,
    ordinal    INTEGER NOT NULL,
    file_url   TEXT NOT NULL,
    thumb_url  TEXT,
    name       TEXT,
    size       INTEGER,
    mime       TEXT,
    PRIMARY KEY (message_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE reactions (
    message_id BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    emoji      TEXT NOT NULL,
    position   INTEGER NOT NULL,
    PRIMARY KEY (message_id, user_id, emoji)
) STRICT, WITHOUT ROWID;

-- Messages that somebody removed for themselves alone.
CREATE TABLE hidden (
    message_id BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    PRIMARY KEY (message_id, user_id)
) STRICT, WITHOUT ROWID;
