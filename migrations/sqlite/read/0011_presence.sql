-- What people chose to be seen as, and when they were last here. No projection: no event says it, and no rebuild
-- touches it. chosen is 'busy', 'invisible' or NULL; status_text and until_at belong to the choice, of which nothing
-- holds from until_at on. hidden_seen is what the last_seen of an invisible person is said to be.
CREATE TABLE presence (
    user_id     BLOB NOT NULL PRIMARY KEY,
    chosen      TEXT,
    status_text TEXT,
    until_at    INTEGER,
    hidden_seen INTEGER,
    last_seen   INTEGER
) STRICT;

-- The devices (sessions) whose person said that they are away from them.
CREATE TABLE presence_away (
    user_id    BLOB NOT NULL,
    session_id BLOB NOT NULL,
    PRIMARY KEY (user_id, session_id)
) STRICT, WITHOUT ROWID;
