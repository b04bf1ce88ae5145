//! Appending on SQLite: the steps of `append_batch.sql`, with a few statements for the whole batch.

use super::outcome::{Fault, Outcome, Verdict, damaged};
use crate::{
    ClaimChange, Heads, Position, Secret,
    digest::{event_digest, next_chain},
    prepare::{Prepared, PreparedEvent},
};
use serde_json::{Value as Json, json};
use sql::{Database, Transaction, Value, query};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

pub(crate) struct SqliteAppender {
    database: Database,
    partitions: u16,
}

/// An event with its position and scope_seq.
struct Numbered<'b> {
    event: &'b PreparedEvent,
    position: Position,
    scope_seq: u64,
    digest: [u8; 32],
}

impl SqliteAppender {
    pub(crate) const fn new(database: Database, partitions: u16) -> Self {
        Self { database, partitions }
    }

    pub(crate) async fn run(&mut self, batch: &[&Prepared]) -> Result<Outcome, Fault> {
        // Holds the write lock of the file: no other process appends meanwhile.
        let mut tx = self.database.begin().await?;
        let (position, chain, heads) = self.head(&mut tx).await?;
        let verdicts = verdicts(&mut tx, batch).await?;
        let won: Vec<_> =
            batch.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::Appended).map(|(c, _)| *c).collect();
        let numbered = number(&mut tx, position, &won).await?;
        store_events(&mut tx, &numbered).await?;
        store_keys(&mut tx, position, &won).await?;
        store_claims(&mut tx, &won).await?;
        store_secrets(&mut tx, &won).await?;
        if let Some(last) = numbered.last() {
            let mut after = heads.clone();
            for event in &numbered {
                after.advance(event.event.record.lane, event.position);
            }
            let chain = next_chain(&chain, numbered.iter().map(|event| &event.digest));
            let ledger = query("INSERT INTO ledger (last_position, chain, heads) VALUES ($1, $2, $3)");
            let ledger = ledger.bind(last.position).bind(&chain[..]).bind(json!(after.lanes()).to_string());
            tx.execute(ledger).await?;
        }
        tx.commit().await?;
        let scope_seqs = numbered.iter().map(|event| event.scope_seq).collect();
        Ok(Outcome { position, heads, verdicts, scope_seqs })
    }

    async fn head(&self, tx: &mut Transaction) -> Result<(Position, [u8; 32], Heads), sql::Error> {
        let newest = query("SELECT last_position, chain, heads FROM ledger ORDER BY last_position DESC LIMIT 1");
        let row = tx.fetch_optional(newest).await?.ok_or_else(|| damaged("it has no ledger"))?;
        let chain = row.get::<Vec<u8>>("chain")?.try_into().map_err(|_| damaged("chain of the ledger"))?;
        let lanes = serde_json::from_str(&row.get::<String>("heads")?).unwrap_or_default();
        let heads = Heads::from_lanes(self.partitions, lanes).ok_or_else(|| damaged("heads of the ledger"))?;
        Ok((row.unsigned("last_position")?, chain, heads))
    }
}

/// The verdict of each command. The checks are in the order of [`Verdict`].
async fn verdicts(tx: &mut Transaction, batch: &[&Prepared]) -> Result<Vec<Verdict>, sql::Error> {
    let mut verdicts = vec![None; batch.len()];
    let mut fault = |command: usize, verdict: Verdict| {
        if let Some(known) = verdicts.get_mut(command) {
            known.get_or_insert(verdict);
        }
    };

    let keys = json_rows(batch.iter().map(|command| json!([command.key.owner, command.key.key])));
    let used = "SELECT j.key AS command, k.request_hash AS request_hash, k.position AS position FROM json_each($1) j
        JOIN command_keys k ON k.owner = j.value ->> 0 AND k.key = j.value ->> 1";
    for row in tx.fetch_all(query(used).bind(keys)).await? {
        let command = index(row.get("command")?);
        let same = batch
            .get(command)
            .is_some_and(|c| row.get::<Vec<u8>>("request_hash").is_ok_and(|hash| hash == c.request_hash));
        let first = row.get::<Option<i64>>("position")?.map(|position| index(position) as u64);
        fault(command, if same { Verdict::Repeated(first) } else { Verdict::KeyReused });
    }

    let guards = numbered(batch, |command| &command.guards);
    let asked = json_rows(guards.iter().map(|(_, g)| json!([g.stream.aggregate.as_str(), g.stream.id, g.version])));
    let stale = "SELECT j.key AS guard FROM json_each($1) j WHERE j.value ->> 2 <> coalesce((
        SELECT max(e.sequence) FROM events e WHERE e.aggregate_type = j.value ->> 0 AND e.aggregate_id = j.value ->> 1), 0)";
    for row in tx.fetch_all(query(stale).bind(asked)).await? {
        if let Some((command, guard)) = guards.get(index(row.get("guard")?)) {
            fault(*command, Verdict::Stale(guard.stream));
        }
    }

    for (command, claim) in numbered(batch, |command| &command.claims) {
        let held = query("SELECT owner FROM claims WHERE kind = $1 AND hash = $2");
        let held = held.bind(claim.kind.as_str()).bind(&claim.hash[..]);
        if claim.change == ClaimChange::Take && tx.fetch_optional(held).await?.is_some() {
            fault(command, Verdict::ClaimTaken(claim.kind));
        }
    }
    for (command, secret) in numbered(batch, |command| &command.secrets) {
        let Secret::RefreshToken { session, replaces: Some(replaced), .. } = secret else { continue };
        let current = "SELECT hash FROM refresh_tokens WHERE hash = $1 AND session = $2 AND replaced_at IS NULL";
        if tx.fetch_optional(query(current).bind(&replaced[..]).bind(*session)).await?.is_none() {
            fault(command, Verdict::TokenReplaced);
        }
    }
    for (command, (subject, _)) in numbered(batch, |command| &command.data_keys) {
        let there = query("SELECT subject FROM data_keys WHERE subject = $1").bind(*subject);
        if tx.fetch_optional(there).await?.is_some() {
            fault(command, Verdict::HasDataKey);
        }
    }
    let sealed = numbered(batch, |command| &command.sealed_for);
    if !sealed.is_empty() {
        let asked = json_rows(sealed.iter().map(|(_, subject)| json!(subject.simple().to_string())));
        let forgotten = "SELECT j.key AS n FROM json_each($1) j JOIN data_keys k ON k.subject = unhex(j.value) AND k.wrapped IS NULL";
        for row in tx.fetch_all(query(forgotten).bind(asked)).await? {
            if let Some((command, subject)) = sealed.get(index(row.get("n")?)) {
                fault(*command, Verdict::Forgotten(**subject));
            }
        }
    }
    Ok(verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Appended)).collect())
}

/// Assigns dense positions, and each event's scope_seq.
async fn number<'b>(
    tx: &mut Transaction,
    position: Position,
    won: &[&'b Prepared],
) -> Result<Vec<Numbered<'b>>, sql::Error> {
    let events: Vec<&'b PreparedEvent> = won.iter().flat_map(|command| &command.events).collect();
    let scopes: HashSet<Uuid> = events.iter().map(|event| event.record.scope).collect();
    let last = "SELECT unhex(j.value) AS scope, coalesce((
        SELECT e.scope_seq FROM events e WHERE e.scope = unhex(j.value) ORDER BY e.position DESC LIMIT 1), 0) AS scope_seq
        FROM json_each($1) j";
    let asked = json_rows(scopes.iter().map(|scope| json!(scope.simple().to_string())));
    let mut seqs = HashMap::new();
    for row in tx.fetch_all(query(last).bind(asked)).await? {
        seqs.insert(row.get::<Uuid>("scope")?, row.unsigned("scope_seq")?);
    }
    let numbered = (position + 1..).zip(events).map(|(position, event)| {
        let seq = seqs.entry(event.record.scope).or_insert(0);
        *seq += u64::from(event.counts);
        Numbered { event, position, scope_seq: *seq, digest: event_digest(&event.content, position, *seq) }
    });
    Ok(numbered.collect())
}

async fn store_events(tx: &mut Transaction, events: &[Numbered<'_>]) -> Result<(), sql::Error> {
    let head =
        "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
        metadata, scope, scope_seq, tier, partition, actor, correlation_id, causation_id, command_key, recorded_at,
        digest) VALUES";
    let rows = events.iter().map(|Numbered { event, position, scope_seq, digest }| {
        let record = &event.record;
        vec![
            Value::from(*position),
            record.aggregate_type.as_str().into(),
            record.aggregate_id.to_string().into(),
            record.sequence.into(),
            record.event_type.as_str().into(),
            record.event_version.to_string().into(),
            record.payload.as_str().into(),
            record.metadata.as_str().into(),
            record.scope.into(),
            (*scope_seq).into(),
            i64::from(record.lane.tier.number()).into(),
            record.lane.partition.0.into(),
            record.origin.actor.into(),
            record.origin.correlation_id.into(),
            record.origin.causation_id.into(),
            record.command_key.as_str().into(),
            record.recorded_at.millis().into(),
            digest[..].into(),
        ]
    });
    tx.insert(head, rows.collect(), "").await?;
    let inbox = events.iter().flat_map(|Numbered { event, position, .. }| {
        event.inbox.iter().map(move |(user, presence)| {
            vec![Value::from(*user), (*position).into(), event.record.scope.into(), i64::from(*presence).into()]
        })
    });
    tx.insert("INSERT INTO inbox (user_id, position, scope, presence) VALUES", inbox.collect(), "").await
}

async fn store_keys(tx: &mut Transaction, mut position: Position, won: &[&Prepared]) -> Result<(), sql::Error> {
    let mut rows = Vec::with_capacity(won.len());
    for command in won {
        position += command.events.len() as u64;
        rows.push(vec![
            Value::from(command.key.owner.as_str()),
            command.key.key.as_str().into(),
            command.request_hash[..].into(),
            (!command.events.is_empty()).then_some(position).into(),
            command.forever.into(),
            command.accepted_at.millis().into(),
        ]);
    }
    let head = "INSERT INTO command_keys (owner, key, request_hash, position, forever, created_at) VALUES";
    tx.insert(head, rows, "").await
}

async fn store_claims(tx: &mut Transaction, won: &[&Prepared]) -> Result<(), sql::Error> {
    let claims = || won.iter().flat_map(|command| &command.claims);
    for claim in claims().filter(|claim| claim.change == ClaimChange::Release) {
        let released = query("DELETE FROM claims WHERE kind = $1 AND hash = $2 AND owner = $3");
        tx.execute(released.bind(claim.kind.as_str()).bind(&claim.hash[..]).bind(claim.owner)).await?;
    }
    let taken = claims().filter(|claim| claim.change == ClaimChange::Take);
    let rows = taken.map(|claim| vec![Value::from(claim.kind.as_str()), claim.hash[..].into(), claim.owner.into()]);
    tx.insert("INSERT INTO claims (kind, hash, owner) VALUES", rows.collect(), "").await
}

async fn store_secrets(tx: &mut Transaction, won: &[&Prepared]) -> Result<(), sql::Error> {
    for command in won {
        let now = command.accepted_at.millis();
        for (subject, wrapped) in &command.data_keys {
            let made = query("INSERT INTO data_keys (subject, wrapped, created_at) VALUES ($1, $2, $3)");
            tx.execute(made.bind(*subject).bind(wrapped.as_slice()).bind(now)).await?;
        }
        for secret in &command.secrets {
            match secret {
                Secret::DataKey { .. } => {}
                Secret::Forget { subject } => {
                    for forget in [
                        "UPDATE data_keys SET wrapped = NULL WHERE subject = $1",
                        "DELETE FROM passwords WHERE user_id = $1",
                        "DELETE FROM refresh_tokens WHERE user_id = $1",
                    ] {
                        tx.execute(query(forget).bind(*subject)).await?;
                    }
                }
                Secret::Password { user, phc } => {
                    let set = "INSERT INTO passwords (user_id, phc) VALUES ($1, $2)
                        ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc";
                    tx.execute(query(set).bind(*user).bind(phc.as_str())).await?;
                }
                Secret::RefreshToken { session, user, hash, replaces, expires_at } => {
                    if let Some(replaced) = replaces {
                        let replace = query("UPDATE refresh_tokens SET replaced_at = $1 WHERE hash = $2");
                        tx.execute(replace.bind(now).bind(&replaced[..])).await?;
                    }
                    let set = "INSERT INTO refresh_tokens (hash, session, user_id, expires_at) VALUES ($1, $2, $3, $4)";
                    let set = query(set).bind(&hash[..]).bind(*session).bind(*user).bind(*expires_at);
                    tx.execute(set).await?;
                }
            }
        }
    }
    Ok(())
}

/// The items of each command, with the command's index.
fn numbered<'b, T>(batch: &[&'b Prepared], of: impl Fn(&'b Prepared) -> &'b Vec<T>) -> Vec<(usize, &'b T)> {
    batch.iter().enumerate().flat_map(|(n, command)| of(command).iter().map(move |item| (n, item))).collect()
}

fn json_rows(rows: impl Iterator<Item = Json>) -> String {
    Json::Array(rows.collect()).to_string()
}

fn index(value: i64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
