//! What the size of the log costs: people post until there are so many messages, stage by stage; at each stage first pages are
//! asked for, and messages are posted at an even rate.

mod figures;
mod questions;

use crate::{
    machine::Disk,
    progress,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    text::Content,
    traffic::{
        self, Plan, Posting,
        oracle::Oracle,
        seed::{self, Seeded},
    },
};
use anyhow::{Result, ensure};
use clap::Args;
use figures::{Figures, Stage};
use questions::Asking;
use std::time::Duration;
use tokio::time::sleep;

/// First pages, and posting, as the log grows.
#[derive(Args, Clone, Debug)]
pub(crate) struct Growth {
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
    /// Messages in the log at each stage; several, with commas between them.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    stages: Vec<usize>,
    /// First pages of each kind at each stage.
    #[arg(long, default_value_t = 100)]
    requests: usize,
    /// Messages a second while the cost of posting is measured.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// Seconds of that.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// Time limit of the last answers and deliveries of a stage (seconds).
    #[arg(long, default_value_t = 120)]
    settle: u64,
}

impl Scenario for Growth {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        traffic::check_rooms(("--users", self.users), ("--room", self.room))?;
        ensure!(self.stages.is_sorted() && self.rate > 0.0, "--stages must rise, and --rate be positive");
        self.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let seeded = seed::seed(server, &vec![self.room; self.users / self.room]).await?;
        server.start().await?;
        let oracle = Oracle::new(seeded.rooms.len(), self.content)?;
        let disk = Disk::probe(server.folder());
        let (mut stages, mut sent) = (Vec::new(), 0);
        for wanted in &self.stages {
            let stage = self.stage(*wanted, sent, server, &seeded, &oracle).await?;
            sent = stage.messages;
            stages.push(stage);
        }
        Figures { stages, disk_sync: disk.stop() }.report(self)
    }
}

impl Growth {
    /// Goes on from `sent` messages to so many.
    async fn stage(
        &self,
        wanted: usize,
        sent: usize,
        server: &Server,
        seeded: &Seeded,
        oracle: &Oracle,
    ) -> Result<Stage> {
        let plan = Plan::open(self.users, self.room, self.content, self.settle);
        let (posting, mut members) = Posting::connect(server, seeded, Plan { first: sent, ..plan }).await?;
        let asking = Asking::new(server, seeded)?;
        let measured = async {
            eprintln!("posting up to {wanted} messages");
            let (filling, ()) = posting.during(server, fill(&posting, wanted.saturating_sub(sent))).await?;
            let caught_up_after = asking.catch_up().await?;
            eprintln!("first pages");
            let in_each = (sent + posting.board().messages().len()) / seeded.rooms.len();
            let answers = asking.all(self.requests, in_each).await?;
            let open = posting.open(self.rate, self.measure);
            let open = progress::during("posting", Duration::from_secs(self.measure), open);
            let (open, ()) = posting.during(server, open).await?;
            anyhow::Ok((filling, caught_up_after, answers, open))
        };
        let (filling, caught_up_after, answers, open) = members.unless_lost(measured).await?;
        let messages = sent + posting.board().messages().len();
        let verdict = posting.judge(members, oracle, server, seeded).await?;
        Ok(Stage { wanted, messages, filling, caught_up_after, answers, open, verdict })
    }
}

/// Posts in a closed loop until there are so many messages.
async fn fill(posting: &Posting, count: usize) {
    let board = posting.board();
    board.close_loop(count > 0);
    board.first_send(count);
    while board.messages().len() < count {
        sleep(Duration::from_millis(5)).await;
    }
    board.close_loop(false);
}
