//! Traffic of most scenarios: people who post into rooms, and the oracle that compares what came of it with the log.

pub(crate) mod acts;
pub(crate) mod board;
mod bulk;
pub(crate) mod curve;
mod inbox;
pub(crate) mod member;
pub(crate) mod oracle;
pub(crate) mod pacer;
pub(crate) mod phase;
pub(crate) mod presence;
pub(crate) mod resilience;
pub(crate) mod seed;

pub(crate) use bulk::command;

use crate::{
    machine::{Cost, Spent, Track},
    server::Server,
    stats::{Latencies, Quantiles},
    text::Content,
};
use anyhow::{Result, bail, ensure};
use board::{Board, Turn};
use clap::Args;
use curve::{Point, curve};
use member::Member;
use oracle::{Oracle, Verdict};
use phase::Phase;
use seed::Seeded;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

/// How people post at an even rate: options of the command line.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Pace {
    #[command(flatten)]
    pub(crate) content: Content,
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
    /// Members of each room who post.
    pub(crate) room: usize,
    pub(crate) content: Content,
    /// Everybody sends the next message when the last has arrived everywhere.
    pub(crate) is_closed_loop: bool,
    /// The number of the first message: no two runs on a server share a number.
    pub(crate) first: usize,
    /// Messages get their ids from their senders.
    pub(crate) with_ids: bool,
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
    /// Messages that were due, acknowledgements and deliveries, a second of it.
    pub(crate) offered_per_second: f64,
    pub(crate) accepted_per_second: f64,
    pub(crate) deliveries_per_second: f64,
    /// Of the messages that were due, those that were refused for good, by code.
    pub(crate) refused: BTreeMap<String, usize>,
    pub(crate) send_to_refusal: Quantiles,
    /// Of each message the last of its deliveries.
    pub(crate) send_to_last_delivery: Quantiles,
    /// Seconds from the end until everything was answered and delivered; `None`: not within the time limit.
    pub(crate) settled_after: Option<f64>,
    /// For each thousand of the messages.
    pub(crate) cpu_seconds_per_1000: Spent,
    pub(crate) processes: Vec<Cost>,
    pub(crate) curve: Vec<Point>,
    pub(crate) usage: Vec<Track>,
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
    pub(crate) const fn open(users: usize, room: usize, content: Content, settle: u64) -> Self {
        Self { users, room, content, is_closed_loop: false, first: 0, with_ids: false, patience: None, settle }
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
            let member = Member::connect(&doors, seeded, user, plan.content).await?;
            let member = member.with_patience(plan.patience).with_ids(plan.with_ids);
            members.spawn_local(member.run(Rc::clone(&board), turns_of_member));
        }
        board.seat(turns, plan.is_closed_loop);
        Ok((Self { board, users: plan.users, settle: Duration::from_secs(plan.settle) }, Members(members)))
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// Posts at an even rate, without waiting for answers.
    pub(crate) async fn open(&self, rate: f64, seconds: u64) {
        let mut moments = pacer::moments(rate, pacer::count(rate, seconds));
        let mut users = (0..self.users).cycle();
        while let (Some(due), Some(user)) = (moments.recv().await, users.next()) {
            self.board.turn(user, Turn::Send(due));
        }
    }

    /// Lets each of the first so many users have one message outstanding for some seconds.
    pub(crate) async fn closed(&self, users: usize, lasts: Duration) {
        self.board.close_loop(true);
        self.board.first_send(users);
        tokio::time::sleep(lasts).await;
        self.board.close_loop(false);
    }

    /// Waits until everything is acknowledged and delivered; false after the time limit.
    pub(crate) async fn drained(&self) -> bool {
        timeout(self.settle, self.board.drained()).await.is_ok()
    }

    /// Does something, and measures the messages posted meanwhile.
    pub(crate) async fn during<T>(&self, server: &Server, work: impl Future<Output = T>) -> Result<(Measured, T)> {
        let sampler = server.sample().await?;
        let begun = Instant::now();
        let done = work.await;
        let window = begun..Instant::now();
        let samples = sampler.stop().await?;
        // The oracle finds what does not arrive.
        let settled_after = self.drained().await.then(|| window.end.elapsed().as_secs_f64());
        let messages = self.board.messages();
        let due = messages.iter().filter(|message| window.contains(&message.due));
        let (cpu_seconds_per_1000, processes) = samples.costs(due.clone().count());
        let seconds = (window.end - window.start).as_secs_f64();
        let per_second = |count: usize| count as f64 / seconds;
        let happened = |at: &&Instant| window.contains(*at);
        let (mut refused, mut refusals, mut last) = (BTreeMap::new(), Latencies::default(), Latencies::default());
        for message in due.clone() {
            if let Some((at, code)) = &message.refused {
                *refused.entry(code.clone()).or_default() += 1;
                refusals.record(*at - message.due);
            }
            if message.delivered.len() == self.board.fan_out() {
                last.extend(message.delivered.last().map(|at| *at - message.due));
            }
        }
        let measured = Measured {
            posting: Phase::of(due.clone()),
            seconds,
            offered_per_second: per_second(due.count()),
            accepted_per_second: per_second(
                messages.iter().filter_map(|message| message.acknowledged.as_ref()).filter(happened).count(),
            ),
            deliveries_per_second: per_second(
                messages.iter().flat_map(|message| &message.delivered).filter(happened).count(),
            ),
            refused,
            send_to_refusal: refusals.quantiles(),
            send_to_last_delivery: last.quantiles(),
            settled_after,
            cpu_seconds_per_1000,
            processes,
            curve: curve(&messages, &window),
            usage: samples.tracks(),
        };
        Ok((measured, done))
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
