//! Whether what matters most stays fast: posting at an even pace, alone and while reactions flood the server with
//! ten times what it can take.
//!
//! Four turns in one run: *alone* (posting), *capacity* (reactions in a closed loop), *at 80 %* (reactions at eight
//! tenths of that, not waiting), *flooded* (posting while ten times that is offered, not waiting).

mod flood;
mod flooder;
mod ledger;
mod report;

use crate::{
    machine::{Disk, Usage},
    rooms::{
        board::Board,
        failure::Phase,
        member::{self, Member},
        open,
        oracle::Oracle,
        seed,
    },
    server::{Server, Target},
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use flood::{Crowd, Flood, Lasts, Load, Outcome};
use ledger::Measured;
use report::{Flooding, Report, Turn};
use sql::{Database, Location, query};
use std::{
    collections::HashSet,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, LocalSet},
    time::timeout,
};

/// Seconds that a flood lasts before and after the posting that is measured under it.
const AROUND: u64 = 1;
/// Signals a second of one socket: well below what the server closes it for.
const TYPING: f64 = 100.0;

/// What to load, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    target: Target,
    /// Sockets that post.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// Sockets that react.
    #[arg(long, default_value_t = 100)]
    flooders: usize,
    /// Members of each room; those who post and those who react do not share any.
    #[arg(long, default_value_t = 10)]
    room: usize,
    /// Bytes of each message's content.
    #[arg(long, default_value_t = 200)]
    content: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Reactions that each flooder has under way while the capacity is measured.
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
    /// How many times the capacity is offered.
    #[arg(long, default_value_t = 10.0)]
    times: f64,
    /// Flood with so many custom signals a second as well, from sockets of their own.
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    low: f64,
    /// Seconds before measuring.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// Seconds that the last answers and deliveries of a turn may take.
    #[arg(long, default_value_t = 60)]
    settle: u64,
}

/// Loads the server; whether the oracle found nothing wrong.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    let Settings { users, flooders, room, content, .. } = settings;
    ensure!(room > 1 && users.is_multiple_of(room), "--users must be a multiple of --room, which is more than 1");
    ensure!(flooders > 0 && flooders.is_multiple_of(room), "--flooders must be a multiple of --room");
    ensure!(settings.low >= 0.0 && settings.times > 0.0, "--low and --times are no rates");
    ensure!(content >= member::MARK, "--content must be at least {}", member::MARK);
    let server = Server::reserve(&settings.target).await?;
    let local = LocalSet::new();
    let report = tokio::select! {
        report = local.run_until(load(&settings, &server)) => report,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    server.stop().await?;
    let report = report?;
    report.print(json)?;
    Ok(report.is_clean())
}

async fn load(settings: &Settings, server: &Server) -> Result<Report> {
    let Settings { users, flooders, room, low, .. } = *settings;
    let typing = ((low / TYPING).ceil() as usize).next_multiple_of(room);
    let crowd = Crowd { reacting: users..users + flooders, typing: users + flooders..users + flooders + typing, room };
    let all = crowd.typing.end;
    let seeded = Arc::new(seed::seed(server, &vec![room; all / room]).await?);
    server.start().await?;
    let oracle = Oracle::new(seeded.rooms.len())?;
    let board = Rc::new(Board::new(room, 0));
    let (mut members, mut turns) = (JoinSet::new(), Vec::new());
    for user in 0..users {
        let (turn, turns_of_member) = mpsc::unbounded_channel();
        turns.push(turn);
        let member = Member::connect(&server.addresses(), &seeded, user, settings.content).await?;
        members.spawn_local(member.run(Rc::clone(&board), turns_of_member));
    }
    board.seat(turns, false);
    let flood = Flood::start(server.addresses(), Arc::clone(&seeded), crowd).await?;
    let disk = Disk::probe(server.folder());
    let scenario = Scenario { settings, server, board: &board, flood: &flood };
    let turns = tokio::select! {
        turns = scenario.all() => turns,
        failed = members.join_next() => bail!("a socket ended in the middle of the run: {failed:?}"),
    };
    let disk = disk.stop();
    let drained = scenario.drained().await;
    // Why the flood ended says more than that it did.
    let outcome = flood.end()?;
    let turns = turns?;
    members.shutdown().await;
    let verdict = oracle.check(server, &seeded, &board, drained).await?;
    let flooding = Flooding::judge(outcome, server.log()).await?;
    Ok(Report::new(settings, &board, turns, disk, verdict, flooding))
}

/// What the turns share.
struct Scenario<'s> {
    settings: &'s Settings,
    server: &'s Server,
    board: &'s Board,
    flood: &'s Flood,
}

/// What came of all turns.
pub(crate) struct Turns {
    alone: Turn,
    capacity: Turn,
    at_80_percent: Turn,
    flooded: Turn,
}

impl Scenario<'_> {
    async fn all(&self) -> Result<Turns> {
        let Settings { rate, users, warm_up, measure, in_flight, times, low, .. } = *self.settings;
        open(self.board, rate, users, warm_up).await;
        eprintln!("posting alone");
        let alone = self.turn(async { Ok((self.post(0).await, None)) }).await?;
        eprintln!("the capacity of reactions");
        let capacity = self.turn(async { self.react(Load::Closed { in_flight }, measure).await }).await?;
        let limit = capacity.medium.as_ref().map_or(0.0, |medium| medium.accepted_per_second);
        eprintln!("reactions at 80 % of {limit:.0}/s");
        let load = Load::Open { medium: limit * 0.8, low: 0.0 };
        let at_80_percent = self.turn(async { self.react(load, measure).await }).await?;
        eprintln!("posting under {:.0} reactions/s", limit * times);
        let load = Load::Open { medium: limit * times, low };
        let flooded = self.turn(async {
            let (high, medium) = tokio::join!(self.post(AROUND), self.react(load, measure + 2 * AROUND));
            Ok((high, medium?.1))
        });
        let flooded = flooded.await?;
        Ok(Turns { alone, capacity, at_80_percent, flooded })
    }

    /// Does something, and counts what it cost.
    async fn turn(&self, load: impl Future<Output = Result<(Option<Phase>, Option<Measured>)>>) -> Result<Turn> {
        let before = self.server.usage()?;
        let sent = self.board.messages().len();
        let (high, medium) = load.await?;
        self.drained().await;
        let messages = self.board.messages().len() - sent;
        let after: Vec<Usage> = self.server.usage()?;
        Ok(Turn::new(high, medium, messages, &before, &after))
    }

    /// Posts for the measured time and so many seconds before and after; the times of what was posted in between.
    async fn post(&self, around: u64) -> Option<Phase> {
        let Settings { rate, users, measure, .. } = *self.settings;
        let begun = Instant::now() + Duration::from_secs(around);
        let window = begun..begun + Duration::from_secs(measure);
        open(self.board, rate, users, measure + 2 * around).await;
        self.drained().await;
        let messages = self.board.messages();
        Some(Phase::of(messages.iter().filter(|message| window.contains(&message.sent))))
    }

    async fn react(&self, load: Load, seconds: u64) -> Result<(Option<Phase>, Option<Measured>)> {
        let [load_for, settle] = [seconds, self.settings.settle].map(Duration::from_secs);
        Ok((None, Some(self.flood.load(load, Lasts { load: load_for, settle }).await?)))
    }

    async fn drained(&self) -> bool {
        timeout(Duration::from_secs(self.settings.settle), self.board.drained()).await.is_ok()
    }
}

impl Flooding {
    /// Compares what the flooders know with what the log holds.
    async fn judge(outcome: Outcome, log: Option<Location>) -> Result<Self> {
        let Outcome { positions, is_settled, faults } = outcome;
        let logged = match log {
            Some(location) => Some(reactions(&location).await?),
            None => None,
        };
        let lost = logged.as_ref().map(|logged| positions.acknowledged.difference(logged).count());
        let unseen = logged.as_ref().map_or(0, |logged| logged.difference(&positions.known).count());
        let undelivered = positions.undelivered.len() + unseen;
        let is_clean = is_settled && undelivered == 0 && faults.is_empty() && lost.unwrap_or_default() == 0;
        Ok(Self { is_clean, is_settled, lost, undelivered, faults: faults.into_iter().take(20).collect() })
    }
}

/// The positions of all reactions.
async fn reactions(location: &Location) -> Result<HashSet<u64>> {
    let log = Database::connect(location, 1).await.context("the log cannot be read")?;
    let all = "SELECT position FROM events WHERE event_type IN ('message.reacted', 'message.unreacted')";
    let rows = log.fetch_all(query(all)).await?;
    log.close().await;
    Ok(rows.iter().map(|row| row.unsigned(0)).collect::<Result<_, _>>()?)
}
