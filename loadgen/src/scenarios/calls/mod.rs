//! A gateway dies (SIGKILL) with ringing and active calls: no call may ring for ever, and each must end or go on by the
//! rules.

mod case;
mod figures;
mod party;
mod rest;

use crate::{
    report::Report,
    scenario::Scenario,
    server::{Budgets, Role, Server, Target},
    traffic::seed::{self, Seat},
};
use anyhow::{Context, Result, bail, ensure};
use case::{CASES, Case, Fate, LOST, Part};
use clap::Args;
use figures::{Figures, Seen};
use futures_util::future::join_all;
use party::Party;
use rest::Rest;
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, sleep_until};

/// The time limit until connected people are known to be online, come back, or receive an event.
const SOON: Duration = Duration::from_secs(20);
const ENDINGS: [&str; 3] = ["call.closed", "call.missed", "call.refused"];

/// A gateway dies with calls that ring and calls that go on.
#[derive(Args, Clone, Debug)]
pub(crate) struct Calls {
    #[command(flatten)]
    target: Target,
    /// Calls of each case.
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// Seconds that the killed gateway stays away.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    restart_after: u64,
}

struct Call {
    case: Case,
    conversation: String,
    id: String,
    parties: Vec<Party>,
}

impl Scenario for Calls {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let cases: Vec<_> = (0..self.times).flat_map(|_| CASES).collect();
        let sizes: Vec<_> = cases.iter().map(|case| case.parts.len()).collect();
        let seeded = seed::seed(server, &sizes).await?;
        server.start().await?;
        ensure!(server.living_doors().len() > 1, "two gateways are needed (--gateways 2): one is killed");
        let rest = Rest::at(server)?;
        let mut parties = Vec::new();
        for (room, case) in cases.iter().enumerate() {
            let seats: Vec<_> = seeded.seats.iter().filter(|seat| seat.room == room).collect();
            parties.push(connect(&server.addresses(), &seats, case).await?);
        }
        eprintln!("{} calls begin", cases.len());
        let mut calls = Vec::new();
        for ((case, parties), group) in cases.into_iter().zip(parties).zip(&seeded.rooms) {
            calls.push(Call::begin(&rest, case, parties, group).await?);
        }
        let died = Instant::now();
        eprintln!("killed {}", server.kill(Role::Gateway).await?);
        let restart = async {
            sleep(Duration::from_secs(self.restart_after)).await;
            server.start().await?;
            eprintln!("started again");
            anyhow::Ok(())
        };
        let following = join_all(calls.iter().map(|call| call.follow(&rest, died)));
        let (restarted, mut seen) = tokio::join!(restart, following);
        restarted?;
        eprintln!("lost people come back");
        calls.iter().flat_map(|call| &call.parties).filter(|party| party.part == Part::Lost).for_each(Party::come_back);
        for (call, seen) in calls.iter().zip(&mut seen) {
            if let Err(fault) = call.ended_for_all(&rest).await {
                seen.faults.push(format!("{fault:#}"));
            }
            seen.faults.extend(call.parties.iter().flat_map(Party::faults));
        }
        Figures::new(&CASES, &seen, server.ended()?).report(self)
    }
}

async fn connect(doors: &Arc<[SocketAddr]>, seats: &[&Seat], case: &Case) -> Result<Vec<Party>> {
    let mut parties = Vec::new();
    for (seat, part) in seats.iter().zip(case.parts) {
        parties.push(Party::connect(doors, seat, *part).await?);
    }
    Ok(parties)
}

impl Call {
    /// Starts the call, and answers it if the case says so.
    async fn begin(rest: &Rest, case: Case, parties: Vec<Party>, group: &str) -> Result<Self> {
        let conversation = match &parties[..] {
            [caller, other] => rest.direct(&caller.token, &other.id).await?,
            _ => group.to_owned(),
        };
        let (caller, others) = parties.split_first().context("a call without a caller")?;
        let since = Instant::now();
        let wanted = json!({"conversationId": conversation, "callType": "VOICE"});
        let ringing = loop {
            match caller.command("call.initiate", wanted.clone()).await {
                // Other gateways learn of a connection a moment later.
                Err(error) if since.elapsed() < SOON && format!("{error}").contains("user_not_online") => {
                    sleep(Duration::from_millis(50)).await;
                }
                ringing => break ringing?,
            }
        };
        let id = ringing["id"].as_str().context("a call without an id")?.to_owned();
        for other in others.iter().filter(|_| case.is_answered) {
            other.command("call.answer", json!({"callId": id})).await?;
        }
        let status = rest.call(&caller.token, &id).await?["status"].take();
        let wanted = if case.is_answered { "ONGOING" } else { "RINGING" };
        ensure!(status == wanted, "{}: it is {status} before anything happened", case.name);
        Ok(Self { case, conversation, id, parties })
    }

    /// Follows the call after the death of a gateway.
    async fn follow(&self, rest: &Rest, died: Instant) -> Seen {
        let mut seen = Seen { name: self.case.name, ..Seen::default() };
        let met = async {
            if self.case.answers_later {
                let called = self.parties.last().context("a call without anybody called")?;
                until("they are back", SOON, || called.is_connected()).await?;
                called.command("call.answer", json!({"callId": self.id})).await?;
            }
            match self.case.fate {
                Fate::Ends(ways, within) => self.ends(rest, ways, died + within).await,
                Fate::GoesOn => self.goes_on(rest, died).await,
            }
        };
        match met.await {
            Ok(status) => (seen.status, seen.seconds) = (status, died.elapsed().as_secs_f64()),
            Err(fault) => seen.faults.push(format!("{fault:#}")),
        }
        seen
    }

    /// Waits until the server has ended it.
    async fn ends(&self, rest: &Rest, ways: &[&str], deadline: Instant) -> Result<String> {
        loop {
            let call = rest.call(&self.parties[0].token, &self.id).await?;
            let status = call["status"].as_str().unwrap_or_default();
            if ways.contains(&status) {
                return Ok(format!("{status} ({})", call["endReason"].as_str().unwrap_or("no reason")));
            }
            ensure!(matches!(status, "RINGING" | "ONGOING"), "it is {status}, not one of {ways:?}");
            ensure!(Instant::now() < deadline, "it is {status} for ever");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Checks that it goes on without lost people, and ends it.
    async fn goes_on(&self, rest: &Rest, died: Instant) -> Result<String> {
        sleep_until((died + LOST).into()).await;
        let caller = &self.parties[0];
        let call = rest.call(&caller.token, &self.id).await?;
        ensure!(call["status"] == "ONGOING", "it should go on, and is {}", call["status"]);
        let participants = call["participants"].as_array().context("a call without participants")?;
        for party in &self.parties {
            let found =
                participants.iter().find(|one| one["userId"] == party.id).context("somebody is no participant")?;
            let has_left = !found["leftAt"].is_null();
            ensure!(has_left == (party.part == Part::Lost), "{:?} has left: {has_left}", party.part);
        }
        caller.command("call.close", json!({"callId": self.id})).await?;
        self.ends(rest, &["ENDED"], Instant::now() + SOON).await
    }

    /// Checks that everybody received its begin and its end, and that the history and one message show it.
    async fn ended_for_all(&self, rest: &Rest) -> Result<()> {
        for party in &self.parties {
            let ends = || party.received(&self.id).iter().filter(|name| ENDINGS.contains(&name.as_str())).count();
            until("they receive the end", SOON, || ends() > 0).await.with_context(|| {
                let there = if party.is_connected() { "connected" } else { "not connected" };
                format!("{:?}, {there}, received {:?} of {}", party.part, party.received(&self.id), self.id)
            })?;
            let received = party.received(&self.id);
            let begins = received.first().is_some_and(|first| first == "call.ringing");
            ensure!(begins && ends() == 1, "received {received:?}");
        }
        let token = &self.parties[0].token;
        let history = rest.history(token, &self.conversation).await?;
        ensure!(history.iter().any(|call| call["id"] == self.id.as_str()), "it is not in the history");
        let since = Instant::now();
        loop {
            match rest.messages(token, &self.conversation, &self.id).await? {
                1 => return Ok(()),
                0 if since.elapsed() < SOON => sleep(Duration::from_millis(100)).await,
                count => bail!("it left {count} messages"),
            }
        }
    }
}

async fn until(what: &str, patience: Duration, holds: impl Fn() -> bool) -> Result<()> {
    let since = Instant::now();
    while !holds() {
        ensure!(since.elapsed() < patience, "not within {patience:?}: {what}");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
