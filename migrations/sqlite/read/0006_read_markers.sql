-- What a member has seen, and what has reached a device of theirs.
CREATE TABLE read_markers (
    conversation_id BLOB NOT NULL,
    user_id         BLOB NOT NULL,
    read_seq        INTEGER NOT NULL,
    delivered_seq   INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
