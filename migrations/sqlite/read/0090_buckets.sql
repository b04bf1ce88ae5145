-- Nothing: FTS5 reads a word's newest messages first by itself (migrations/postgres/read/0090_buckets.sql).
SELECT 1;
