//! Readers who stall: some members of each room stop reading for a while, while the others post at an even rate. What the
//! others feel, what it takes of the server's memory, and whether those who stalled miss anything in the end.

mod figures;
mod reader;
mod readers;

use crate::{
    machine::Disk,
    progress,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    traffic::{
        self, Measured, Pace, Posting,
        oracle::Oracle,
        seed::{self, Layout, Seeded},
    },
};
use anyhow::{Result, ensure};
use clap::Args;
use figures::{Figures, Stalled};
use readers::Readers;
use std::{sync::Arc, time::Duration};

/// Some members of each room stop reading while the others post.
#[derive(Args, Clone, Debug)]
pub(crate) struct Slow {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    posting: Pace,
    /// Sockets that post.
    #[arg(long, default_value_t = 40)]
    users: usize,
    /// Members of each room who post.
    #[arg(long, default_value_t = 20)]
    room: usize,
    /// Further members of each room, who stall.
    #[arg(long, default_value_t = 10)]
    stalled: usize,
    /// Seconds for which they read nothing.
    #[arg(long, default_value_t = 40)]
    stall: u64,
}

impl Scenario for Slow {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        traffic::check_rooms(("--users", self.users), ("--room", self.room))?;
        ensure!(self.stalled > 0 && self.stall > 0, "--stalled and --stall must be at least 1");
        self.posting.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let Self { posting: pace, users, room, stalled, .. } = self;
        let layout = Layout::groups(&vec![*room; users / room]).with_more(*stalled);
        let seeded = Arc::new(seed::seed_as(server, &layout).await?);
        server.start().await?;
        let oracle = Oracle::new(seeded.rooms.len(), pace.content)?;
        let settle = Duration::from_secs(pace.settle);
        let stalling = *users..seeded.seats.len();
        let readers = Readers::gather(server.addresses(), Arc::clone(&seeded), stalling, settle).await?;
        let (posting, mut members) = Posting::connect(server, &seeded, pace.plan(*users, *room)).await?;
        let disk = Disk::probe(server.folder());
        let turns = members.unless_lost(self.turns(server, &posting, &readers, &seeded)).await?;
        let seen = readers.finish(sent(&posting, &seeded)).await?;
        let disk_sync = disk.stop();
        let stalled = Stalled::judge(seen, layout.places.len() - users, posting.board(), &seeded);
        let verdict = posting.judge(members, &oracle, server, &seeded).await?;
        let [alone, stalling, after] = turns;
        Figures { alone, stalling, after, stalled, disk_sync, verdict }.report(self)
    }
}

impl Slow {
    async fn turns(
        &self,
        server: &Server,
        posting: &Posting,
        readers: &Readers,
        seeded: &Seeded,
    ) -> Result<[Measured; 3]> {
        let Pace { rate, warm_up, measure, .. } = self.posting;
        posting.open(f64::from(rate), warm_up).await;
        let alone = self.turn("all read", measure, server, posting).await?;
        readers.stall();
        let stalling = self.turn("some stall", self.stall, server, posting).await?;
        readers.catch_up(sent(posting, seeded));
        let after = self.turn("they catch up", measure, server, posting).await?;
        Ok([alone, stalling, after])
    }

    async fn turn(&self, name: &str, seconds: u64, server: &Server, posting: &Posting) -> Result<Measured> {
        let open = posting.open(f64::from(self.posting.rate), seconds);
        let open = progress::during(name, Duration::from_secs(seconds), open);
        let (measured, ()) = posting.during(server, open).await?;
        Ok(measured)
    }
}

/// The number of messages that were sent into each room.
fn sent(posting: &Posting, seeded: &Seeded) -> Arc<[usize]> {
    let mut counts = vec![0; seeded.rooms.len()];
    for message in posting.board().messages().iter().filter(|message| message.refused.is_none()) {
        counts[seeded.seats[message.sender].room] += 1;
    }
    counts.into()
}
