-- Invites into groups that were not taken back. code is NULL once its maker is forgotten.
CREATE TABLE invites (
    id              BLOB NOT NULL PRIMARY KEY,
    conversation_id BLOB NOT NULL,
    made_by         BLOB NOT NULL,
    code            TEXT,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    max_uses        INTEGER,
    uses            INTEGER NOT NULL DEFAULT 0,
    position        INTEGER NOT NULL
) STRICT;
CREATE INDEX invites_by_conversation ON invites (conversation_id, position);
