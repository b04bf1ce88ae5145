-- Reports to the moderators. status: PENDING, RESOLVED or REJECTED. reason, notes and rejected_reason are NULL once who
-- wrote them is forgotten, and so is evidence, a JSON object, once the accused is; digest stays.
CREATE TABLE reports (
    id              BLOB NOT NULL PRIMARY KEY,
    reporter_id     BLOB NOT NULL,
    target_kind     TEXT NOT NULL,
    target_id       BLOB NOT NULL,
    conversation_id BLOB,
    accused_id      BLOB NOT NULL,
    reason          TEXT,
    notes           TEXT,
    evidence        TEXT,
    digest          TEXT NOT NULL,
    status          TEXT NOT NULL,
    rejected_reason TEXT,
    created_at      INTEGER NOT NULL,
    decided_at      INTEGER,
    decided_by      BLOB,
    position        INTEGER NOT NULL
) STRICT;
CREATE INDEX reports_by_age ON reports (position, id);
CREATE INDEX reports_by_status ON reports (status, position, id);
CREATE INDEX reports_by_reporter ON reports (reporter_id, position, id);
