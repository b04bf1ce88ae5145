-- Accounts that their owners hid, or erased: names and contacts of an erased one are NULL.
ALTER TABLE users ADD COLUMN deactivated_at INTEGER;
ALTER TABLE users ADD COLUMN erased_at INTEGER;
-- Whose title and picture are shown.
ALTER TABLE conversations ADD COLUMN settings_by BLOB;
CREATE INDEX conversations_by_settings ON conversations (settings_by);

-- Who was erased, and how often what they wrote was taken out of the read models since. No projection's: a rebuild
-- reads what they wrote as forgotten.
CREATE TABLE erasures (
    user_id   BLOB NOT NULL,
    position  INTEGER NOT NULL,
    erased_at INTEGER NOT NULL,
    passes    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_due ON erasures (passes) WHERE passes < 2;

-- What somebody did, for their export and for forgetting them.
CREATE INDEX messages_by_author ON messages (sender_id, position);
CREATE INDEX reactions_by_user ON reactions (user_id, position);
CREATE INDEX read_markers_by_user ON read_markers (user_id, conversation_id);
CREATE INDEX call_people_by_user ON call_people (user_id, call_id);
