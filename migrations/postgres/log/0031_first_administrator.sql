-- From here on, each append that creates an administrator takes the claim on the bootstrap token. In a log that already has
-- an administrator the claim is taken when the log is opened: its hash needs the master key.
INSERT INTO settings (name, value)
SELECT 'first_administrator', aggregate_id FROM events
WHERE aggregate_type = 'user' AND event_type IN ('account.registered', 'account.role_changed')
    AND payload ->> 'role' = 'ADMIN'
ORDER BY position LIMIT 1;
