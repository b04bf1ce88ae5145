//! Rooms of people who post: each message is delivered to every member of its room, the sender included. Direct
//! conversations are rooms of two.
//!
//! *Closed*: everybody has one message outstanding, and sends the next when the last has arrived everywhere.
//! *Open*: a fixed number of messages a second, round robin, without waiting for answers.

mod failure;
mod figures;

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
        seed::{self, Layout, Seeded},
    },
};
use anyhow::Result;
use clap::Args;
use failure::Failures;
use figures::Run;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Rooms of people who post: each message goes to every member of its room.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rooms {
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
    /// Open: so many messages a second. Without: closed.
    #[arg(long)]
    rate: Option<u32>,
    /// Seconds before measuring.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// Number of runs; the report ends with the medians.
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Time limit of the last acknowledgements and deliveries after the end of sending (seconds).
    #[arg(long, default_value_t = 60)]
    settle: u64,
    #[command(flatten)]
    failures: Failures,
}

/// Pairs of people who post into their direct conversations.
#[derive(Args, Clone, Debug)]
pub(crate) struct Direct {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    content: Content,
    /// Sockets, one per user.
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// Open: so many messages a second. Without: closed.
    #[arg(long)]
    rate: Option<u32>,
    /// Seconds before measuring.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// Number of runs; the report ends with the medians.
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Time limit of the last acknowledgements and deliveries after the end of sending (seconds).
    #[arg(long, default_value_t = 60)]
    settle: u64,
}

/// Rounds of posting, in rooms or direct conversations.
struct Rounds<'s> {
    target: &'s Target,
    content: Content,
    users: usize,
    room: usize,
    is_direct: bool,
    rate: Option<u32>,
    warm_up: u64,
    measure: u64,
    runs: usize,
    settle: u64,
    failures: &'s Failures,
}

impl Scenario for Rooms {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        traffic::check_rooms(("--users", self.users), ("--room", self.room))?;
        self.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let Self { target, content, users, room, rate, warm_up, measure, runs, settle, failures } = self;
        let rounds = Rounds {
            target,
            content: *content,
            users: *users,
            room: *room,
            is_direct: false,
            rate: *rate,
            warm_up: *warm_up,
            measure: *measure,
            runs: *runs,
            settle: *settle,
            failures,
        };
        rounds.run(server).await
    }
}

impl Scenario for Direct {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        traffic::check_rooms(("--users", self.users), ("two", 2))?;
        self.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let Self { target, content, users, rate, warm_up, measure, runs, settle } = self;
        let rounds = Rounds {
            target,
            content: *content,
            users: *users,
            room: 2,
            is_direct: true,
            rate: *rate,
            warm_up: *warm_up,
            measure: *measure,
            runs: *runs,
            settle: *settle,
            failures: &Failures::none(),
        };
        rounds.run(server).await
    }
}

impl Rounds<'_> {
    async fn run(&self, server: &Server) -> Result<Report> {
        let layout = Layout { is_direct: self.is_direct, ..Layout::groups(&vec![self.room; self.users / self.room]) };
        let seeded = seed::seed_as(server, &layout).await?;
        let oracle = Oracle::new(seeded.rooms.len(), self.content)?;
        let (mut runs, mut sent) = (Vec::new(), 0);
        for number in 1..=self.runs {
            // Starts what an earlier run killed.
            server.start().await?;
            self.failures.check(server, self.measure)?;
            eprintln!("run {number} of {}", self.runs);
            let run = self.once(server, &seeded, &oracle, sent).await?;
            sent += run.sent;
            runs.push(run);
        }
        figures::report(self, runs)
    }

    async fn once(&self, server: &Server, seeded: &Seeded, oracle: &Oracle, first: usize) -> Result<Run> {
        let plan = Plan::open(self.users, self.room, self.content, self.settle);
        let plan = Plan { is_closed_loop: self.rate.is_none(), first, ..plan };
        let (posting, mut members) = Posting::connect(server, seeded, plan).await?;
        let board = posting.board();
        let seconds = self.warm_up + self.measure;
        let load = async {
            match self.rate {
                None => {
                    board.everybody_sends();
                    sleep(Duration::from_secs(seconds)).await;
                }
                Some(rate) => posting.open(f64::from(rate), seconds).await,
            }
        };
        let disk = Disk::probe(server.folder());
        let [warm_up, lasts] = [self.warm_up, self.measure].map(Duration::from_secs);
        let measured = async {
            progress::during("warming up", warm_up, sleep(warm_up)).await;
            let sampler = server.sample().await?;
            let begun = Instant::now();
            board.silence().begin(begun);
            let measured = async {
                progress::during("measuring", lasts, sleep(lasts)).await;
                let window = begun..Instant::now();
                board.stop();
                anyhow::Ok((window, sampler.stop().await?))
            };
            let (measured, struck) = tokio::join!(measured, self.failures.strike(server, begun));
            struck?;
            measured
        };
        let all = async { tokio::join!(load, measured).1 };
        let (window, samples) = members.unless_lost(all).await?;
        let disk = disk.stop();
        let verdict = posting.judge(members, oracle, server, seeded).await?;
        Ok(Run::new(board, &window, &samples, disk, self.failures, verdict))
    }
}
