//! Traffic of most scenarios: people who post into rooms, and the oracle that compares what came of it with the log.

pub(crate) mod board;
mod bulk;
mod inbox;
pub(crate) mod member;
pub(crate) mod oracle;
pub(crate) mod phase;
pub(crate) mod presence;
pub(crate) mod resilience;
pub(crate) mod seed;

pub(crate) use bulk::command;

use crate::{
    machine::{self, Cost, Spent},
    server::Server,
};
use anyhow::{Result, bail, ensure};
use board::Board;
use clap::Args;
use member::{MARK, Member};
use oracle::{Oracle, Verdict};
use phase::Phase;
use seed::Seeded;
use serde::Serialize;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

/// How people post at an even rate: options of the command line.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes of each message's content.
    #[arg(long, default_value_t = 200)]
    pub(crate) content: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    pub(crate) rate: u32,
    /// Seconds of posting before anything is measured.
    #[arg(long, default_value_t = 3)]
    pub(crate) warm_up: u64,
    /// Seconds of each measured turn.
    #[arg(long, default_value_t = 10)]
    pub(crate) measure: u64,
    /// Time limit of the last acknowledgements and deliveries of a turn (seconds).
    #[arg(long, default_value_t = 120)]
    pub(crate) settle: u64,
}

/// How people post.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The first so many of the seeded people post.
    pub(crate) users: usize,
    /// Members of each room.
    pub(crate) room: usize,
    /// Bytes of each message's content.
    pub(crate) content: usize,
    /// Everybody sends the next message when the last has arrived everywhere.
    pub(crate) is_closed_loop: bool,
    /// The number of the first message: no two runs on a server share a number.
    pub(crate) first: usize,
    /// A socket that owes an answer and is silent for so long is replaced.
    pub(crate) patience: Option<Duration>,
    /// The time limit of the last acknowledgements and deliveries (seconds).
    pub(crate) settle: u64,
}

pub(crate) struct Posting {
    board: Rc<Board>,
    users: usize,
    settle: Duration,
}

/// The tasks of people who post. None ends by itself.
pub(crate) struct Members(JoinSet<Result<()>>);

/// What was posted while something went on, and what that cost.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    pub(crate) posting: Phase,
    pub(crate) seconds: f64,
    /// For each thousand of the messages.
    pub(crate) cpu_seconds_per_1000: Spent,
    pub(crate) processes: Vec<Cost>,
}

pub(crate) fn check_content(content: usize) -> Result<()> {
    ensure!(content >= MARK, "--content must be at least {MARK}");
    Ok(())
}

/// Both are named as on the command line.
pub(crate) fn check_rooms((users, count): (&str, usize), (room, size): (&str, usize)) -> Result<()> {
    ensure!(size > 0 && count.is_multiple_of(size), "{users} must be a multiple of {room}");
    Ok(())
}

impl Pace {
    /// A plan of so many users in rooms of a size.
    pub(crate) const fn plan(&self, users: usize, room: usize) -> Plan {
        Plan::open(users, room, self.content, self.settle)
    }
}

impl Plan {
    /// Posting at an even rate.
    pub(crate) const fn open(users: usize, room: usize, content: usize, settle: u64) -> Self {
        Self { users, room, content, is_closed_loop: false, first: 0, patience: None, settle }
    }
}

impl Posting {
    pub(crate) async fn connect(server: &Server, seeded: &Seeded, plan: Plan) -> Result<(Self, Members)> {
        let board = Rc::new(Board::new(plan.room, plan.first));
        let (mut members, mut turns) = (JoinSet::new(), Vec::new());
        let doors = server.addresses();
        for user in 0..plan.users {
            let (turn, turns_of_member) = mpsc::unbounded_channel();
            turns.push(turn);
            let member = Member::connect(&doors, seeded, user, plan.content).await?.with_patience(plan.patience);
            members.spawn_local(member.run(Rc::clone(&board), turns_of_member));
        }
        board.seat(turns, plan.is_closed_loop);
        Ok((Self { board, users: plan.users, settle: Duration::from_secs(plan.settle) }, Members(members)))
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// Posts at an even rate, without waiting for answers.
    pub(crate) async fn open(&self, rate: u32, seconds: u64) {
        let begun = Instant::now();
        let total = u64::from(rate) * seconds;
        let mut ticks = interval(Duration::from_millis(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut sent = 0;
        while sent < total {
            ticks.tick().await;
            let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            while sent < due.min(total) {
                self.board.turn(sent as usize % self.users);
                sent += 1;
            }
        }
    }

    /// Waits until everything is acknowledged and delivered; false after the time limit.
    pub(crate) async fn drained(&self) -> bool {
        timeout(self.settle, self.board.drained()).await.is_ok()
    }

    /// Does something, and measures the messages posted meanwhile.
    pub(crate) async fn during<T>(&self, server: &Server, work: impl Future<Output = T>) -> Result<(Measured, T)> {
        let (begun, before) = (Instant::now(), server.usage()?);
        let done = work.await;
        let (window, after) = (begun..Instant::now(), server.usage()?);
        // The oracle finds what does not arrive.
        self.drained().await;
        let messages = self.board.messages();
        let sent = messages.iter().filter(|message| window.contains(&message.sent));
        let (cpu_seconds_per_1000, processes) = machine::costs(&before, &after, sent.clone().count());
        let seconds = (window.end - window.start).as_secs_f64();
        Ok((Measured { posting: Phase::of(sent), seconds, cpu_seconds_per_1000, processes }, done))
    }

    /// Ends the posting, and compares it with what the server stored.
    pub(crate) async fn judge(
        &self,
        mut members: Members,
        oracle: &Oracle,
        server: &Server,
        seeded: &Seeded,
    ) -> Result<Verdict> {
        self.board.stop();
        let drained = members.unless_lost(async { Ok(self.drained().await) }).await?;
        members.0.shutdown().await;
        oracle.check(server, seeded, &self.board, drained).await
    }
}

impl Members {
    /// Does something, unless a member is lost meanwhile.
    pub(crate) async fn unless_lost<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = work => done,
            lost = self.0.join_next() => bail!("a socket ended in the middle of the run: {lost:?}"),
        }
    }
}
