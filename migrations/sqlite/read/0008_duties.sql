-- What one process at a time does, and who does it until when: milliseconds since the epoch by the database's clock.
CREATE TABLE duties (
    name       TEXT NOT NULL PRIMARY KEY,
    owner      BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
