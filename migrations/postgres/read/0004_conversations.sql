-- Conversations. title, avatar_url and approval are set by the creation (high) and later by updates (medium),
-- which wait for it.
CREATE TABLE conversations (
    id           UUID PRIMARY KEY,
    type         TEXT NOT NULL,
    title        TEXT,
    avatar_url   TEXT,
    approval     BOOLEAN NOT NULL,
    created_by   UUID NOT NULL,
    created_at   BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    member_count BIGINT NOT NULL DEFAULT 0,
    deleted_at   BIGINT
);

-- Who is ('active'), wants to be ('pending') or was ('left') in a conversation.
CREATE TABLE members (
    conversation_id UUID NOT NULL,
    user_id         UUID NOT NULL,
    role            TEXT NOT NULL,
    status          TEXT NOT NULL,
    joined_at       BIGINT NOT NULL,
    join_seq        BIGINT NOT NULL,
    joined_position BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id, status);
