-- Appends a batch of commands in one round trip; called as a statement of its own, so that it is one transaction.
--
-- This is no migration: a build installs its own text at start, under a name with the text's hash, beside those of other
-- builds (ADR 28). So this file may be changed freely, and no function is dropped while another process may call it.
--
-- Each parameter is one column of a table of rows. Commands, guards, claims, data keys, sealed values and events are
-- numbered from 1 in the order given; `…_commands` and `inbox_events` refer to these numbers. No two commands of a batch
-- write the same stream, key, claim, data key or session, and none guards a stream that an earlier one writes.
--
-- Look-ups are scalar subqueries with LIMIT 1, which the planner keeps as index look-ups whatever the statistics. No
-- statement joins two of the arrays: the planner believes them to be short and would use a nested loop.
CREATE OR REPLACE FUNCTION append_batch(
    -- A command: its key, its time, and the number of its last event (0: it has none).
    command_owners text[], idempotency_keys text[], request_hashes bytea[], keep_forever boolean[], accepted_at bigint[],
    last_events int[],
    -- A stream that must be at a version (0: has no event).
    guard_commands int[], guard_types text[], guard_ids text[], guard_versions bigint[],
    -- A unique name, taken or released.
    claim_commands int[], claim_kinds text[], claim_hashes bytea[], claim_takes boolean[], claim_owners uuid[],
    -- A data key to create.
    data_key_commands int[], data_key_subjects uuid[], data_keys_wrapped bytea[],
    -- A subject whose existing data key sealed a value of the command.
    sealed_commands int[], sealed_subjects uuid[],
    -- A password to set.
    password_commands int[], password_users uuid[], password_phcs text[],
    -- A refresh token to store, and the one it replaces (null: the first of its session).
    token_commands int[], token_sessions uuid[], token_users uuid[], token_hashes bytea[], token_replaces bytea[],
    token_expiries bigint[],
    -- A person whose secrets to destroy.
    forget_commands int[], forget_subjects uuid[],
    -- An event.
    event_commands int[], event_aggregates text[], event_streams text[], event_sequences bigint[], event_types text[],
    event_versions text[], event_payloads text[], event_metadata text[], event_scopes uuid[], event_counts boolean[],
    event_tiers smallint[], event_partitions smallint[], event_actors uuid[], event_correlations uuid[],
    event_causations bigint[], event_command_keys text[], event_times bigint[], event_contents bytea[],
    -- A person an event is about.
    inbox_events int[], inbox_users uuid[], inbox_presences smallint[],

    -- The head of the log before the batch.
    OUT previous_position bigint, OUT previous_heads bigint[],
    -- Of each command: a word of `precedence` below, and its detail: of `repeated` the first result's position, of `stale`,
    -- `claim_taken` and `forgotten` the number of the guard, claim or sealed value.
    OUT verdicts text[], OUT details bigint[],
    -- Of each event of the appended commands.
    OUT scope_seqs bigint[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    -- Of several verdicts on a command the first in this order counts.
    precedence CONSTANT text[] := ARRAY[
        'repeated', 'key_reused', 'stale', 'claim_taken', 'token_replaced', 'has_data_key', 'forgotten', 'appended'];
    appended       boolean[];  -- of each command
    previous_chain bytea;
    new_position   bigint;
    positions      bigint[];  -- of each event; 0 when its command was not appended
    new_chain      bytea;
    new_heads      bigint[];
BEGIN
    -- A statement of its own, so that all that follows sees the commit of the previous holder.
    PERFORM pg_advisory_xact_lock(1128811092, current_schema()::regnamespace::oid::int4);

    SELECT l.last_position, l.chain, l.heads INTO previous_position, previous_chain, previous_heads
    FROM ledger l ORDER BY l.last_position DESC LIMIT 1;

    WITH verdict_rows (command, verdict, detail) AS (
        SELECT n, 'appended', NULL::bigint FROM generate_series(1, cardinality(command_owners)) AS c (n)
        UNION ALL
        SELECT c.n, CASE WHEN k.request_hash = c.request_hash THEN 'repeated' ELSE 'key_reused' END, k.position
        FROM unnest(command_owners, idempotency_keys, request_hashes) WITH ORDINALITY AS c (owner, key, request_hash, n)
        CROSS JOIN LATERAL (
            SELECT request_hash, position FROM command_keys WHERE owner = c.owner AND key = c.key LIMIT 1) k
        UNION ALL
        SELECT g.command, 'stale', g.n
        FROM unnest(guard_commands, guard_types, guard_ids, guard_versions) WITH ORDINALITY
            AS g (command, aggregate_type, aggregate_id, version, n)
        WHERE g.version <> coalesce((
            SELECT e.sequence FROM events e
            WHERE e.aggregate_type = g.aggregate_type AND e.aggregate_id = g.aggregate_id
            ORDER BY e.sequence DESC LIMIT 1), 0)
        UNION ALL
        SELECT t.command, 'claim_taken', t.n
        FROM unnest(claim_commands, claim_kinds, claim_hashes, claim_takes) WITH ORDINALITY
            AS t (command, kind, hash, takes, n)
        WHERE t.takes AND (SELECT true FROM claims c WHERE c.kind = t.kind AND c.hash = t.hash LIMIT 1)
        UNION ALL
        SELECT t.command, 'token_replaced', NULL
        FROM unnest(token_commands, token_sessions, token_replaces) AS t (command, session, replaces)
        WHERE t.replaces IS NOT NULL AND (
            SELECT true FROM refresh_tokens r
            WHERE r.hash = t.replaces AND r.session = t.session AND r.replaced_at IS NULL LIMIT 1) IS NULL
        UNION ALL
        SELECT d.command, 'has_data_key', NULL
        FROM unnest(data_key_commands, data_key_subjects) AS d (command, subject)
        WHERE (SELECT true FROM data_keys k WHERE k.subject = d.subject LIMIT 1)
        UNION ALL
        SELECT s.command, 'forgotten', s.n
        FROM unnest(sealed_commands, sealed_subjects) WITH ORDINALITY AS s (command, subject, n)
        WHERE (SELECT k.wrapped IS NULL FROM data_keys k WHERE k.subject = s.subject LIMIT 1)
    ), firsts AS (
        SELECT DISTINCT ON (command) command, verdict, detail
        FROM verdict_rows ORDER BY command, array_position(precedence, verdict), detail
    )
    SELECT array_agg(verdict ORDER BY command), array_agg(detail ORDER BY command),
        array_agg(verdict = 'appended' ORDER BY command)
    INTO verdicts, details, appended
    FROM firsts;

    WITH given AS (
        SELECT *, appended[e.command] AS is_appended FROM unnest(
            event_commands, event_aggregates, event_streams, event_sequences, event_types, event_versions,
            event_payloads, event_metadata, event_scopes, event_counts, event_tiers, event_partitions, event_actors,
            event_correlations, event_causations, event_command_keys, event_times, event_contents
        ) WITH ORDINALITY AS e (
            command, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, scope,
            counts, tier, partition, actor, correlation_id, causation_id, command_key, recorded_at, content, n)
    ), counted AS (
        SELECT *, previous_position + count(*) FILTER (WHERE is_appended) OVER (ORDER BY n) AS position,
            count(*) FILTER (WHERE is_appended AND counts) OVER (PARTITION BY scope ORDER BY n) AS messages,
            CASE row_number() OVER (PARTITION BY scope ORDER BY n) WHEN 1 THEN coalesce((
                SELECT e.scope_seq FROM events e WHERE e.scope = given.scope ORDER BY e.position DESC LIMIT 1), 0)
            END AS last_seq
        FROM given
    ), numbered AS (
        SELECT *, max(last_seq) OVER (PARTITION BY scope) + messages AS scope_seq FROM counted
    ), digested AS MATERIALIZED (
        SELECT *, sha256(content || int8send(position) || int8send(scope_seq)) AS digest FROM numbered
    ), stored AS (
        INSERT INTO events (
            aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, scope,
            scope_seq, tier, partition, actor, correlation_id, causation_id, command_key, recorded_at, digest)
        SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::json, metadata::json,
            position, scope, scope_seq, tier, partition, actor, correlation_id, causation_id, command_key,
            recorded_at, digest
        FROM digested WHERE is_appended ORDER BY position
    ), lanes AS (
        SELECT tier * cardinality(previous_heads) / 2 + partition + 1 AS lane, max(position) AS position
        FROM digested WHERE is_appended GROUP BY 1
    )
    SELECT max(position) FILTER (WHERE is_appended), array_agg(scope_seq ORDER BY n) FILTER (WHERE is_appended),
        array_agg(CASE WHEN is_appended THEN position ELSE 0 END ORDER BY n),
        sha256(previous_chain || string_agg(digest, ''::bytea ORDER BY n) FILTER (WHERE is_appended)),
        (SELECT array_agg(coalesce(l.position, h.position) ORDER BY h.lane)
            FROM unnest(previous_heads) WITH ORDINALITY AS h (position, lane) LEFT JOIN lanes l ON l.lane = h.lane)
    INTO new_position, scope_seqs, positions, new_chain, new_heads
    FROM digested;

    INSERT INTO command_keys (owner, key, request_hash, position, forever, created_at)
    SELECT owner, key, request_hash, CASE WHEN last_event > 0 THEN positions[last_event] END, forever, created_at
    FROM unnest(command_owners, idempotency_keys, request_hashes, keep_forever, accepted_at, last_events) WITH ORDINALITY
        AS c (owner, key, request_hash, forever, created_at, last_event, n)
    WHERE appended[n];

    IF cardinality(inbox_events) > 0 THEN
        INSERT INTO inbox (user_id, position, scope, presence)
        SELECT user_id, positions[event], event_scopes[event], presence
        FROM unnest(inbox_events, inbox_users, inbox_presences) AS i (event, user_id, presence)
        WHERE positions[event] > 0;
    END IF;

    IF new_position IS NOT NULL THEN
        INSERT INTO ledger (last_position, chain, heads) VALUES (new_position, new_chain, new_heads);
    END IF;

    IF cardinality(claim_commands) > 0 THEN
        DELETE FROM claims c
        USING unnest(claim_commands, claim_kinds, claim_hashes, claim_takes, claim_owners)
            AS t (command, kind, hash, takes, owner)
        WHERE NOT t.takes AND appended[t.command]
            AND c.kind = t.kind AND c.hash = t.hash AND c.owner = t.owner;
        INSERT INTO claims (kind, hash, owner)
        SELECT t.kind, t.hash, t.owner
        FROM unnest(claim_commands, claim_kinds, claim_hashes, claim_takes, claim_owners)
            AS t (command, kind, hash, takes, owner)
        WHERE t.takes AND appended[t.command];
    END IF;

    IF cardinality(data_key_commands) > 0 THEN
        INSERT INTO data_keys (subject, wrapped, created_at)
        SELECT d.subject, d.wrapped, accepted_at[d.command]
        FROM unnest(data_key_commands, data_key_subjects, data_keys_wrapped) AS d (command, subject, wrapped)
        WHERE appended[d.command];
    END IF;

    IF cardinality(password_commands) > 0 THEN
        INSERT INTO passwords AS p (user_id, phc)
        SELECT w.user_id, w.phc
        FROM unnest(password_commands, password_users, password_phcs) AS w (command, user_id, phc)
        WHERE appended[w.command]
        ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc;
    END IF;

    IF cardinality(token_commands) > 0 THEN
        UPDATE refresh_tokens r SET replaced_at = accepted_at[t.command]
        FROM unnest(token_commands, token_replaces) AS t (command, replaces)
        WHERE r.hash = t.replaces AND appended[t.command];
        INSERT INTO refresh_tokens (hash, session, user_id, expires_at)
        SELECT t.hash, t.session, t.user_id, t.expires_at
        FROM unnest(token_commands, token_sessions, token_users, token_hashes, token_expiries)
            AS t (command, session, user_id, hash, expires_at)
        WHERE appended[t.command];
    END IF;

    -- Last, so that secrets stored by earlier commands of the batch are destroyed, too.
    IF cardinality(forget_commands) > 0 THEN
        UPDATE data_keys k SET wrapped = NULL
        FROM unnest(forget_commands, forget_subjects) AS f (command, forgotten)
        WHERE k.subject = f.forgotten AND appended[f.command];
        DELETE FROM passwords p USING unnest(forget_commands, forget_subjects) AS f (command, forgotten)
        WHERE p.user_id = f.forgotten AND appended[f.command];
        DELETE FROM refresh_tokens r USING unnest(forget_commands, forget_subjects) AS f (command, forgotten)
        WHERE r.user_id = f.forgotten AND appended[f.command];
    END IF;
END $$
