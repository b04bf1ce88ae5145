-- A poisonous event is tried again by itself: so often it was, and then it is next. No time: it was given up, or it is
-- behind another one. Workers ask for what is due in their partitions; what was parked before this has none.
ALTER TABLE parked ADD COLUMN partition BIGINT;
ALTER TABLE parked ADD COLUMN retries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE parked ADD COLUMN retry_at BIGINT;
CREATE INDEX parked_until ON parked (retry_at) WHERE retry_at IS NOT NULL;
