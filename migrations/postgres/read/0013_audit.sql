-- The index of the log for administrators: a row per event, filled in position order by one duty, so that it costs
-- appends nothing. Its newest row is its checkpoint. The events themselves are read from the log by position.
--
-- Times of several writers need not rise with the position. latest_at is the latest recorded_at up to and including the
-- row, and widest the most that any row so far lies behind it: a range of times becomes a range of positions by these.
CREATE TABLE audit_events (
    position       BIGINT PRIMARY KEY,
    recorded_at    BIGINT NOT NULL,
    latest_at      BIGINT NOT NULL,
    widest         BIGINT NOT NULL,
    actor          UUID,
    event_type     TEXT COLLATE "C" NOT NULL,
    aggregate_type TEXT COLLATE "C" NOT NULL,
    aggregate_id   UUID NOT NULL,
    scope          UUID NOT NULL,
    correlation_id UUID,
    causation_id   BIGINT
);
-- Each filter alone, in position order.
CREATE INDEX audit_actor ON audit_events (actor, position) WHERE actor IS NOT NULL;
CREATE INDEX audit_type ON audit_events (event_type, position);
CREATE INDEX audit_aggregate_type ON audit_events (aggregate_type, position);
CREATE INDEX audit_aggregate ON audit_events (aggregate_id, position);
CREATE INDEX audit_scope ON audit_events (scope, position);
CREATE INDEX audit_correlation ON audit_events (correlation_id, position) WHERE correlation_id IS NOT NULL;
CREATE INDEX audit_time ON audit_events (latest_at, position);
-- What an event caused.
CREATE INDEX audit_causation ON audit_events (causation_id, position) WHERE causation_id IS NOT NULL;
-- The pairs of which either alone may have very many: what somebody did of a kind; what somebody did in a conversation;
-- what happened of a kind in a conversation. Any other pair has one that is few, or is read in bounded steps.
CREATE INDEX audit_actor_type ON audit_events (actor, event_type, position) WHERE actor IS NOT NULL;
CREATE INDEX audit_actor_scope ON audit_events (actor, scope, position) WHERE actor IS NOT NULL;
CREATE INDEX audit_scope_type ON audit_events (scope, event_type, position);

-- Of which log the index is, and by which version of the code.
CREATE TABLE audit_source (
    incarnation UUID NOT NULL,
    version     BIGINT NOT NULL
);
