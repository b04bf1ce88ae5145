-- How far each projection has come in each partition. A step is an inserted row, never an updated one: a row that
-- every batch updates grows dead versions for as long as any snapshot is open. The key is the compare-and-set: of
-- two workers that step on from the same number, one inserts and the other collides.
CREATE TABLE checkpoints (
    projection TEXT NOT NULL,
    version    BIGINT NOT NULL,
    partition  BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    high       BIGINT NOT NULL,
    medium     BIGINT NOT NULL,
    PRIMARY KEY (projection, version, partition, number)
);

-- Who works, so that partitions are shared out evenly. Times are milliseconds since the epoch.
CREATE TABLE workers (
    owner      UUID PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- Which worker follows a partition. A lease only saves work: the checkpoints keep two holders from doing harm.
CREATE TABLE leases (
    partition  BIGINT PRIMARY KEY,
    owner      UUID NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Events that could not be applied ('poison'), and later events of their streams ('behind').
CREATE TABLE parked (
    projection     TEXT NOT NULL,
    position       BIGINT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id   UUID NOT NULL,
    event_type     TEXT NOT NULL,
    state          TEXT NOT NULL,
    error          TEXT NOT NULL,
    attempts       BIGINT NOT NULL,
    parked_at      BIGINT NOT NULL,
    PRIMARY KEY (projection, position)
);
CREATE INDEX parked_by_stream ON parked (projection, aggregate_type, aggregate_id, position);
