-- Reports to the moderators. status: PENDING, RESOLVED or REJECTED. reason, notes and rejected_reason are NULL once who
-- wrote them is forgotten, and so is evidence, a JSON object, once the accused is; digest stays.
CREATE TABLE reports (
    id              UUID PRIMARY KEY,
    reporter_id     UUID NOT NULL,
    target_kind     TEXT NOT NULL,
    target_id       UUID NOT NULL,
    conversation_id UUID,
    accused_id      UUID NOT NULL,
    reason          TEXT,
    notes           TEXT,
    evidence        TEXT,
    digest          TEXT NOT NULL,
    status          TEXT NOT NULL,
    rejected_reason TEXT,
    created_at      BIGINT NOT NULL,
    decided_at      BIGINT,
    decided_by      UUID,
    position        BIGINT NOT NULL
);
CREATE INDEX reports_by_age ON reports (position, id);
CREATE INDEX reports_by_status ON reports (status, position, id);
CREATE INDEX reports_by_reporter ON reports (reporter_id, position, id);
