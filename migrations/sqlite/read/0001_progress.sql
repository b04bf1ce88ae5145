-- How far each projection has come in each partition. A step is an inserted row, never an updated one: a row that
-- every batch updates grows dead versions for as long as any snapshot is open. The key is the compare-and-set: of
-- two workers that step on from the same number, one inserts and the other collides.
CREATE TABLE checkpoints (
    projection TEXT NOT NULL,
    version    INTEGER NOT NULL,
    partition  INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    high       INTEGER NOT NULL,
    medium     INTEGER NOT NULL,
    PRIMARY KEY (projection, version, partition, number)
) STRICT, WITHOUT ROWID;

-- Who works, so that partitions are shared out evenly. Times are milliseconds since the epoch.
CREATE TABLE workers (
    owner      BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

-- Which worker follows a partition. A lease only saves work: the checkpoints keep two holders from doing harm.
CREATE TABLE leases (
    partition  INTEGER PRIMARY KEY,
    owner      BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Events that could not be applied ('poison'), and later events of their streams ('behind').
CREATE TABLE parked (
    projection     TEXT NOT NULL,
    position       INTEGER NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id   BLOB NOT NULL,
    event_type     TEXT NOT NULL,
    state          TEXT NOT NULL,
    error          TEXT NOT NULL,
    attempts       INTEGER NOT NULL,
    parked_at      INTEGER NOT NULL,
    PRIMARY KEY (projection, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX parked_by_stream ON parked (projection, aggregate_type, aggregate_id, position);
