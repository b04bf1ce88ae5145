-- Since when calls have been seen to ring, by the database's clock: their own times are by the clocks of the processes
-- that took them. No projection: whoever ends calls that nobody answers writes it, and rebuilds leave it alone.
CREATE TABLE ringing (
    call_id UUID PRIMARY KEY,
    since   BIGINT NOT NULL
);
