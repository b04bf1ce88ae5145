-- Uploaded files. url is the path by which messages and pictures refer to a file; with /thumb after it, to its thumbnail.
-- name is NULL once its uploader is forgotten. collected is the position from which on nothing can refer to it any more.
CREATE TABLE files (
    id          BLOB NOT NULL PRIMARY KEY,
    uploader_id BLOB NOT NULL,
    url         TEXT NOT NULL,
    name        TEXT,
    size        INTEGER NOT NULL,
    mime        TEXT NOT NULL,
    thumb       INTEGER NOT NULL,
    uploaded_at INTEGER NOT NULL,
    collected   INTEGER
) STRICT;
CREATE INDEX files_by_uploader ON files (uploader_id, uploaded_at, id);
CREATE INDEX files_by_age ON files (uploaded_at, id);
CREATE INDEX files_collected ON files (collected, id) WHERE collected IS NOT NULL;

-- What refers to a file.
CREATE INDEX attachments_by_file ON attachments (file_url);
CREATE INDEX attachments_by_thumb ON attachments (thumb_url) WHERE thumb_url IS NOT NULL;
CREATE INDEX users_by_avatar ON users (avatar_url) WHERE avatar_url IS NOT NULL;
CREATE INDEX conversations_by_avatar ON conversations (avatar_url) WHERE avatar_url IS NOT NULL;
