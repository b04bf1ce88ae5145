//! A log as busy people leave it, and the index over it.

use crate::random::Random;
use anyhow::Result;
use event_store::EventStore;
use projections::audit::AuditIndex;
use sql::{Database, Engine, Location, Value, query};
use uuid::Uuid;

/// Rows of one transaction.
const BATCH: u64 = 5_000;
const ACTORS: u64 = 2_000;
const SCOPES: u64 = 1_000;
/// The time of the first event, and the time between two (milliseconds).
const BEGIN: i64 = 1_700_000_000_000;
const STEP: i64 = 40;

const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
                       metadata, scope, scope_seq, tier, partition, actor, correlation_id, causation_id, command_key, \
                       recorded_at, digest";

/// Aggregate, type, and frequency per 10,000.
const KINDS: [(&str, &str, u64); 8] = [
    ("message", "message.sent", 5_500),
    ("read_marker", "receipt.read", 2_500),
    ("message", "message.reacted", 1_200),
    ("session", "session.started", 400),
    ("conversation", "member.added", 250),
    ("message", "message.edited", 140),
    ("user", "account.updated", 9),
    ("user", "account.blocked", 1),
];

pub(crate) struct Filled {
    pub(crate) events: u64,
}

impl Filled {
    /// A person; one event in ten is of the first.
    pub(crate) fn actor(&self, random: &mut Random) -> Uuid {
        id(1, if random.below(10) == 0 { 0 } else { random.below(ACTORS) })
    }

    /// A conversation; one event in five is in the first.
    pub(crate) fn scope(&self, random: &mut Random) -> Uuid {
        id(2, if random.below(5) == 0 { 0 } else { random.below(SCOPES) })
    }

    /// A type, evenly distributed.
    pub(crate) fn kind(&self, random: &mut Random) -> (&'static str, &'static str) {
        let (aggregate, event, _) = KINDS[random.below(KINDS.len() as u64) as usize];
        (aggregate, event)
    }

    pub(crate) fn stream(&self, random: &mut Random) -> Uuid {
        id(3, random.below(self.events))
    }

    pub(crate) fn correlation(&self, random: &mut Random) -> Uuid {
        id(4, random.below(self.events))
    }

    pub(crate) fn time(&self, random: &mut Random) -> i64 {
        BEGIN + STEP * random.below(self.events) as i64
    }
}

/// An id of a family. Its time rises with the number, as in UUID v7.
fn id(family: u128, number: u64) -> Uuid {
    let millis = (u128::from(number) + BEGIN as u128) << 80;
    Uuid::from_u128(millis | 0x7000_8000_0000_0000_0000 | family)
}

/// Writes events into the table of a log.
pub(crate) async fn log(location: &Location, events: u64) -> Result<Filled> {
    let database = Database::connect(location, 1).await?;
    let filled = Filled { events };
    let mut random = Random::new(1);
    let mut position = 0;
    while position < events {
        let last = (position + BATCH).min(events);
        let rows = (position + 1..=last).map(|position| row(&filled, position, &mut random));
        insert(&database, rows.collect()).await?;
        position = last;
    }
    if database.engine() == Engine::Postgres {
        database.execute(query("ANALYZE events")).await?;
    }
    database.close().await;
    Ok(filled)
}

async fn insert(database: &Database, rows: Vec<Vec<Value>>) -> Result<()> {
    let mut tx = database.begin().await?;
    match database.engine() {
        Engine::Sqlite => tx.insert(&format!("INSERT INTO events ({COLUMNS}) VALUES"), rows, "").await?,
        Engine::Postgres => {
            // The columns are of types that a bound value is not: a view of it is.
            let head = format!(
                "INSERT INTO events ({COLUMNS}) SELECT position, aggregate_type, aggregate_id, sequence, event_type, \
                 event_version, payload::json, metadata::json, scope, scope_seq, tier::smallint, partition::smallint, \
                 actor, correlation_id, causation_id, command_key, recorded_at, digest FROM (VALUES"
            );
            tx.insert(&head, rows, &format!(") AS v ({COLUMNS})")).await?;
        }
    }
    Ok(tx.commit().await?)
}

fn row(filled: &Filled, position: u64, random: &mut Random) -> Vec<Value> {
    let mut rank = random.below(10_000);
    let (aggregate, event, _) = KINDS
        .into_iter()
        .find(|(_, _, share)| {
            let is_it = rank < *share;
            rank = rank.saturating_sub(*share);
            is_it
        })
        .unwrap_or(KINDS[0]);
    let actor = filled.actor(random);
    // Two processes whose clocks differ by a little.
    let skew = if random.below(2) == 0 { 0 } else { 150 };
    let payload = format!("{{\"type\":\"{event}\",\"by\":\"{actor}\",\"note\":\"{}\"}}", "x".repeat(240));
    let causation = (random.below(50) == 0).then(|| position.saturating_sub(1).max(1));
    vec![
        position.into(),
        aggregate.into(),
        id(3, position).to_string().into(),
        1_u64.into(),
        event.into(),
        "1".into(),
        payload.into(),
        "{}".into(),
        filled.scope(random).into(),
        position.into(),
        0_u64.into(),
        (position % 16).into(),
        actor.into(),
        id(4, position).into(),
        causation.into(),
        position.to_string().into(),
        (BEGIN + STEP * position as i64 - skew).into(),
        vec![7_u8; 32].into(),
    ]
}

/// Fills the index from the log, as the server does.
pub(crate) async fn index(index: &AuditIndex, store: &EventStore) -> Result<()> {
    let mut at = index.begin(store).await?;
    loop {
        let next = index.advance(store, at, 1_000).await?;
        if next == at {
            return Ok(());
        }
        at = next;
    }
}

/// Does what an engine does by itself after a while.
pub(crate) async fn settle(read_models: &Database) -> Result<()> {
    if read_models.engine() == Engine::Postgres {
        read_models.execute(query("VACUUM ANALYZE audit_events")).await?;
    }
    Ok(())
}
