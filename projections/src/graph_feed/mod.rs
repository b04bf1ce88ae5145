//! The feeder of the graph: it fills the graph from the read models, then keeps it current with the log.
//!
//! One feeder suffices for the graph in Redis, in any process; two do no harm. For the graph in memory, each process
//! runs its own.

mod changes;
mod fill;
mod follow;
mod gaps;
mod settings;

pub use settings::GraphFeedSettings;

use event_store::Position;
use graph::{Epoch, Graph, Marks};
use settings::FeedError;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause between attempts while the graph, the log or the read models are unavailable.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a first start may take to make the read models before a warning is logged.
const STARTING: Duration = Duration::from_secs(10);

/// Feeds the graph until `stop`, and retries while an engine is unavailable.
pub async fn run(settings: GraphFeedSettings, stop: CancellationToken) {
    let feeding = async {
        let (began, mut is_held_up) = (Instant::now(), false);
        loop {
            match turn(&settings, &mut is_held_up).await {
                // After a pause: two logs sharing a namespace would otherwise replace each other's graph without end.
                Ok(()) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    let is_starting = matches!(error, FeedError::NotReady) && began.elapsed() < STARTING;
                    if !is_starting && !std::mem::replace(&mut is_held_up, true) {
                        tracing::warn!(error.cause = %error, "The graph cannot be fed; trying again");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = feeding => (),
        () = stop.cancelled() => (),
    }
}

/// Fills the graph if there is none, and keeps it current until it is gone or replaced.
async fn turn(settings: &GraphFeedSettings, is_held_up: &mut bool) -> Result<(), FeedError> {
    let (epoch, marks) = match published(settings).await? {
        Some(published) => published,
        None => match fill::fill(settings).await? {
            Some(filled) => filled,
            None => return Ok(()),
        },
    };
    if std::mem::take(is_held_up) {
        tracing::info!("The graph is fed again");
    }
    changes::apply_gaps(settings, &epoch).await?;
    // Within the same task, so that a supervisor sees both end.
    let sweeping = async {
        sweep(&settings.graph).await;
        std::future::pending().await
    };
    tokio::select! {
        followed = follow::follow(settings, &epoch, marks) => followed,
        () = sweeping => Ok(()),
    }
}

/// The published epoch, unless it has events that this log does not have.
async fn published(settings: &GraphFeedSettings) -> Result<Option<(Epoch, Marks)>, FeedError> {
    let Some(epoch) = settings.graph.epoch().await? else { return Ok(None) };
    let marks = epoch.marks().await?;
    let furthest = furthest(&marks);
    if furthest > settings.store.head().await?.position {
        tracing::warn!(furthest, "The graph has events that the log does not have, and is filled again");
        return Ok(None);
    }
    Ok(Some((epoch, marks)))
}

fn furthest(marks: &Marks) -> Position {
    marks.lanes.values().copied().chain([marks.settled]).max().unwrap_or_default()
}

async fn sweep(graph: &Graph) {
    match graph.sweep().await {
        Ok(0) => (),
        Ok(keys) => tracing::info!(keys, "Removed keys of old graphs"),
        Err(error) => tracing::debug!(error.cause = %error, "Keys of old graphs could not be removed"),
    }
}
