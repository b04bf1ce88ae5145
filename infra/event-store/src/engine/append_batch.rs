//! This build's `append_batch`: the function in `append_batch.sql`, its arguments and its result.

use super::outcome::{Outcome, Verdict, damaged};
use crate::{Claim, ClaimChange, Guard, Heads, Secret, prepare::Prepared};
use sha2::{Digest as _, Sha256};
use sql::{Database, query};
use sqlx::{
    Arguments as _, Encode, FromRow, PgConnection, Postgres, Row as _, Type,
    postgres::{PgArguments, PgRow},
};
use std::fmt::Write as _;
use uuid::Uuid;

/// The source of the function.
const SOURCE: &str = include_str!("append_batch.sql");
/// The first half of the advisory lock for installing it; the second half is the schema.
const INSTALLING: i32 = 0x43_48_41_46;

/// Installs the function, unless it exists; returns its name, which is derived from the source. Builds with other sources keep
/// their own functions.
pub(crate) async fn install(database: &Database) -> Result<String, sql::Error> {
    let digest = Sha256::digest(SOURCE);
    let name = digest.iter().take(8).fold("append_batch_".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    let exists = || query("SELECT 1 FROM pg_proc WHERE proname = $1 AND pronamespace = current_schema()::regnamespace");
    if database.fetch_optional(exists().bind(name.as_str())).await?.is_none() {
        let mut tx = database.begin().await?;
        let lock = "SELECT pg_advisory_xact_lock($1::BIGINT::INT, current_schema()::regnamespace::oid::int4)";
        tx.execute(query(lock).bind(INSTALLING)).await?;
        tx.execute(query(SOURCE.replacen("FUNCTION append_batch(", &format!("FUNCTION {name}("), 1))).await?;
        tx.commit().await?;
        tracing::info!(function = name, "Installed the append function of this build");
    }
    Ok(name)
}

/// Calls the function with a batch.
pub(super) async fn call(
    connection: &mut PgConnection,
    function: &str,
    batch: &[&Prepared],
) -> Result<Output, sqlx::Error> {
    let Arguments { named, values, .. } = Arguments::of(batch)?;
    let sql =
        format!("SELECT previous_position, previous_heads, verdicts, details, scope_seqs FROM {function}({named})");
    sqlx::query_as_with(&sql, values).fetch_one(connection).await
}

/// The arguments of a call, passed by name: an array for each parameter.
#[derive(Default)]
struct Arguments {
    names: Vec<&'static str>,
    /// `name => $1, …`
    named: String,
    values: PgArguments,
}

impl Arguments {
    /// The names are the parameters of `append_batch.sql`; a test compares them.
    fn of(batch: &[&Prepared]) -> Result<Self, sqlx::Error> {
        let mut call = Self::default();
        call.add("command_owners", batch, |c| c.key.owner.as_str())?;
        call.add("idempotency_keys", batch, |c| c.key.key.as_str())?;
        call.add("request_hashes", batch, |c| &c.request_hash[..])?;
        call.add("keep_forever", batch, |c| c.forever)?;
        call.add("accepted_at", batch, |c| c.accepted_at.millis())?;
        call.add("last_events", &last_events(batch), |n| *n)?;

        let guards = numbered(batch, |c| &c.guards);
        call.add("guard_commands", &guards, |(n, _)| *n)?;
        call.add("guard_types", &guards, |(_, g)| g.stream.aggregate.as_str())?;
        call.add("guard_ids", &guards, |(_, g)| g.stream.id.to_string())?;
        call.add("guard_versions", &guards, |(_, g)| signed(g.version))?;

        let claims = numbered(batch, |c| &c.claims);
        call.add("claim_commands", &claims, |(n, _)| *n)?;
        call.add("claim_kinds", &claims, |(_, c)| c.kind.as_str())?;
        call.add("claim_hashes", &claims, |(_, c)| &c.hash[..])?;
        call.add("claim_takes", &claims, |(_, c)| c.change == ClaimChange::Take)?;
        call.add("claim_owners", &claims, |(_, c)| c.owner)?;

        let data_keys = numbered(batch, |c| &c.data_keys);
        call.add("data_key_commands", &data_keys, |(n, _)| *n)?;
        call.add("data_key_subjects", &data_keys, |(_, (subject, _))| *subject)?;
        call.add("data_keys_wrapped", &data_keys, |(_, (_, wrapped))| wrapped.as_slice())?;

        let sealed = numbered(batch, |c| &c.sealed_for);
        call.add("sealed_commands", &sealed, |(n, _)| *n)?;
        call.add("sealed_subjects", &sealed, |(_, subject)| **subject)?;

        call.secrets(batch)?;
        call.events(batch)?;
        Ok(call)
    }

    fn secrets(&mut self, batch: &[&Prepared]) -> Result<(), sqlx::Error> {
        let secrets = numbered(batch, |c| &c.secrets);
        let (mut passwords, mut tokens, mut forgotten) = (Vec::new(), Vec::new(), Vec::new());
        for (n, secret) in &secrets {
            match secret {
                Secret::Password { user, phc } => passwords.push((*n, *user, phc.as_str())),
                Secret::RefreshToken { session, user, hash, replaces, expires_at } => {
                    tokens.push((*n, *session, *user, hash, replaces, *expires_at));
                }
                Secret::Forget { subject } => forgotten.push((*n, *subject)),
                Secret::DataKey { .. } => {}
            }
        }
        self.add("password_commands", &passwords, |(n, ..)| *n)?;
        self.add("password_users", &passwords, |(_, user, _)| *user)?;
        self.add("password_phcs", &passwords, |(.., phc)| *phc)?;

        self.add("token_commands", &tokens, |(n, ..)| *n)?;
        self.add("token_sessions", &tokens, |(_, session, ..)| *session)?;
        self.add("token_users", &tokens, |(_, _, user, ..)| *user)?;
        self.add("token_hashes", &tokens, |(_, _, _, hash, ..)| &hash[..])?;
        self.add("token_replaces", &tokens, |(.., replaces, _)| replaces.as_ref().map(|hash| &hash[..]))?;
        self.add("token_expiries", &tokens, |(.., expires_at)| *expires_at)?;

        self.add("forget_commands", &forgotten, |(n, _)| *n)?;
        self.add("forget_subjects", &forgotten, |(_, subject)| *subject)
    }

    fn events(&mut self, batch: &[&Prepared]) -> Result<(), sqlx::Error> {
        let events = numbered(batch, |c| &c.events);
        self.add("event_commands", &events, |(n, _)| *n)?;
        self.add("event_aggregates", &events, |(_, e)| e.record.aggregate_type.as_str())?;
        self.add("event_streams", &events, |(_, e)| e.record.aggregate_id.to_string())?;
        self.add("event_sequences", &events, |(_, e)| signed(e.record.sequence))?;
        self.add("event_types", &events, |(_, e)| e.record.event_type.as_str())?;
        self.add("event_versions", &events, |(_, e)| e.record.event_version.to_string())?;
        self.add("event_payloads", &events, |(_, e)| e.record.payload.as_str())?;
        self.add("event_metadata", &events, |(_, e)| e.record.metadata.as_str())?;
        self.add("event_scopes", &events, |(_, e)| e.record.scope)?;
        self.add("event_counts", &events, |(_, e)| e.counts)?;
        self.add("event_tiers", &events, |(_, e)| i16::from(e.record.lane.tier.number()))?;
        let partition = |partition| i16::try_from(partition).unwrap_or(i16::MAX);
        self.add("event_partitions", &events, |(_, e)| partition(e.record.lane.partition.0))?;
        self.add("event_actors", &events, |(_, e)| e.record.origin.actor)?;
        self.add("event_correlations", &events, |(_, e)| e.record.origin.correlation_id)?;
        self.add("event_causations", &events, |(_, e)| e.record.origin.causation_id.map(signed))?;
        self.add("event_command_keys", &events, |(_, e)| e.record.command_key.as_str())?;
        self.add("event_times", &events, |(_, e)| e.record.recorded_at.millis())?;
        self.add("event_contents", &events, |(_, e)| &e.content[..])?;

        let inbox: Vec<(i32, Uuid, i16)> = (1..)
            .zip(&events)
            .flat_map(|(n, (_, event))| event.inbox.iter().map(move |(user, presence)| (n, *user, *presence)))
            .collect();
        self.add("inbox_events", &inbox, |(n, ..)| *n)?;
        self.add("inbox_users", &inbox, |(_, user, _)| *user)?;
        self.add("inbox_presences", &inbox, |(.., presence)| *presence)
    }

    /// Adds a parameter's array: a value of each row.
    fn add<'r, R, T>(
        &mut self,
        name: &'static str,
        rows: &'r [R],
        value: impl Fn(&'r R) -> T,
    ) -> Result<(), sqlx::Error>
    where
        Vec<T>: Encode<'r, Postgres> + Type<Postgres> + 'r,
    {
        let values = rows.iter().map(value).collect::<Vec<_>>();
        self.values.add(values).map_err(sqlx::Error::Encode)?;
        let separator = if self.names.is_empty() { "" } else { ", " };
        self.names.push(name);
        let _ = write!(self.named, "{separator}{name} => ${}", self.names.len());
        Ok(())
    }
}

/// The items of each command, with the command's number from 1.
fn numbered<'b, T>(batch: &[&'b Prepared], of: impl Fn(&'b Prepared) -> &'b Vec<T>) -> Vec<(i32, &'b T)> {
    (1..).zip(batch).flat_map(|(n, command)| of(command).iter().map(move |item| (n, item))).collect()
}

/// The number of each command's last event, counted from 1 through the batch; 0 when it has none.
fn last_events(batch: &[&Prepared]) -> Vec<i32> {
    let mut events = 0;
    let last = |command: &&Prepared| {
        events += i32::try_from(command.events.len()).unwrap_or(i32::MAX);
        if command.events.is_empty() { 0 } else { events }
    };
    batch.iter().map(last).collect()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// The result of a call.
pub(super) struct Output {
    previous_position: i64,
    previous_heads: Vec<i64>,
    verdicts: Vec<String>,
    details: Vec<Option<i64>>,
    scope_seqs: Option<Vec<i64>>,
}

impl FromRow<'_, PgRow> for Output {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            previous_position: row.try_get("previous_position")?,
            previous_heads: row.try_get("previous_heads")?,
            verdicts: row.try_get("verdicts")?,
            details: row.try_get("details")?,
            scope_seqs: row.try_get("scope_seqs")?,
        })
    }
}

impl Output {
    pub(super) fn outcome(self, partitions: u16, batch: &[&Prepared]) -> Result<Outcome, sql::Error> {
        let given = Given::of(batch);
        let verdicts = self.verdicts.iter().zip(self.details).map(|(word, detail)| given.verdict(word, detail));
        let heads = self.previous_heads.into_iter().map(unsigned).collect();
        Ok(Outcome {
            position: unsigned(self.previous_position),
            heads: Heads::from_lanes(partitions, heads).ok_or_else(|| damaged("heads of the ledger"))?,
            verdicts: verdicts.collect::<Option<_>>().ok_or_else(|| damaged("a verdict"))?,
            scope_seqs: self.scope_seqs.unwrap_or_default().into_iter().map(unsigned).collect(),
        })
    }
}

/// Rows of a call to which its result refers by their numbers.
struct Given<'b> {
    guards: Vec<&'b Guard>,
    claims: Vec<&'b Claim>,
    sealed_for: Vec<Uuid>,
}

impl<'b> Given<'b> {
    fn of(batch: &[&'b Prepared]) -> Self {
        Self {
            guards: batch.iter().flat_map(|command| &command.guards).collect(),
            claims: batch.iter().flat_map(|command| &command.claims).collect(),
            sealed_for: batch.iter().flat_map(|command| &command.sealed_for).copied().collect(),
        }
    }

    /// The verdict of a word of `append_batch.sql` and its detail; `None` if there is none of that name or number.
    fn verdict(&self, word: &str, detail: Option<i64>) -> Option<Verdict> {
        let index = detail.and_then(|n| usize::try_from(n - 1).ok()).unwrap_or(usize::MAX);
        match word {
            "repeated" => Some(Verdict::Repeated(detail.map(unsigned))),
            "key_reused" => Some(Verdict::KeyReused),
            "stale" => self.guards.get(index).map(|guard| Verdict::Stale(guard.stream)),
            "claim_taken" => self.claims.get(index).map(|claim| Verdict::ClaimTaken(claim.kind)),
            "token_replaced" => Some(Verdict::TokenReplaced),
            "has_data_key" => Some(Verdict::HasDataKey),
            "forgotten" => self.sealed_for.get(index).copied().map(Verdict::Forgotten),
            "appended" => Some(Verdict::Appended),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClaimKind, StreamId};
    use domain::AggregateType;

    #[test]
    fn every_parameter_is_given_by_its_name() {
        let (_, header) = SOURCE.split_once("FUNCTION append_batch(").unwrap();
        let (header, _) = header.split_once("OUT ").unwrap();
        let code = header.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
        let code = code.collect::<Vec<_>>().join(" ");
        let declared = code.split(',').filter_map(|parameter| parameter.split_whitespace().next());
        let mut declared = declared.collect::<Vec<_>>();
        let mut given = Arguments::of(&[]).unwrap().names;
        declared.sort_unstable();
        given.sort_unstable();
        assert_eq!(given, declared);
    }

    #[test]
    fn every_verdict_of_the_function_is_known() {
        let (_, precedence) = SOURCE.split_once("precedence CONSTANT text[] := ARRAY[").unwrap();
        let (precedence, _) = precedence.split_once(']').unwrap();
        let stream = StreamId { aggregate: AggregateType::User, id: Uuid::from_u128(1) };
        let (kind, change) = (ClaimKind::Email, ClaimChange::Take);
        let guard = Guard { stream, version: 0 };
        let claim = Claim { kind, hash: [0; 32], change, owner: Uuid::nil() };
        let given = Given { guards: vec![&guard], claims: vec![&claim], sealed_for: vec![Uuid::from_u128(2)] };
        let verdicts = precedence.split(',').map(|word| given.verdict(word.trim().trim_matches('\''), Some(1)));
        let known = [
            Verdict::Repeated(Some(1)),
            Verdict::KeyReused,
            Verdict::Stale(stream),
            Verdict::ClaimTaken(kind),
            Verdict::TokenReplaced,
            Verdict::HasDataKey,
            Verdict::Forgotten(Uuid::from_u128(2)),
            Verdict::Appended,
        ];
        assert_eq!(verdicts.collect::<Vec<_>>(), known.map(Some));
    }
}
