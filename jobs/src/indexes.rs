//! Upkeep of what is derived from the log beside the projections: the audit index, the word index, the graph.

use crate::Job;
use event_store::EventStore;
use projections::{
    WordIndex,
    audit::{self, AuditIndex},
    graph_feed::{self, GraphFeedSettings},
};
use tokio_util::sync::CancellationToken;

/// Fills the audit index.
#[derive(Clone)]
pub struct IndexLog {
    pub index: AuditIndex,
    pub store: EventStore,
}

impl Job for IndexLog {
    fn name(&self) -> String {
        audit::NAME.to_owned()
    }

    fn run(self, stop: CancellationToken) -> impl Future<Output = ()> + Send {
        audit::run(self.index, self.store, stop)
    }
}

/// Reindexes texts that an older build indexed.
#[derive(Clone)]
pub struct IndexWords(pub WordIndex);

impl Job for IndexWords {
    fn name(&self) -> String {
        "words".to_owned()
    }

    fn run(self, stop: CancellationToken) -> impl Future<Output = ()> + Send {
        self.0.run(stop)
    }
}

/// Feeds the graph that all processes share.
#[derive(Clone)]
pub struct FeedGraph(pub GraphFeedSettings);

impl Job for FeedGraph {
    fn name(&self) -> String {
        "graph".to_owned()
    }

    fn run(self, stop: CancellationToken) -> impl Future<Output = ()> + Send {
        graph_feed::run(self.0, stop)
    }
}
