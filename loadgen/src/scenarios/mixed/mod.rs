//! A day in a chat app: people send, edit, react, read, type, set their presence, look at the history, search, share files and
//! call, in a stated proportion, at an even rate.

mod calls;
mod day;
mod figures;
mod mix;
mod requests;

use crate::{
    machine::Disk,
    progress,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    text::Content,
    traffic::{
        self, Measured, Plan, Posting,
        oracle::Oracle,
        seed::{self, Seeded},
    },
};
use anyhow::{Context, Result, ensure};
use calls::Calls;
use clap::Args;
use day::{Day, UnderWay};
use figures::Figures;
use futures_util::StreamExt;
use mix::Mix;
use requests::Requests;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// All that people do in a chat app, in a stated proportion.
#[derive(Args, Clone, Debug)]
pub(crate) struct Mixed {
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
    /// All deeds together, a second.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// The deeds and their shares.
    #[arg(long, value_name = "NAME=SHARE,…", default_value = mix::DAY)]
    mix: Mix,
    /// Seconds before measuring.
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 30)]
    measure: u64,
    /// Time limit of the last answers and deliveries (seconds).
    #[arg(long, default_value_t = 120)]
    settle: u64,
}

impl Scenario for Mixed {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        ensure!(self.room > 1 && self.rate > 0.0, "--room must be at least 2, and --rate positive");
        traffic::check_rooms(("--users", self.users), ("--room", self.room))?;
        self.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let seeded = seed::seed(server, &vec![self.room; self.users / self.room]).await?;
        server.start().await?;
        let oracle = Oracle::new(seeded.rooms.len(), self.content)?;
        let plan = Plan::open(self.users, self.room, self.content, self.settle);
        let plan = Plan { with_ids: true, ..plan };
        let (posting, mut members) = Posting::connect(server, &seeded, plan).await?;
        let disk = Disk::probe(server.folder());
        let measured = members.unless_lost(self.measure(server, &seeded, &posting)).await;
        let disk_sync = disk.stop();
        let measured = measured?;
        let acts = posting.board().acts().figures();
        let verdict = posting.judge(members, &oracle, server, &seeded).await?;
        let resilience = posting.board().resilience().clone();
        Figures { measured, acts, disk_sync, resilience, verdict }.report(self)
    }
}

impl Mixed {
    async fn measure(&self, server: &Server, seeded: &Seeded, posting: &Posting) -> Result<Measured> {
        let door = *server.addresses().first().context("there is no gateway")?;
        let requests = Requests::new(server.addresses(), posting.board())?;
        let calls = Calls::prepare(door, seeded).await?;
        let day = Day::new(posting, seeded, self.room, (self.content, &self.mix), &requests, &calls);
        let mut under_way = UnderWay::new();
        let [warm_up, lasts] = [self.warm_up, self.measure].map(Duration::from_secs);
        let live = day.live(self.rate, self.warm_up, &mut under_way);
        progress::during("warming up", warm_up, live).await;
        posting.board().acts().measure(Instant::now());
        let live = progress::during("measuring", lasts, day.live(self.rate, self.measure, &mut under_way));
        let (measured, ()) = posting.during(server, live).await?;
        let settled = async {
            while under_way.next().await.is_some() {}
            while !posting.board().acts().is_settled() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(Duration::from_secs(self.settle), settled).await.is_err() {
            posting.board().fault(format!("commands or requests were not answered within {} s", self.settle));
        }
        for fault in calls.judge(door).await? {
            posting.board().fault(fault);
        }
        Ok(measured)
    }
}
