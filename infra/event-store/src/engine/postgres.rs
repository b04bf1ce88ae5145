//! Appending on Postgres: one call of this build's `append_batch` per batch, on a connection of the writer's own.

use super::{Fault, Outcome, Verdict, damaged};
use crate::{ClaimChange, Heads, Secret, prepare::Prepared};
use sha2::{Digest as _, Sha256};
use sql::{Database, Limits, query};
use sqlx::{ConnectOptions, FromRow, PgConnection, postgres::PgConnectOptions};
use std::time::Duration;
use uuid::Uuid;

/// After this long without an answer the outcome counts as unknown and the connection as lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// An append given up here must not wait on in the server for ever.
const LIMITS: Limits =
    Limits { lock: Duration::from_secs(10), statement: Duration::from_secs(10), idle: Duration::from_secs(5) };

/// The text of the function.
const APPEND_BATCH: &str = include_str!("append_batch.sql");
/// Names the advisory lock of those who install theirs; the second half is the schema.
const INSTALLING: i32 = 0x43_48_41_46;

/// Installs this build's text of the function, unless it is there; answers its name. Other builds have other texts under
/// other names, and go on with them.
pub(crate) async fn install(database: &Database) -> Result<String, sql::Error> {
    let digest = Sha256::digest(APPEND_BATCH);
    let name = digest.iter().take(8).fold("append_batch_".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    let exists = || query("SELECT 1 FROM pg_proc WHERE proname = $1 AND pronamespace = current_schema()::regnamespace");
    if database.fetch_optional(exists().bind(name.as_str())).await?.is_none() {
        let mut tx = database.begin().await?;
        let lock = "SELECT pg_advisory_xact_lock($1::BIGINT::INT, current_schema()::regnamespace::oid::int4)";
        tx.execute(query(lock).bind(INSTALLING)).await?;
        tx.execute(query(APPEND_BATCH.replacen("FUNCTION append_batch(", &format!("FUNCTION {name}("), 1))).await?;
        tx.commit().await?;
        tracing::info!(function = name, "This build's way to append is installed");
    }
    Ok(name)
}

pub(crate) struct PostgresAppender {
    options: PgConnectOptions,
    /// The name of this build's function.
    function: String,
    connection: Option<PgConnection>,
    partitions: u16,
}

#[derive(FromRow)]
struct Answer {
    previous_position: i64,
    previous_heads: Vec<i64>,
    verdicts: Vec<i16>,
    details: Vec<Option<i64>>,
    scope_seqs: Option<Vec<i64>>,
}

impl PostgresAppender {
    /// Connects, and refuses a server that would lose what it acknowledged.
    pub(crate) async fn connect(
        url: &str,
        schema: &str,
        function: String,
        partitions: u16,
    ) -> Result<Self, sql::Error> {
        // Plans must not depend on statistics: the tables grow by orders of magnitude under a cached plan.
        let options = sql::postgres_options(url, schema, LIMITS)?.application_name("chatchit-writer").options([
            ("default_transaction_isolation", "read\\ committed"),
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("jit", "off"),
        ]);
        let mut appender = Self { options, function, connection: None, partitions };
        appender.connection = Some(in_time(appender.reconnect()).await??);
        Ok(appender)
    }

    async fn reconnect(&self) -> Result<PgConnection, sql::Error> {
        let mut connection = self.options.connect().await?;
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            let sql = "SELECT current_setting($1)";
            let value: String = sqlx::query_scalar(sql).bind(setting).fetch_one(&mut connection).await?;
            if value == "off" {
                let why = format!("Postgres runs with {setting} off and would lose acknowledged commands");
                return Err(sql::Error::Location(why));
            }
        }
        Ok(connection)
    }

    pub(crate) async fn run(&mut self, batch: &[&Prepared]) -> Result<Outcome, Fault> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // Whatever a server says that lets nobody in, it is away.
            None => in_time(self.reconnect()).await.flatten().map_err(Fault::Away)?,
        };
        // While it runs the connection is out of its place: one whose answer did not come is dropped.
        let answer = in_time(call(&mut connection, &self.function, batch)).await?;
        if let Ok(_) | Err(sqlx::Error::Database(_)) = &answer {
            self.connection = Some(connection);
        }
        Ok(self.outcome(answer.map_err(sql::Error::from)?, batch)?)
    }

    fn outcome(&self, answer: Answer, batch: &[&Prepared]) -> Result<Outcome, sql::Error> {
        let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
        let guards: Vec<_> = batch.iter().flat_map(|command| &command.guards).collect();
        let claims: Vec<_> = batch.iter().flat_map(|command| &command.claims).collect();
        let sealed: Vec<_> = batch.iter().flat_map(|command| &command.sealed_for).collect();
        let verdicts = answer.verdicts.iter().zip(answer.details).map(|(verdict, detail)| {
            let index = detail.and_then(|n| usize::try_from(n - 1).ok()).unwrap_or(usize::MAX);
            match verdict {
                0 => Some(Verdict::Appended),
                1 => Some(Verdict::Repeated(detail.map(unsigned))),
                2 => Some(Verdict::KeyReused),
                3 => guards.get(index).map(|guard| Verdict::Stale(guard.stream)),
                4 => claims.get(index).map(|claim| Verdict::ClaimTaken(claim.kind)),
                5 => Some(Verdict::TokenReplaced),
                6 => Some(Verdict::HasDataKey),
                7 => sealed.get(index).map(|subject| Verdict::Forgotten(**subject)),
                _ => None,
            }
        });
        let heads = answer.previous_heads.into_iter().map(unsigned).collect();
        Ok(Outcome {
            position: unsigned(answer.previous_position),
            heads: Heads::from_lanes(self.partitions, heads).ok_or_else(|| damaged("heads of the ledger"))?,
            verdicts: verdicts.collect::<Option<_>>().ok_or_else(|| damaged("a verdict"))?,
            scope_seqs: answer.scope_seqs.unwrap_or_default().into_iter().map(unsigned).collect(),
        })
    }
}

async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, sql::Error> {
    tokio::time::timeout(PATIENCE, answer).await.map_err(|_| sqlx::Error::PoolTimedOut.into())
}

/// Calls with one array per column. Binding is by position: the order here is that of the parameters.
async fn call(connection: &mut PgConnection, function: &str, batch: &[&Prepared]) -> Result<Answer, sqlx::Error> {
    const PARAMETERS: usize = 52;
    let places = sql::placeholders(1, PARAMETERS);
    let sql =
        format!("SELECT previous_position, previous_heads, verdicts, details, scope_seqs FROM {function}({places})");
    let call = sqlx::query_as::<_, Answer>(&sql);

    macro_rules! column {
        ($rows:expr, $row:pat => $value:expr) => {
            $rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    let call = call
        .bind(column!(batch, c => c.key.owner.as_str()))
        .bind(column!(batch, c => c.key.key.as_str()))
        .bind(column!(batch, c => &c.request_hash[..]))
        .bind(column!(batch, c => c.forever))
        .bind(column!(batch, c => c.accepted_at.millis()))
        .bind(last_events(batch));

    let guards = numbered(batch, |c| &c.guards);
    let call = call
        .bind(column!(guards, (n, _) => *n))
        .bind(column!(guards, (_, g) => g.stream.aggregate.as_str()))
        .bind(column!(guards, (_, g) => g.stream.id.to_string()))
        .bind(column!(guards, (_, g) => signed(g.version)));

    let claims = numbered(batch, |c| &c.claims);
    let call = call
        .bind(column!(claims, (n, _) => *n))
        .bind(column!(claims, (_, c) => c.kind.as_str()))
        .bind(column!(claims, (_, c) => &c.hash[..]))
        .bind(column!(claims, (_, c) => c.change == ClaimChange::Take))
        .bind(column!(claims, (_, c) => c.owner));

    let data_keys = numbered(batch, |c| &c.data_keys);
    let call = call
        .bind(column!(data_keys, (n, _) => *n))
        .bind(column!(data_keys, (_, (subject, _)) => *subject))
        .bind(column!(data_keys, (_, (_, wrapped)) => wrapped.as_slice()));

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
    let call = call
        .bind(column!(passwords, (n, ..) => *n))
        .bind(column!(passwords, (_, user, _) => *user))
        .bind(column!(passwords, (.., phc) => *phc))
        .bind(column!(tokens, (n, ..) => *n))
        .bind(column!(tokens, (_, session, ..) => *session))
        .bind(column!(tokens, (_, _, user, ..) => *user))
        .bind(column!(tokens, (_, _, _, hash, ..) => &hash[..]))
        .bind(column!(tokens, (.., replaces, _) => replaces.as_ref().map(|hash| &hash[..])))
        .bind(column!(tokens, (.., expires_at) => *expires_at));

    let sealed = numbered(batch, |c| &c.sealed_for);
    let call = call
        .bind(column!(sealed, (n, _) => *n))
        .bind(column!(sealed, (_, subject) => **subject))
        .bind(column!(forgotten, (n, _) => *n))
        .bind(column!(forgotten, (_, subject) => *subject));

    let events = numbered(batch, |c| &c.events);
    let call = call
        .bind(column!(events, (n, _) => *n))
        .bind(column!(events, (_, e) => e.record.aggregate_type.as_str()))
        .bind(column!(events, (_, e) => e.record.aggregate_id.to_string()))
        .bind(column!(events, (_, e) => signed(e.record.sequence)))
        .bind(column!(events, (_, e) => e.record.event_type.as_str()))
        .bind(column!(events, (_, e) => e.record.event_version.to_string()))
        .bind(column!(events, (_, e) => e.record.payload.as_str()))
        .bind(column!(events, (_, e) => e.record.metadata.as_str()))
        .bind(column!(events, (_, e) => e.record.scope))
        .bind(column!(events, (_, e) => e.counts))
        .bind(column!(events, (_, e) => i16::from(e.record.lane.tier.number())))
        .bind(column!(events, (_, e) => i16::try_from(e.record.lane.partition.0).unwrap_or(i16::MAX)))
        .bind(column!(events, (_, e) => e.record.origin.actor))
        .bind(column!(events, (_, e) => e.record.origin.correlation_id))
        .bind(column!(events, (_, e) => e.record.origin.causation_id.map(signed)))
        .bind(column!(events, (_, e) => e.record.command_key.as_str()))
        .bind(column!(events, (_, e) => e.record.recorded_at.millis()))
        .bind(column!(events, (_, e) => &e.content[..]));

    let inbox: Vec<(i32, Uuid, i16)> = (1..)
        .zip(&events)
        .flat_map(|(n, (_, event))| event.inbox.iter().map(move |(user, presence)| (n, *user, *presence)))
        .collect();
    let call = call
        .bind(column!(inbox, (n, ..) => *n))
        .bind(column!(inbox, (_, user, _) => *user))
        .bind(column!(inbox, (.., presence) => *presence));
    call.fetch_one(connection).await
}

/// What `of` gives for each command, with the command's number from 1.
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
