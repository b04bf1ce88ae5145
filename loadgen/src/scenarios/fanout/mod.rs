//! What the size of a room costs: rooms of 1, 10, 100 and 1,000 members, one after the other, each with a socket per member.
//!
//! Two turns of each: *open* (a few messages a second, for the latencies), *closed* (some members have one message outstanding
//! each, for the most deliveries a second).

mod figures;

use crate::{
    machine::Disk,
    progress,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    text::Content,
    traffic::{
        Plan, Posting,
        oracle::Oracle,
        seed::{self, Seeded},
    },
};
use anyhow::{Result, ensure};
use clap::Args;
use figures::{Figures, Size};
use std::time::Duration;

/// Rooms of growing size: the cost and the time of a delivery.
#[derive(Args, Clone, Debug)]
pub(crate) struct Fanout {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    content: Content,
    /// Members of the rooms; several, with commas between them.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1_000])]
    members: Vec<usize>,
    /// Open: messages a second.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Closed: the most members who have a message outstanding.
    #[arg(long, default_value_t = 10)]
    senders: usize,
    /// Seconds of each turn before it is measured.
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// Time limit of the last answers and deliveries of a turn (seconds).
    #[arg(long, default_value_t = 120)]
    settle: u64,
}

impl Scenario for Fanout {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        ensure!(self.members.iter().all(|members| *members > 0), "--members must be at least 1");
        ensure!(self.rate > 0.0 && self.senders > 0, "--rate and --senders must be positive");
        self.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let mut rest = seed::seed(server, &self.members).await?;
        server.start().await?;
        let disk = Disk::probe(server.folder());
        let mut sizes = Vec::new();
        for members in &self.members {
            let (seeded, others) = rest.split(1);
            rest = others;
            sizes.push(self.size(*members, server, &seeded).await?);
        }
        Figures { sizes, disk_sync: disk.stop() }.report(self)
    }
}

impl Fanout {
    async fn size(&self, members: usize, server: &Server, seeded: &Seeded) -> Result<Size> {
        let oracle = Oracle::new(1, self.content)?;
        let plan = Plan::open(members, members, self.content, self.settle);
        let (posting, mut connected) = Posting::connect(server, seeded, plan).await?;
        let lasts = Duration::from_secs(self.measure);
        let turn = |load: &str| format!("{members} members, {load}");
        let [open_turn, closed_turn] = ["open", "closed"].map(turn);
        let turns = async {
            posting.open(self.rate, self.warm_up).await;
            let open = posting.open(self.rate, self.measure);
            let open = progress::during(&open_turn, lasts, open);
            let (open, ()) = posting.during(server, open).await?;
            posting.closed(self.senders, Duration::from_secs(self.warm_up)).await;
            posting.drained().await;
            let closed = posting.closed(self.senders, lasts);
            let closed = progress::during(&closed_turn, lasts, closed);
            let (closed, ()) = posting.during(server, closed).await?;
            anyhow::Ok([open, closed])
        };
        let [open, closed] = connected.unless_lost(turns).await?;
        let verdict = posting.judge(connected, &oracle, server, seeded).await?;
        Ok(Size { members, open, closed, verdict })
    }
}
