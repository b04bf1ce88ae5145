//! The job of a reactor.

use super::{Checkpoints, Reactor, follow::follow};
use crate::Job;
use broker::{Broker, Interest};
use commands::Commands;
use domain::{Lane, Partition, Tier};
use tokio_util::sync::CancellationToken;

/// Runs a reactor under a lease of its own.
#[derive(Clone)]
pub struct React {
    pub reactor: Reactor,
    pub commands: Commands,
    pub broker: Broker,
    /// The log's number of partitions.
    pub partitions: u16,
    pub checkpoints: Checkpoints,
}

impl Job for React {
    fn name(&self) -> String {
        format!("reactor.{}", self.reactor.name())
    }

    async fn run(self, stop: CancellationToken) {
        let notifications = self.broker.subscribe(lanes(self.reactor.name(), self.partitions));
        stop.run_until_cancelled(follow(self.reactor, &self.commands, notifications, &self.checkpoints)).await;
    }
}

fn lanes(queue: &str, partitions: u16) -> Interest {
    let of_tier = |tier| (0..partitions).map(move |n| Lane { tier, partition: Partition(n) });
    Interest::Lanes { queue: queue.to_owned(), lanes: Tier::DURABLE.into_iter().flat_map(of_tier).collect() }
}
