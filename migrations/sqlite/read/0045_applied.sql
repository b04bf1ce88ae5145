-- The last event applied in each partition, by its digest: a log that was restored from a backup, or failed over, and grew
-- beyond this position again is recognised by what stands there instead. Rows are inserted, as those of checkpoints are.
CREATE TABLE applied (
    partition INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    digest    BLOB NOT NULL,
    PRIMARY KEY (partition, position)
) STRICT;
