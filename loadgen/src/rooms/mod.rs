//! Rooms of people who post: each message goes to every member of its room, the sender included.
//!
//! *Closed*: everybody has one message outstanding, and sends the next when all deliveries of the last have arrived.
//! *Open*: so many messages a second, round robin, not waiting for anything.

pub(crate) mod board;
mod bulk;
pub(crate) mod failure;
mod inbox;
pub(crate) mod member;
pub(crate) mod oracle;
mod report;
pub(crate) mod resilience;
pub(crate) mod seed;

use crate::{
    machine::Disk,
    server::{Server, Target},
};
use anyhow::{Result, anyhow, bail, ensure};
use board::Board;
use clap::Args;
use failure::Failures;
use member::Member;
use oracle::Oracle;
use report::{Report, Run};
use seed::Seeded;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, LocalSet},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// What to load, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
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
    /// How often; the report ends with the medians.
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Seconds that the last acknowledgements and deliveries may take once nobody sends any more.
    #[arg(long, default_value_t = 60)]
    settle: u64,
    #[command(flatten)]
    failures: Failures,
}

/// Loads the server; whether the oracle found nothing wrong.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    ensure!(settings.room > 0 && settings.users.is_multiple_of(settings.room), "--users must be a multiple of --room");
    ensure!(settings.content >= member::MARK, "--content must be at least {}", member::MARK);
    let server = Server::reserve(&settings.target).await?;
    let runs = tokio::select! {
        runs = load(&settings, &server) => runs,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    server.stop().await?;
    let report = Report::new(&settings, runs?);
    report.print(json)?;
    Ok(report.is_clean())
}

async fn load(settings: &Settings, server: &Server) -> Result<Vec<Run>> {
    let seeded = Rc::new(seed::seed(server, &vec![settings.room; settings.users / settings.room]).await?);
    let oracle = Oracle::new(seeded.rooms.len())?;
    let (mut runs, mut sent) = (Vec::new(), 0);
    for number in 1..=settings.runs {
        // What an earlier run killed is there again.
        server.start().await?;
        settings.failures.check(server, settings.measure)?;
        eprintln!("run {number} of {}", settings.runs);
        let board = Rc::new(Board::new(settings.room, sent));
        let local = LocalSet::new();
        runs.push(local.run_until(once(settings, server, &seeded, &board, &oracle)).await?);
        sent += board.messages().len();
    }
    Ok(runs)
}

async fn once(
    settings: &Settings,
    server: &Server,
    seeded: &Rc<Seeded>,
    board: &Rc<Board>,
    oracle: &Oracle,
) -> Result<Run> {
    let mut members = JoinSet::new();
    let mut turns = Vec::new();
    let doors = server.addresses();
    for user in 0..settings.users {
        let (turn, turns_of_member) = mpsc::unbounded_channel();
        turns.push(turn);
        let member = Member::connect(&doors, seeded, user, settings.content).await?;
        members.spawn_local(member.run(Rc::clone(board), turns_of_member));
    }
    board.seat(turns, settings.rate.is_none());

    let load = async {
        match settings.rate {
            None => board.everybody_sends(),
            Some(rate) => open(board, rate, settings.users, settings.warm_up + settings.measure).await,
        }
        if settings.rate.is_none() {
            sleep(Duration::from_secs(settings.warm_up + settings.measure)).await;
        }
    };
    let disk = Disk::probe(server.folder());
    let measured = async {
        sleep(Duration::from_secs(settings.warm_up)).await;
        let (begun, before) = (Instant::now(), server.usage()?);
        board.silence().begin(begun);
        eprintln!("measuring");
        let measured = async {
            sleep(Duration::from_secs(settings.measure)).await;
            let measured = (begun..Instant::now(), [before, server.usage()?]);
            board.stop();
            anyhow::Ok(measured)
        };
        let (measured, struck) = tokio::join!(measured, settings.failures.strike(server, begun));
        struck?;
        measured
    };
    let all = async { tokio::join!(load, measured).1 };
    let (window, usage) = tokio::select! {
        measured = all => measured?,
        failed = members.join_next() => bail!("a socket ended in the middle of the run: {failed:?}"),
    };
    let disk = disk.stop();
    let drained = tokio::select! {
        drained = timeout(Duration::from_secs(settings.settle), board.drained()) => drained.is_ok(),
        failed = members.join_next() => bail!("a socket ended before its last deliveries: {failed:?}"),
    };
    members.shutdown().await;
    let verdict = oracle.check(server, seeded, board, drained).await?;
    Ok(Run::new(board, &window, &usage, disk, &settings.failures, verdict))
}

/// Hands out turns at an even pace for some seconds, whatever comes back.
pub(crate) async fn open(board: &Board, rate: u32, users: usize, seconds: u64) {
    let begun = Instant::now();
    let total = u64::from(rate) * seconds;
    let mut ticks = interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut sent = 0;
    while sent < total {
        ticks.tick().await;
        let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        while sent < due.min(total) {
            board.turn(sent as usize % users);
            sent += 1;
        }
    }
}
