-- What the others may know of what somebody has read; read_seq is what the person themselves has read.
ALTER TABLE read_markers ADD COLUMN shown_seq INTEGER NOT NULL DEFAULT 0;

-- When a marker that others may see passed which seq: a row for each move. mark is 'read' or 'delivered'.
CREATE TABLE receipts (
    conversation_id BLOB NOT NULL,
    user_id         BLOB NOT NULL,
    mark            TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id, mark, seq)
) STRICT, WITHOUT ROWID;
