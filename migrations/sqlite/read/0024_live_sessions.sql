-- The devices somebody is signed in on are listed, however often they have signed in.
CREATE INDEX sessions_live ON sessions (user_id, started_at, id) WHERE ended_at IS NULL;
