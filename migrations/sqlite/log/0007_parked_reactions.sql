-- Reactions that failed, and events that a reactor of another build must react to: each is tried again after a pause, and
-- at once by a build other than the one that tried last. No retry_at: only by another build. Times are milliseconds since
-- the epoch by the database's clock.
CREATE TABLE parked_reactions (
    reactor        TEXT   NOT NULL,
    position       BIGINT NOT NULL,
    aggregate_type TEXT   NOT NULL,
    aggregate_id   UUID   NOT NULL,
    event_type     TEXT   NOT NULL,
    error          TEXT   NOT NULL,
    attempts       BIGINT NOT NULL,
    parked_at      BIGINT NOT NULL,
    retry_at       BIGINT,
    build          TEXT   NOT NULL,
    PRIMARY KEY (reactor, position)
);
