-- Calls. status: RINGING, ONGOING, ENDED, MISSED or REFUSED; ended_at is set with the last three. position is that of
-- the event by which it began.
CREATE TABLE calls (
    id              UUID PRIMARY KEY,
    conversation_id UUID NOT NULL,
    caller_id       UUID NOT NULL,
    call_type       TEXT NOT NULL,
    status          TEXT NOT NULL,
    ringing_at      BIGINT NOT NULL,
    answered_at     BIGINT,
    ended_at        BIGINT,
    end_reason      TEXT,
    position        BIGINT NOT NULL
);
CREATE INDEX calls_by_conversation ON calls (conversation_id, position);
-- The few that are not over: whoever times them out looks twice a second.
CREATE INDEX calls_active ON calls (id) WHERE ended_at IS NULL;

-- How people stand to a call. standing: ringing, refused, present or gone. joined_at is the first time they came.
CREATE TABLE call_people (
    call_id   UUID NOT NULL,
    user_id   UUID NOT NULL,
    standing  TEXT NOT NULL,
    joined_at BIGINT,
    left_at   BIGINT,
    PRIMARY KEY (call_id, user_id)
);
