//! Load beyond what the server can take: what it accepts, what it refuses and how soon, and how it recovers.
//!
//! The saturation is measured in a closed loop. Then messages are offered at multiples of it, each time followed by posting at
//! half of it. What is refused for now is given up there, and not sent again.

mod figures;

use crate::{
    machine::Disk,
    progress,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    text::Content,
    traffic::{self, Plan, Posting, oracle::Oracle, seed},
};
use anyhow::{Result, ensure};
use clap::Args;
use figures::{Figures, Turn};
use std::time::Duration;

/// The part of the saturation that is offered before and after an overload.
const HALF: f64 = 0.5;

/// Messages at multiples of what the server can take.
#[derive(Args, Clone, Debug)]
pub(crate) struct Overload {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    content: Content,
    /// Sockets, one per user.
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// Members of each room.
    #[arg(long, default_value_t = 10)]
    room: usize,
    /// Offer so many times the saturation; several, with commas between them.
    #[arg(long, value_delimiter = ',', default_values_t = [2.0, 4.0])]
    times: Vec<f64>,
    /// Seconds before measuring.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// Time limit of the last answers and deliveries of a turn (seconds).
    #[arg(long, default_value_t = 120)]
    settle: u64,
}

impl Scenario for Overload {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        traffic::check_rooms(("--users", self.users), ("--room", self.room))?;
        ensure!(self.times.iter().all(|times| *times > 0.0), "--times must be positive");
        self.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let seeded = seed::seed(server, &vec![self.room; self.users / self.room]).await?;
        server.start().await?;
        let oracle = Oracle::new(seeded.rooms.len(), self.content)?;
        let plan = Plan::open(self.users, self.room, self.content, self.settle);
        let (posting, mut members) = Posting::connect(server, &seeded, plan).await?;
        let disk = Disk::probe(server.folder());
        let turns = members.unless_lost(self.turns(server, &posting)).await;
        let disk_sync = disk.stop();
        let turns = turns?;
        let verdict = posting.judge(members, &oracle, server, &seeded).await?;
        let resilience = posting.board().resilience().clone();
        Figures { turns, disk_sync, resilience, verdict }.report(self)
    }
}

impl Overload {
    async fn turns(&self, server: &Server, posting: &Posting) -> Result<Vec<Turn>> {
        let [warm_up, lasts] = [self.warm_up, self.measure].map(Duration::from_secs);
        progress::during("warming up", warm_up, posting.closed(self.users, warm_up)).await;
        posting.drained().await;
        let closed = progress::during("the saturation", lasts, posting.closed(self.users, lasts));
        let (saturation, ()) = posting.during(server, closed).await?;
        let limit = saturation.accepted_per_second;
        ensure!(limit > 0.0, "the server accepted nothing");
        let mut turns = vec![Turn { name: "saturation".to_owned(), measured: saturation }];
        posting.board().refuse_for_good(true);
        turns.push(self.offer("before", limit * HALF, server, posting).await?);
        for times in &self.times {
            turns.push(self.offer(&format!("{times} times"), limit * times, server, posting).await?);
            turns.push(self.offer(&format!("after {times} times"), limit * HALF, server, posting).await?);
        }
        posting.board().refuse_for_good(false);
        Ok(turns)
    }

    async fn offer(&self, name: &str, rate: f64, server: &Server, posting: &Posting) -> Result<Turn> {
        let offered = posting.open(rate, self.measure);
        let what = format!("{name}: {rate:.0} messages/s");
        let offered = progress::during(&what, Duration::from_secs(self.measure), offered);
        let (measured, ()) = posting.during(server, offered).await?;
        Ok(Turn { name: name.to_owned(), measured })
    }
}
