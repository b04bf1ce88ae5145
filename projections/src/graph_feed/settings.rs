//! The settings of a feeder, and its errors.

use broker::Broker;
use domain::Timestamp;
use event_store::{EventStore, OpenError, ReadError};
use graph::{Graph, GraphError};
use queries::QueryError;
use sql::Database;
use std::sync::Arc;

/// The settings of a feeder.
#[derive(Clone)]
pub struct GraphFeedSettings {
    pub store: EventStore,
    pub broker: Broker,
    /// The read models, kept current by workers of any process.
    pub database: Database,
    pub graph: Graph,
    /// Numbers epochs.
    pub clock: fn() -> Timestamp,
    /// Names the build of this process; a starting feeder applies the gaps of other builds.
    pub build: Arc<str>,
}

/// Why feeding stopped for now.
#[derive(Debug, thiserror::Error)]
pub(super) enum FeedError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Sql(#[from] sql::Error),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("the read models are not of this log yet")]
    NotReady,
}
