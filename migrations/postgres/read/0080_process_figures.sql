-- What each process counts and measures, written by itself every few seconds. Times are milliseconds by the database's
-- clock. A process that ends takes its row with it; that of one which was killed goes after ten minutes, or when its
-- successor at the same place begins. No projection: rebuilds leave it alone.
CREATE TABLE process_figures (
    process      UUID PRIMARY KEY,
    instance     TEXT NOT NULL,
    role         TEXT NOT NULL,
    build        TEXT NOT NULL,
    started_at   BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    figures      TEXT NOT NULL
);
