//! The job of a reactor.

use super::{Checkpoints, Reactor, follow::follow};
use crate::Job;
use broker::{Broker, Interest, Wake};
use commands::Commands;
use domain::Tier;
use tokio_util::sync::CancellationToken;

/// Runs a reactor under a lease of its own.
#[derive(Clone)]
pub struct React {
    pub reactor: Reactor,
    pub commands: Commands,
    pub broker: Broker,
    pub checkpoints: Checkpoints,
}

impl Job for React {
    fn name(&self) -> String {
        format!("reactor.{}", self.reactor.name())
    }

    async fn run(self, stop: CancellationToken) {
        let wake = Wake::For(self.reactor.wakes());
        let notifications = self.broker.subscribe(Interest::Tiers { tiers: Tier::DURABLE.to_vec(), wake });
        stop.run_until_cancelled(follow(self.reactor, &self.commands, notifications, &self.checkpoints)).await;
    }
}
