-- Several builds work on these tables while a deployment is upgraded. By which build a parked event was tried last: what one
-- could not apply, another tries again. Unreadable: the build does not know the event, so only another can.
ALTER TABLE parked ADD COLUMN build TEXT NOT NULL DEFAULT '';
ALTER TABLE parked ADD COLUMN unreadable BOOLEAN NOT NULL DEFAULT FALSE;

-- Events that the build which fed the graph could not read: the next build applies them.
CREATE TABLE graph_gaps (
    position BIGINT NOT NULL PRIMARY KEY,
    build    TEXT   NOT NULL
);
