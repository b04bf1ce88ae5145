-- How far each reactor has come in each partition: all high events up to "high", all medium ones up to "medium"
-- were reacted to. A row that is lost or behind costs work done twice under the same keys, never an effect.
CREATE TABLE reactor_checkpoints (
    reactor   TEXT    NOT NULL,
    partition INTEGER NOT NULL,
    high      INTEGER NOT NULL,
    medium    INTEGER NOT NULL,
    PRIMARY KEY (reactor, partition)
) WITHOUT ROWID;
