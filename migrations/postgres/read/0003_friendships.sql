-- Pairs of people. High and medium events both write status, requested_by and since: the one with the greater
-- position holds. The blocks are written by high events alone.
CREATE TABLE friendships (
    pair_id         UUID PRIMARY KEY,
    low_user        UUID NOT NULL,
    high_user       UUID NOT NULL,
    status          TEXT NOT NULL,
    requested_by    UUID,
    since           BIGINT NOT NULL,
    position        BIGINT NOT NULL,
    blocked_by_low  BOOLEAN NOT NULL DEFAULT FALSE,
    blocked_by_high BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX friendships_by_low ON friendships (low_user, position);
CREATE INDEX friendships_by_high ON friendships (high_user, position);
