//! The cost of typing indicators: a large room in which some people type, beside other rooms that post at an even rate.
//!
//! Pairs of turns: *alone* (posting), and *typing* (posting while people of the large room type).

mod crowd;
mod figures;
mod tally;

use crate::{
    machine::Disk,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Signals, Target},
    traffic::{self, Pace, Posting, oracle::Oracle, seed},
};
use anyhow::{Result, ensure};
use clap::Args;
use crowd::Crowd;
use figures::{Figures, Room, Turn};
use std::time::Duration;
use tokio::time::sleep;

/// The time between the first typing and the measurement.
const AHEAD: Duration = Duration::from_secs(1);

/// Posting while others type in a large room.
#[derive(Args, Clone, Debug)]
pub(crate) struct Typing {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    posting: Pace,
    /// Members of the large room, each with a socket.
    #[arg(long, default_value_t = 200)]
    room: usize,
    /// Members who type.
    #[arg(long, default_value_t = 20)]
    typists: usize,
    /// `typing.start` commands of each of them per second.
    #[arg(long, default_value_t = 2.0)]
    pace: f64,
    /// Sockets that post, in rooms of their own.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// Members of each of these rooms.
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// Number of pairs of turns; the report ends with the medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

impl Scenario for Typing {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        let Self { room, typists, pace, users, members, .. } = *self;
        traffic::check_rooms(("--users", users), ("--members", members))?;
        ensure!(0 < typists && typists < room, "--typists must be fewer than the members of the --room");
        ensure!(pace > 0.0, "--pace must be positive");
        self.posting.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let Self { room, typists, pace, users, members, .. } = *self;
        let mut sizes = vec![members; users / members];
        sizes.push(room);
        let seeded = seed::seed(server, &sizes).await?;
        server.start().await?;
        let (seeded, large) = seeded.split(users / members);
        let oracle = Oracle::new(seeded.rooms.len(), self.posting.content)?;
        let plan = self.posting.plan(users, members);
        let (posting, mut others) = Posting::connect(server, &seeded, plan).await?;
        let admin = large.admin.clone();
        let pace = Duration::from_secs_f64(pace.recip());
        let crowd = Crowd::gather(server.addresses(), large, typists, pace).await?;
        let disk = Disk::probe(server.folder());
        let run = Run { settings: self, server, posting: &posting, crowd: &crowd, admin: admin.as_deref() };
        let turns = others.unless_lost(run.turns()).await;
        let disk_sync = disk.stop();
        // The crowd's own reason says more than that it ended.
        crowd.disperse()?;
        let turns = turns?;
        let verdict = posting.judge(others, &oracle, server, &seeded).await?;
        Figures::new(turns, disk_sync, verdict).report(self)
    }
}

struct Run<'s> {
    settings: &'s Typing,
    server: &'s Server,
    posting: &'s Posting,
    crowd: &'s Crowd,
    admin: Option<&'s str>,
}

impl Run<'_> {
    async fn turns(&self) -> Result<Vec<[Turn; 2]>> {
        let Typing { posting: Pace { rate, warm_up, .. }, runs, .. } = *self.settings;
        self.posting.open(f64::from(rate), warm_up).await;
        let mut turns = Vec::new();
        for number in 1..=runs {
            eprintln!("run {number} of {runs}: posting alone");
            let alone = self.turn().await?;
            eprintln!("run {number} of {runs}: posting while others type");
            self.crowd.tally().types(true);
            sleep(AHEAD).await;
            let typing = self.turn().await?;
            self.crowd.tally().types(false);
            turns.push([alone, typing]);
        }
        Ok(turns)
    }

    /// Posts for the measured time, and measures that and the signals of the large room.
    async fn turn(&self) -> Result<Turn> {
        let Pace { rate, measure, .. } = self.settings.posting;
        let (counted, before) = (self.signals().await?, self.crowd.tally().count().clone());
        let work = async {
            self.posting.open(f64::from(rate), measure).await;
            self.crowd.tally().count().clone()
        };
        let (measured, after) = self.posting.during(self.server, work).await?;
        let signals = self.signals().await?.since(&counted);
        Ok(Turn { room: Room::between(&before, &after, measured.seconds), measured, signals })
    }

    async fn signals(&self) -> Result<Signals> {
        self.server.signals(self.admin).await
    }
}
