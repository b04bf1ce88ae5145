-- Invites into groups that were not taken back. code is NULL once its maker is forgotten.
CREATE TABLE invites (
    id              UUID PRIMARY KEY,
    conversation_id UUID NOT NULL,
    made_by         UUID NOT NULL,
    code            TEXT,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT,
    max_uses        BIGINT,
    uses            BIGINT NOT NULL DEFAULT 0,
    position        BIGINT NOT NULL
);
CREATE INDEX invites_by_conversation ON invites (conversation_id, position);
