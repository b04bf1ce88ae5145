-- Alerts: the last of each rule and subject, so that the process that watches next goes on where the last one was. Times are
-- milliseconds by the database's clock. suspected_since: since when it is amiss again, or for the first time, without having
-- been for long enough. post_until: until when its last change is tried to be posted; NULL: it was posted, given up, or is
-- for nobody. No projection: rebuilds leave it alone.
CREATE TABLE alerts (
    rule            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    value           TEXT NOT NULL,
    since           INTEGER NOT NULL,
    suspected_since INTEGER,
    raised_at       INTEGER,
    calm_since      INTEGER,
    cleared_at      INTEGER,
    change          BLOB,
    post_until      INTEGER,
    post_at         INTEGER,
    attempts        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (rule, subject)
) STRICT;
