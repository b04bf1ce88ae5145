-- Pairs of people. High and medium events both write status, requested_by and since: the one with the greater
-- position holds. The blocks are written by high events alone.
CREATE TABLE friendships (
    pair_id         BLOB NOT NULL PRIMARY KEY,
    low_user        BLOB NOT NULL,
    high_user       BLOB NOT NULL,
    status          TEXT NOT NULL,
    requested_by    BLOB,
    since           INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    blocked_by_low  INTEGER NOT NULL DEFAULT FALSE,
    blocked_by_high INTEGER NOT NULL DEFAULT FALSE
) STRICT;
CREATE INDEX friendships_by_low ON friendships (low_user, position);
CREATE INDEX friendships_by_high ON friendships (high_user, position);
