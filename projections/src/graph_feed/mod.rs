//! The graph's feeder: fills it from the read models, then keeps it up with the log.
//!
//! For the graph in Redis one feeder is enough, wherever it runs; two do no harm. For the graph in memory each process
//! runs its own.

mod fill;
mod follow;
mod gaps;

use broker::Broker;
use domain::Timestamp;
use event_store::{EventStore, OpenError, Position, ReadError};
use graph::{Epoch, Graph, GraphError, Marks};
use sql::Database;
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Between attempts while the graph, the log or the read models are away.
const PAUSE: Duration = Duration::from_millis(250);

/// What a feeder needs.
#[derive(Clone)]
pub struct GraphFeedSettings {
    /// The log.
    pub store: EventStore,
    /// The hints.
    pub broker: Broker,
    /// The read models, kept up by workers, here or elsewhere.
    pub database: Database,
    /// The graph.
    pub graph: Graph,
    /// The clock that numbers epochs.
    pub clock: fn() -> Timestamp,
    /// Names the build of this process: events that another one could not read are applied when feeding begins.
    pub build: Arc<str>,
}

/// Why feeding stopped for now.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Sql(#[from] sql::Error),
    #[error(transparent)]
    Query(#[from] crate::queries::QueryError),
    #[error("the read models are not of this log yet")]
    NotReady,
}

/// Feeds the graph until `stop`, whatever is away meanwhile.
pub async fn run(settings: GraphFeedSettings, stop: CancellationToken) {
    let feeding = async {
        let mut is_held_up = false;
        loop {
            match turn(&settings, &mut is_held_up).await {
                // Not at once: two logs that share a namespace would take it from each other without a pause.
                Ok(()) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    if !std::mem::replace(&mut is_held_up, true) {
                        tracing::warn!(error.cause = %error, "The graph is not fed");
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

/// Fills the graph if there is none, and keeps it up until it is gone or replaced.
async fn turn(settings: &GraphFeedSettings, is_held_up: &mut bool) -> Result<(), FeedError> {
    let (epoch, marks) = match standing(settings).await? {
        Some(standing) => standing,
        None => match fill::fill(settings).await? {
            Some(filled) => filled,
            None => return Ok(()),
        },
    };
    if std::mem::take(is_held_up) {
        tracing::info!("The graph is fed again");
    }
    gaps::fill(settings, &epoch).await?;
    let _sweeping = AbortOnDropHandle::new(tokio::spawn(sweep(settings.graph.clone())));
    follow::follow(settings, &epoch, marks).await
}

/// The epoch that is read, if it is of use: one that knows of events this log does not have is not.
async fn standing(settings: &GraphFeedSettings) -> Result<Option<(Epoch, Marks)>, FeedError> {
    let Some(epoch) = settings.graph.epoch().await? else { return Ok(None) };
    let marks = epoch.marks().await?;
    let furthest = furthest(&marks);
    if furthest > settings.store.head().await?.position {
        tracing::warn!(furthest, "The graph knows of events that the log does not have, and is made anew");
        return Ok(None);
    }
    Ok(Some((epoch, marks)))
}

fn furthest(marks: &Marks) -> Position {
    marks.lanes.values().copied().chain([marks.settled]).max().unwrap_or_default()
}

async fn sweep(graph: Graph) {
    match graph.sweep().await {
        Ok(0) => (),
        Ok(keys) => tracing::info!(keys, "Keys of old graphs were removed"),
        Err(error) => tracing::debug!(error.cause = %error, "Keys of old graphs were left behind"),
    }
}
