-- Gateways that serve now, and where the others reach them: a Socket.IO request that comes to another process than its
-- session's is passed on there. Renewed by each, by the database's clock; a row that was not renewed for long is nobody's.
-- No projection: rebuilds leave it alone.
CREATE TABLE gateways (
    node     UUID PRIMARY KEY,
    address  TEXT NOT NULL,
    heard_at BIGINT NOT NULL
);
