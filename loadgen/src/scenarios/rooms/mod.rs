//! Rooms of people who post: each message is delivered to every member of its room, the sender included.
//!
//! *Closed*: everybody has one message outstanding, and sends the next when the last has arrived everywhere.
//! *Open*: a fixed number of messages a second, round robin, without waiting for answers.

mod failure;
mod figures;

use crate::{
    machine::Disk,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    traffic::{self, Plan, Posting, oracle::Oracle, seed},
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
    /// Sockets, one per user.
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// Members of each room.
    #[arg(long, default_value_t = 10)]
    room: usize,
    /// Bytes of each message's content.
    #[arg(long, default_value_t = 200)]
    content: usize,
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

impl Scenario for Rooms {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        traffic::check_rooms(("--users", self.users), ("--room", self.room))?;
        traffic::check_content(self.content)?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let seeded = seed::seed(server, &vec![self.room; self.users / self.room]).await?;
        let oracle = Oracle::new(seeded.rooms.len())?;
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
}

impl Rooms {
    async fn once(&self, server: &Server, seeded: &seed::Seeded, oracle: &Oracle, first: usize) -> Result<Run> {
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
                Some(rate) => posting.open(rate, seconds).await,
            }
        };
        let disk = Disk::probe(server.folder());
        let measured = async {
            sleep(Duration::from_secs(self.warm_up)).await;
            let (begun, before) = (Instant::now(), server.usage()?);
            board.silence().begin(begun);
            eprintln!("measuring");
            let measured = async {
                sleep(Duration::from_secs(self.measure)).await;
                let measured = (begun..Instant::now(), [before, server.usage()?]);
                board.stop();
                anyhow::Ok(measured)
            };
            let (measured, struck) = tokio::join!(measured, self.failures.strike(server, begun));
            struck?;
            measured
        };
        let all = async { tokio::join!(load, measured).1 };
        let (window, usage) = members.unless_lost(all).await?;
        let disk = disk.stop();
        let verdict = posting.judge(members, oracle, server, seeded).await?;
        Ok(Run::new(board, &window, &usage, disk, &self.failures, verdict))
    }
}
