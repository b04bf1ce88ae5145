-- Messages. A deleted one stays as a tombstone without content. content is NULL, too, once its sender is forgotten.
CREATE TABLE messages (
    id              UUID PRIMARY KEY,
    conversation_id UUID NOT NULL,
    sender_id       UUID NOT NULL,
    seq             BIGINT NOT NULL,
    position        BIGINT NOT NULL,
    message_type    TEXT NOT NULL,
    content         TEXT,
    reply_to        UUID,
    mentions        TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    edited_at       BIGINT,
    deleted_at      BIGINT,
    UNIQUE (conversation_id, seq)
);
-- A person's own last message counts as read.
CREATE INDEX messages_by_sender ON messages (conversation_id, sender_id, seq);

CREATE TABLE attachments (
    message_id UUID NOT NULL,
    ordinal    BIGINT NOT NULL,
    file_url   TEXT NOT NULL,
    thumb_url  TEXT,
    name       TEXT,
    size       BIGINT,
    mime       TEXT,
    PRIMARY KEY (message_id, ordinal)
);

CREATE TABLE reactions (
    message_id UUID NOT NULL,
    user_id    UUID NOT NULL,
    emoji      TEXT NOT NULL,
    position   BIGINT NOT NULL,
    PRIMARY KEY (message_id, user_id, emoji)
);

-- Messages that somebody removed for themselves alone.
CREATE TABLE hidden (
    message_id UUID NOT NULL,
    user_id    UUID NOT NULL,
    PRIMARY KEY (message_id, user_id)
);
