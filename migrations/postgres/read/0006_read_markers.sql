-- What a member has seen, and what has reached a device of theirs.
CREATE TABLE read_markers (
    conversation_id UUID NOT NULL,
    user_id         UUID NOT NULL,
    read_seq        BIGINT NOT NULL,
    delivered_seq   BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
