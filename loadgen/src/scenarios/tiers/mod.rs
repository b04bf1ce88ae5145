//! Whether urgent work stays fast: posting (high) at an even rate, alone and while reactions (medium) and custom signals (low)
//! flood the server.
//!
//! Four turns in one run: *alone* (posting), *capacity* (reactions in a closed loop), *at 80 %* (reactions at eight
//! tenths of that, open), *flooded* (posting while ten times that is offered, open, and signals besides).

mod figures;
mod flood;
mod flooder;
mod ledger;

use crate::{
    machine::Disk,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    traffic::{self, Pace, Posting, curve::curve, oracle::Oracle, phase::Phase, seed},
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use figures::{Figures, Flooding, Posted, Turn};
use flood::{Crowd, Flood, Lasts, Load, Outcome};
use ledger::Measured;
use sql::{Database, Location, query};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// Seconds of a flood before and after the posting that is measured under it.
const AROUND: u64 = 1;
/// Signals a second of one socket: well below the rate at which the server closes it.
const TYPING: f64 = 100.0;

/// Posting while reactions flood the server with ten times what it can take, and signals besides.
#[derive(Args, Clone, Debug)]
pub(crate) struct Tiers {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    posting: Pace,
    /// Sockets that post.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// Sockets that react.
    #[arg(long, default_value_t = 100)]
    flooders: usize,
    /// Members of each room. Those who post and those who react share none.
    #[arg(long, default_value_t = 10)]
    room: usize,
    /// Reactions that each flooder has under way while the capacity is measured.
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
    /// Offer so many times the capacity.
    #[arg(long, default_value_t = 10.0)]
    times: f64,
    /// Flood with so many custom signals a second as well, from sockets of their own.
    #[arg(long, value_name = "RATE", default_value_t = 1_000.0)]
    low: f64,
}

impl Scenario for Tiers {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        let Self { users, flooders, room, .. } = *self;
        ensure!(room > 1 && flooders > 0, "--room must be at least 2, and --flooders at least 1");
        traffic::check_rooms(("--users", users), ("--room", room))?;
        traffic::check_rooms(("--flooders", flooders), ("--room", room))?;
        ensure!(self.low >= 0.0 && self.times > 0.0, "--low must not be negative, and --times must be positive");
        self.posting.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let Self { users, flooders, room, low, .. } = *self;
        let typing = ((low / TYPING).ceil() as usize).next_multiple_of(room);
        let crowd =
            Crowd { reacting: users..users + flooders, typing: users + flooders..users + flooders + typing, room };
        let seeded = Arc::new(seed::seed(server, &vec![room; crowd.typing.end / room]).await?);
        server.start().await?;
        let oracle = Oracle::new(seeded.rooms.len(), self.posting.content)?;
        let plan = self.posting.plan(users, room);
        let (posting, mut members) = Posting::connect(server, &seeded, plan).await?;
        let flood = Flood::start(server.addresses(), Arc::clone(&seeded), crowd).await?;
        let disk = Disk::probe(server.folder());
        let run = Run { settings: self, server, posting: &posting, flood: &flood };
        let turns = members.unless_lost(run.turns()).await;
        let disk_sync = disk.stop();
        // The flood's own reason says more than that it ended.
        let outcome = flood.end()?;
        let [alone, capacity, at_80_percent, flooded] = turns?;
        let verdict = posting.judge(members, &oracle, server, &seeded).await?;
        let flooding = Flooding::judge(outcome, server.log()).await?;
        let resilience = posting.board().resilience().clone();
        Figures { alone, capacity, at_80_percent, flooded, disk_sync, resilience, verdict, flooding }.report(self)
    }
}

struct Run<'s> {
    settings: &'s Tiers,
    server: &'s Server,
    posting: &'s Posting,
    flood: &'s Flood,
}

impl Run<'_> {
    async fn turns(&self) -> Result<[Turn; 4]> {
        let Tiers { posting: Pace { rate, warm_up, measure, .. }, in_flight, times, low, .. } = *self.settings;
        self.posting.open(f64::from(rate), warm_up).await;
        eprintln!("posting alone");
        let alone = self.turn(async { Ok((Some(self.post(0).await), None)) }).await?;
        eprintln!("the capacity of reactions");
        let capacity = self.turn(async { Ok((None, Some(self.react(Load::Closed { in_flight }, measure).await?))) });
        let capacity = capacity.await?;
        let limit = capacity.medium.as_ref().map_or(0.0, |medium| medium.accepted_per_second);
        eprintln!("reactions at 80 % of {limit:.0}/s");
        let load = Load::Open { medium: limit * 0.8, low: 0.0 };
        let at_80_percent = self.turn(async { Ok((None, Some(self.react(load, measure).await?))) }).await?;
        eprintln!("posting under {:.0} reactions/s", limit * times);
        let load = Load::Open { medium: limit * times, low };
        let flooded = self.turn(async {
            let (high, medium) = tokio::join!(self.post(AROUND), self.react(load, measure + 2 * AROUND));
            Ok((Some(high), Some(medium?)))
        });
        Ok([alone, capacity, at_80_percent, flooded.await?])
    }

    /// Runs a load, and measures its cost.
    async fn turn(&self, load: impl Future<Output = Result<(Option<Posted>, Option<Measured>)>>) -> Result<Turn> {
        let sampler = self.server.sample().await?;
        let sent = self.posting.board().messages().len();
        let (high, medium) = load.await?;
        self.posting.drained().await;
        let samples = sampler.stop().await?;
        let messages = self.posting.board().messages().len() - sent;
        Ok(Turn::new(high, medium, messages, &samples))
    }

    /// Posts for the measured time, and for `around` seconds before and after, whose messages are not measured.
    async fn post(&self, around: u64) -> Posted {
        let Pace { rate, measure, .. } = self.settings.posting;
        let begun = Instant::now() + Duration::from_secs(around);
        let window = begun..begun + Duration::from_secs(measure);
        self.posting.open(f64::from(rate), measure + 2 * around).await;
        self.posting.drained().await;
        let messages = self.posting.board().messages();
        let phase = Phase::of(messages.iter().filter(|message| window.contains(&message.due)));
        Posted { phase, curve: curve(&messages, &window) }
    }

    async fn react(&self, load: Load, seconds: u64) -> Result<Measured> {
        let [lasts, settle] = [seconds, self.settings.posting.settle].map(Duration::from_secs);
        self.flood.load(load, Lasts { load: lasts, settle }).await
    }
}

impl Flooding {
    /// Compares the flooders' answers with the log.
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
    Ok(rows.iter().map(|row| row.unsigned("position")).collect::<Result<_, _>>()?)
}
