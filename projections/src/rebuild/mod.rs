//! Rebuilds read models from the log in a shadow, swaps them in, and verifies live ones against a shadow.
//!
//! The same code fills both. See `docs/adr/0006-one-projection-code-two-places.md`.

mod build;
mod shadow;
mod swap;
mod verify;

pub(crate) use shadow::Shadow;
pub use verify::{Difference, DifferenceKind, columns};

use crate::{
    Error, Projection,
    checkpoint::{self, Checkpoint, Checkpoints, checkpoints},
};
use broker::Marks;
use build::{Build, Pace};
use domain::{Partition, Timestamp};
use event_store::{EventStore, Position};
use sql::{Database, Limits, Location};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The options of a rebuild or a verification.
pub struct RebuildOptions {
    /// The number of concurrent readers of partitions.
    pub jobs: u16,
    /// The most events read per second.
    pub max_rate: Option<u32>,
    /// Whether the filled shadow replaces the live tables.
    pub swap: bool,
    /// Fill a partial shadow instead, which never replaces the live tables.
    pub partial: Option<PartialShadow>,
    /// Receives the number of events read so far.
    pub report: Box<dyn Fn(u64) + Send + Sync>,
    /// Stamps parked events.
    pub clock: fn() -> Timestamp,
}

/// A shadow of a part of the log, emptied first and never swapped in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialShadow {
    /// Its name, `[a-z0-9_]+`: the schema `chatchit_shadow_aside_<name>`, or a file beside the live one.
    pub name: String,
    /// The last position; `None`: the log's head.
    pub until: Option<Position>,
    /// Only the events of this scope.
    pub scope: Option<Uuid>,
}

impl RebuildOptions {
    /// One job, no rate limit, with a swap, without a report.
    #[must_use]
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self { jobs: 1, max_rate: None, swap: true, partial: None, report: Box::new(|_| ()), clock }
    }
}

/// The result of a rebuild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The position up to which the log was read.
    pub position: Position,
    /// Whether the live tables were replaced; otherwise the shadow stays.
    pub swapped: bool,
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The rows compared.
    pub rows: u64,
    /// The differences found.
    pub differences: u64,
}

/// Fills a shadow of the live read models from the log and replaces them. Live workers may run meanwhile. When
/// cancelled, it leaves the live tables unchanged; the next call continues.
///
/// # Errors
/// [`Error::Stopped`], or if the log or the read models are unavailable.
pub async fn rebuild(
    store: &EventStore,
    live: &Location,
    projections: &[Projection],
    options: RebuildOptions,
    token: CancellationToken,
) -> Result<Rebuilt, Error> {
    let connections = u32::from(options.jobs.max(1)) + 1;
    let shadow = match &options.partial {
        None => Shadow::open(live, "rebuild", connections).await?,
        Some(partial) => Shadow::open_empty(live, &format!("aside_{}", partial.name), connections).await?,
    };
    let swap = options.swap && options.partial.is_none();
    let until = options.partial.as_ref().and_then(|partial| partial.until);
    let build = build_of(store, &shadow, projections, options, token);
    match fill(store, live, projections, &shadow, &build, until, swap).await {
        Ok(rebuilt) if rebuilt.swapped => shadow.discard().await.map(|()| rebuilt),
        rebuilt => {
            shadow.keep().await;
            rebuilt
        }
    }
}

async fn fill(
    store: &EventStore,
    live: &Location,
    projections: &[Projection],
    shadow: &Shadow,
    build: &Build,
    until: Option<Position>,
    swap: bool,
) -> Result<Rebuilt, Error> {
    let head = store.head().await?.position;
    let mut position = until.map_or(head, |until| until.min(head));
    build.run(&up_to(store, projections, position)).await?;
    if !swap {
        return Ok(Rebuilt { position, swapped: false });
    }
    // The events appended meanwhile, so that the workers wait only briefly for the rest.
    position = store.head().await?.position;
    build.run(&up_to(store, projections, position)).await?;
    let database = Database::connect_for(live, 1, Limits::BULK).await?;
    let ensured = checkpoint::ensure(&database, store, projections).await;
    database.close().await;
    ensured?;
    swap::swap(live, shadow, build).await?;
    Ok(Rebuilt { position, swapped: true })
}

/// Fills a shadow up to the live read models' checkpoints and compares each table, row by row and column by column.
/// Passes each difference to `found`. Live workers may run meanwhile.
///
/// # Errors
/// [`Error::Stopped`], or if the log or the read models are unavailable.
pub async fn verify(
    store: &EventStore,
    live: &Location,
    projections: &[Projection],
    options: RebuildOptions,
    token: CancellationToken,
    found: &mut (dyn FnMut(Difference) + Send),
) -> Result<Verified, Error> {
    let shadow = Shadow::open_empty(live, "verify", u32::from(options.jobs.max(1)) + 1).await?;
    let database = Database::connect_for(live, 1, Limits::BULK).await?;
    let build = build_of(store, &shadow, projections, options, token);
    let verified = compare(&database, &shadow, &build, found).await;
    database.close().await;
    shadow.discard().await?;
    verified
}

async fn compare(
    database: &Database,
    shadow: &Shadow,
    build: &Build,
    found: &mut (dyn FnMut(Difference) + Send),
) -> Result<Verified, Error> {
    // Most of the way without a snapshot, then up to exactly the snapshot's checkpoints.
    build.run(&checkpoints(database).await?).await?;
    let mut live = database.begin_read().await?;
    let now = checkpoint::read(&mut live).await?;
    build.run(&now).await?;
    let mut built = shadow.database.begin_read().await?;
    let mut verified = Verified { rows: 0, differences: 0 };
    for projection in &build.projections {
        for table in projection.tables() {
            if build.token.is_cancelled() {
                return Err(Error::Stopped);
            }
            let mut count = |difference| {
                verified.differences += 1;
                found(difference);
            };
            verified.rows += verify::compare(*projection, *table, &mut live, &mut built, &mut count).await?;
        }
    }
    Ok(verified)
}

fn build_of(
    store: &EventStore,
    shadow: &Shadow,
    projections: &[Projection],
    options: RebuildOptions,
    token: CancellationToken,
) -> Build {
    Build {
        store: store.clone(),
        database: shadow.database.clone(),
        projections: projections.to_vec(),
        clock: options.clock,
        jobs: options.jobs,
        scope: options.partial.and_then(|partial| partial.scope),
        pace: Arc::new(Pace::new(options.max_rate, options.report)),
        token,
    }
}

/// Every lane up to `position`.
fn up_to(store: &EventStore, projections: &[Projection], position: Position) -> Checkpoints {
    let end = Checkpoint { number: 0, marks: Marks { high: position, medium: position } };
    let partitions = move |projection: &Projection| {
        let projection = *projection;
        (0..store.partitions()).map(move |partition| ((projection, Partition(partition)), end))
    };
    projections.iter().flat_map(partitions).collect()
}
