//! One account at the default limits does its worst, while two others talk: what they feel of it, and what memory it takes.

mod account;
mod acts;
mod report;
mod tally;
mod unread;

use crate::{
    rooms::{
        board::Board,
        failure::Phase,
        member::{MARK, Member},
        open,
        oracle::Oracle,
        seed,
    },
    server::{Budgets, Server, Target},
};
use account::{Account, Crowd};
use anyhow::{Result, anyhow, bail, ensure};
use clap::Args;
use report::{Bounds, Memory, Report};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, LocalSet},
    time::{interval, sleep, timeout},
};

/// Those who talk; they have nothing to do with the account.
const WITNESSES: usize = 2;
/// How long the last acknowledgements may take once all is over.
const SETTLE: Duration = Duration::from_secs(60);
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// What memory is given back is given back by then.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// How long, and what is bearable.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    target: Target,
    /// Seconds of the account's worst; 600 for the long run.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds before, in which the others talk alone.
    #[arg(long, default_value_t = 10)]
    quiet: u64,
    /// Messages a second of the others.
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Members of the account's groups.
    #[arg(long, default_value_t = 900)]
    members: usize,
    /// Send to acknowledgement of the others: 99 of 100 may take so many milliseconds.
    #[arg(long, default_value_t = 100.0)]
    p99: f64,
    /// What memory a process of the server may come to (MiB).
    #[arg(long, default_value_t = 768.0)]
    memory: f64,
    /// Only these of the account's acts, such as `edits,search`; by default all.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Loads the server; whether others could bear it.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    ensure!(settings.members > 1, "--members must be at least 2");
    let server = Server::reserve_with(&settings.target, Budgets::Default).await?;
    let local = LocalSet::new();
    let report = tokio::select! {
        report = local.run_until(measure(&settings, &server)) => report,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    server.stop().await?;
    let report = report?;
    report.print(json)?;
    Ok(report.is_borne())
}

async fn measure(settings: &Settings, server: &Server) -> Result<Report> {
    let seeded = seed::seed(server, &[WITNESSES, settings.members]).await?;
    let (witnesses, crowd) = seeded.split(1);
    server.start().await?;
    let oracle = Oracle::new(witnesses.rooms.len())?;
    let board = Rc::new(Board::new(WITNESSES, 0));
    let (mut members, mut turns) = (JoinSet::new(), Vec::new());
    for user in 0..WITNESSES {
        let (turn, turns_of_member) = mpsc::unbounded_channel();
        turns.push(turn);
        let member = Member::connect(&server.addresses(), &witnesses, user, 200.max(MARK)).await?;
        members.spawn_local(member.run(Rc::clone(&board), turns_of_member));
    }
    board.seat(turns, false);

    let account = Account::prepare(server.addresses(), Crowd::of(crowd)?, &settings.only)?;
    let scenario = async {
        account.is_prepared().await?;
        let mut memory = Memory::default();
        let quiet = phase(settings, settings.quiet, &board).await;
        memory.before = server.resident();
        eprintln!("the account does its worst for {} s", settings.seconds);
        account.begin();
        let worst = tokio::select! {
            worst = phase(settings, settings.seconds, &board) => worst,
            failed = memory.watch(server) => bail!("memory cannot be seen: {failed:?}"),
        };
        let tallies = account.end()?;
        sleep(AFTERWARDS).await;
        memory.after = server.resident();
        anyhow::Ok((quiet, worst, memory, tallies))
    };
    let (quiet, worst, memory, tallies) = tokio::select! {
        told = scenario => told?,
        failed = members.join_next() => bail!("one of the others lost their socket: {failed:?}"),
    };
    board.stop();
    let drained = timeout(SETTLE, board.drained()).await.is_ok();
    members.shutdown().await;
    let verdict = oracle.check(server, &witnesses, &board, drained).await?;
    let bounds = Bounds { p99: settings.p99, memory: settings.memory };
    Ok(Report::new(settings.target.in_words(), settings.seconds, bounds, [quiet, worst], memory, tallies, verdict))
}

/// The others talk for some seconds: what that took.
async fn phase(settings: &Settings, seconds: u64, board: &Board) -> Phase {
    let begun = Instant::now();
    open(board, settings.rate, WITNESSES, seconds).await;
    // What is under way still counts.
    let _ = timeout(SETTLE, board.drained()).await;
    let messages = board.messages();
    Phase::of(messages.iter().filter(|message| message.sent >= begun))
}

impl Memory {
    /// Looks again and again.
    async fn watch(&mut self, server: &Server) -> Result<()> {
        let mut looks = interval(LOOK);
        loop {
            looks.tick().await;
            let Some(now) = server.resident() else { bail!("a server that was not started here") };
            self.most = self.most.max(Some(now));
        }
    }
}
