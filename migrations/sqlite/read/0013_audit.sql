-- The index of the log for administrators: a row per event, filled in position order by one duty, so that it costs
-- appends nothing. Its newest row is its checkpoint. The events themselves are read from the log by position.
--
-- Times of several writers need not rise with the position. latest_at is the latest recorded_at up to and including the
-- row, and widest the most that any row so far lies behind it: a range of times becomes a range of positions by these.
CREATE TABLE audit_events (
    position       INTEGER PRIMARY KEY,
    recorded_at    INTEGER NOT NULL,
    latest_at      INTEGER NOT NULL,
    widest         INTEGER NOT NULL,
    actor          BLOB,
    event_type     TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id   BLOB NOT NULL,
    scope          BLOB NOT NULL,
    correlation_id BLOB,
    causation_id   INTEGER
) STRICT;
-- Each filter alone, in position order: every index ends in the row's id, which is the position.
CREATE INDEX audit_actor ON audit_events (actor) WHERE actor IS NOT NULL;
CREATE INDEX audit_type ON audit_events (event_type);
CREATE INDEX audit_aggregate_type ON audit_events (aggregate_type);
CREATE INDEX audit_aggregate ON audit_events (aggregate_id);
CREATE INDEX audit_scope ON audit_events (scope);
CREATE INDEX audit_correlation ON audit_events (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX audit_time ON audit_events (latest_at);
-- What an event caused.
CREATE INDEX audit_causation ON audit_events (causation_id) WHERE causation_id IS NOT NULL;
-- The pairs of which either alone may have very many: what somebody did of a kind; what somebody did in a conversation;
-- what happened of a kind in a conversation. Any other pair has one that is few, or is read in bounded steps.
CREATE INDEX audit_actor_type ON audit_events (actor, event_type) WHERE actor IS NOT NULL;
CREATE INDEX audit_actor_scope ON audit_events (actor, scope) WHERE actor IS NOT NULL;
CREATE INDEX audit_scope_type ON audit_events (scope, event_type);

-- Of which log the index is, and by which version of the code.
CREATE TABLE audit_source (
    incarnation BLOB NOT NULL,
    version     INTEGER NOT NULL
) STRICT;
