-- What the others may know of what somebody has read; read_seq is what the person themselves has read.
ALTER TABLE read_markers ADD COLUMN shown_seq BIGINT NOT NULL DEFAULT 0;

-- When a marker that others may see passed which seq: a row for each move. mark is 'read' or 'delivered'.
CREATE TABLE receipts (
    conversation_id UUID NOT NULL,
    user_id         UUID NOT NULL,
    mark            TEXT NOT NULL,
    seq             BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id, mark, seq)
);
