-- Calls. status: RINGING, ONGOING, ENDED, MISSED or REFUSED; ended_at is set with the last three. position is that of
-- the event by which it began.
CREATE TABLE calls (
    id              BLOB NOT NULL PRIMARY KEY,
    conversation_id BLOB NOT NULL,
    caller_id       BLOB NOT NULL,
    call_type       TEXT NOT NULL,
    status          TEXT NOT NULL,
    ringing_at      INTEGER NOT NULL,
    answered_at     INTEGER,
    ended_at        INTEGER,
    end_reason      TEXT,
    position        INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_by_conversation ON calls (conversation_id, position);
-- The few that are not over: whoever times them out looks twice a second.
CREATE INDEX calls_active ON calls (id) WHERE ended_at IS NULL;

-- How people stand to a call. standing: ringing, refused, present or gone. joined_at is the first time they came.
CREATE TABLE call_people (
    call_id   BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    standing  TEXT NOT NULL,
    joined_at INTEGER,
    left_at   INTEGER,
    PRIMARY KEY (call_id, user_id)
) STRICT, WITHOUT ROWID;
