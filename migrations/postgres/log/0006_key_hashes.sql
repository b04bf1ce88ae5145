-- From here on, keys that clients made up are stored as keyed hashes. Those of the week before are in the clear: a repeated
-- command is looked for under both for that long.
INSERT INTO settings (name, value)
SELECT 'keys_hashed_since', CAST(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint) AS text)
WHERE EXISTS (SELECT 1 FROM command_keys);
