//! Rebuilds read models from the log into a shadow, swaps them in, and verifies live ones against a shadow.
//!
//! The same code writes both places. See `docs/adr/0006-one-projection-code-two-places.md`.

mod build;
mod shadow;
mod swap;
mod verify;

pub(crate) use shadow::Shadow;
#[cfg(test)]
pub(crate) use verify::columns;
pub use verify::{Difference, DifferenceKind};

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

/// How to rebuild or verify.
pub struct RebuildOptions {
    /// How many partitions are read side by side.
    pub jobs: u16,
    /// The most events read per second.
    pub max_rate: Option<u32>,
    /// Whether the shadow takes the place of the live tables when it is full.
    pub swap: bool,
    /// Fill a place that is not meant to take the live one's, instead.
    pub aside: Option<Aside>,
    /// Told how many events were read so far.
    pub report: Box<dyn Fn(u64) + Send + Sync>,
    /// The clock that stamps parked events.
    pub clock: fn() -> Timestamp,
}

/// A place of its own for a part of the log: made anew each time, and never swapped in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Its name, of the form `[a-z0-9_]+`: the schema `chatchit_shadow_aside_<name>`, or a file beside the live one.
    pub name: String,
    /// The last position; `None` is the log's head.
    pub until: Option<Position>,
    /// Only the events of this scope.
    pub scope: Option<Uuid>,
}

impl RebuildOptions {
    /// One job, no limit, with a swap, in silence.
    #[must_use]
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self { jobs: 1, max_rate: None, swap: true, aside: None, report: Box::new(|_| ()), clock }
    }
}

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The position up to which the log was read.
    pub position: Position,
    /// Whether the live tables were replaced; else the shadow stays.
    pub swapped: bool,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many rows were compared.
    pub rows: u64,
    /// How many differences were handed out.
    pub differences: u64,
}

/// Fills a shadow of the live read models from the log and puts it in their place. Live workers may go on
/// meanwhile. Stopped by its token, it leaves the live tables untouched; called again, it goes on.
///
/// # Errors
/// [`Error::Stopped`], or when log or read models are away.
pub async fn rebuild(
    store: &EventStore,
    live: &Location,
    projections: &[Projection],
    options: RebuildOptions,
    token: CancellationToken,
) -> Result<Rebuilt, Error> {
    let connections = u32::from(options.jobs.max(1)) + 1;
    let shadow = match &options.aside {
        None => Shadow::open(live, "rebuild", connections).await?,
        Some(aside) => Shadow::open_empty(live, &format!("aside_{}", aside.name), connections).await?,
    };
    let swap = options.swap && options.aside.is_none();
    let until = options.aside.as_ref().and_then(|aside| aside.until);
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
    // What was appended meanwhile, so that the workers need not wait long for the rest.
    position = store.head().await?.position;
    build.run(&up_to(store, projections, position)).await?;
    let database = Database::connect_for(live, 1, Limits::BULK).await?;
    let ensured = checkpoint::ensure(&database, store, projections).await;
    database.close().await;
    ensured?;
    swap::swap(live, shadow, build).await?;
    Ok(Rebuilt { position, swapped: true })
}

/// Fills a shadow up to where the live read models are, and compares each table with it, row by row and column by
/// column. Each difference is handed to `found`. Live workers may go on meanwhile.
///
/// # Errors
/// [`Error::Stopped`], or when log or read models are away.
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
    // Most of the way without holding a snapshot, then the rest up to exactly what the snapshot shows.
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
        scope: options.aside.and_then(|aside| aside.scope),
        pace: Arc::new(Pace::new(options.max_rate, options.report)),
        token,
    }
}

/// All events up to `position`, in every lane.
fn up_to(store: &EventStore, projections: &[Projection], position: Position) -> Checkpoints {
    let end = Checkpoint { number: 0, marks: Marks { high: position, medium: position } };
    let partitions = move |projection: &Projection| {
        let projection = *projection;
        (0..store.partitions()).map(move |partition| ((projection, Partition(partition)), end))
    };
    projections.iter().flat_map(partitions).collect()
}
