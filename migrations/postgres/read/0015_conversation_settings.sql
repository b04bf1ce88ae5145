-- How somebody keeps a conversation. archived_seq is the last message when they put it away (NULL: it is not): a later
-- one brings it back unless it is muted. They see nothing up to cleared_seq.
CREATE TABLE own_settings (
    conversation_id UUID NOT NULL,
    user_id         UUID NOT NULL,
    muted           BOOLEAN NOT NULL DEFAULT FALSE,
    muted_until     BIGINT,
    archived_seq    BIGINT,
    cleared_seq     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, user_id)
);
-- Who comes back is not told again of what they cleared.
CREATE INDEX own_settings_cleared ON own_settings (user_id) WHERE cleared_seq > 0;
