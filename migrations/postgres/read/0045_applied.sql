-- The last event applied in each partition, by its digest: a log that was restored from a backup, or failed over, and grew
-- beyond this position again is recognised by what stands there instead. Rows are inserted, as those of checkpoints are.
CREATE TABLE applied (
    partition BIGINT NOT NULL,
    position  BIGINT NOT NULL,
    digest    BYTEA NOT NULL,
    PRIMARY KEY (partition, position)
);
