//! The cost of a reconnect storm: many sockets drop at once, miss some events, and come back by their cursors, while others
//! post at an even rate. Then presence is compared with the truth, before and after half of them leave.

mod crowd;
mod figures;
mod presence;

use crate::{
    machine::Disk,
    progress,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    traffic::{
        self, Measured, Pace, Posting,
        oracle::Oracle,
        seed::{self, Seeded},
    },
};
use anyhow::{Result, bail, ensure};
use clap::Args;
use crowd::{Crowd, Return};
use figures::Figures;
use std::{sync::Arc, time::Duration};

/// Longer than any storm (seconds).
const FOREVER: u64 = 24 * 60 * 60;

/// Many sockets drop at once, and come back to what they missed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Storm {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    posting: Pace,
    /// Sockets that drop at once and come back.
    #[arg(long, default_value_t = 1_000)]
    sockets: usize,
    /// Sockets of one room that drop. One more member stays, and posts what the others miss.
    #[arg(long, default_value_t = 10)]
    room: usize,
    /// Events that each of them misses.
    #[arg(long, default_value_t = 100)]
    gap: usize,
    /// Seconds over which they come back evenly; 0: all at the same moment.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    within: f64,
    /// Sockets that post all the time, in rooms of their own.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// Members of each of these rooms.
    #[arg(long, default_value_t = 10)]
    members: usize,
}

impl Scenario for Storm {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        traffic::check_rooms(("--users", self.users), ("--members", self.members))?;
        traffic::check_rooms(("--sockets", self.sockets), ("--room", self.room))?;
        ensure!(self.sockets > 0 && self.gap > 0, "--sockets and --gap must be at least 1");
        ensure!(self.within >= 0.0, "--within must not be negative");
        self.posting.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let Self { sockets, room, gap, within, users, members, .. } = *self;
        let mut sizes = vec![members; users / members];
        sizes.extend(vec![room + 1; sockets / room]);
        let seeded = seed::seed(server, &sizes).await?;
        server.start().await?;
        let (seeded, storming) = seeded.split(users / members);
        let storming = Arc::new(storming);
        let content = self.posting.content;
        let oracle = Oracle::new(seeded.rooms.len(), content)?;
        let oracle_of_storm = Oracle::new(storming.rooms.len(), content)?;
        let plan = self.posting.plan(users, members);
        let (posting, mut others) = Posting::connect(server, &seeded, plan).await?;
        let mut crowd = Crowd::gather(crowd::Plan {
            doors: server.addresses(),
            seeded: Arc::clone(&storming),
            room,
            gap,
            content,
            within: Duration::from_secs_f64(within),
            settle: Duration::from_secs(self.posting.settle),
        })?;
        let disk = Disk::probe(server.folder());
        let run = Run { settings: self, server, posting: &posting, seeded: &storming };
        let steps = others.unless_lost(run.steps(&mut crowd)).await;
        let disk_sync = disk.stop();
        // The crowd's own reason says more than that it ended.
        let storm = crowd.disperse()?;
        let steps = steps?;
        let verdicts = [
            posting.judge(others, &oracle, server, &seeded).await?,
            oracle_of_storm.check(server, &storming, &storm.board, storm.drained).await?,
        ];
        Figures::new(steps, storm.board.resilience().clone(), disk_sync, verdicts).report(self)
    }
}

struct Run<'s> {
    settings: &'s Storm,
    server: &'s Server,
    posting: &'s Posting,
    /// The people of the storm.
    seeded: &'s Seeded,
}

struct Steps {
    alone: Measured,
    meanwhile: Measured,
    back: Return,
    /// Statements of Postgres for each socket that came back, without those of posting.
    statements: Option<f64>,
    /// Seconds until presence was true, when all were back and when half of them had left. `None`: it never was.
    presence: [Option<f64>; 2],
}

impl Run<'_> {
    async fn steps(&self, crowd: &mut Crowd) -> Result<Steps> {
        let Storm { posting: Pace { rate, warm_up, measure, .. }, sockets, .. } = *self.settings;
        let rate = f64::from(rate);
        crowd.is_away().await?;
        self.posting.open(rate, warm_up).await;
        let posting = self.posting.open(rate, measure);
        let posting = progress::during("posting alone", Duration::from_secs(measure), posting);
        let (alone, (), quiet) = self.during(posting).await?;
        eprintln!("{sockets} sockets come back");
        let coming = async {
            tokio::select! {
                back = crowd.come_back() => back,
                () = self.posting.open(rate, FOREVER) => bail!("the sockets did not come back in a day"),
            }
        };
        let (meanwhile, back, busy) = self.during(coming).await?;
        let expected = quiet.map(|quiet| quiet * meanwhile.seconds / alone.seconds);
        let statements = busy.zip(expected).map(|(busy, expected)| (busy - expected).max(0.0) / sockets as f64);
        eprintln!("presence is to settle");
        let all = presence::settles(self.server, self.seeded, |_| true).await?;
        let left = crowd.half_leaves().await?;
        let half = presence::settles(self.server, self.seeded, |user| !left.contains(&user)).await?;
        Ok(Steps { alone, meanwhile, back: back?, statements, presence: [all, half] })
    }

    /// Does something while others post. Returns also the number of statements of Postgres.
    async fn during<T>(&self, work: impl Future<Output = T>) -> Result<(Measured, T, Option<f64>)> {
        let before = self.server.statements().await?;
        let counted = async {
            let done = work.await;
            (done, self.server.statements().await)
        };
        let (measured, (done, after)) = self.posting.during(self.server, counted).await?;
        let ran = after?.zip(before).map(|(after, before)| after.saturating_sub(before) as f64);
        Ok((measured, done, ran))
    }
}
