//! A gateway dies (SIGKILL) with calls that ring and calls that go on: nobody may ring for ever, and each call must end, or
//! go on, by the rules.

mod case;
mod party;
mod report;
mod rest;

use crate::{
    rooms::seed::{self, Seat},
    server::{Role, Server, Target},
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use case::{CASES, Case, Fate, LOST, Part};
use clap::Args;
use futures_util::future::join_all;
use party::Party;
use report::{Report, Seen};
use rest::Rest;
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::LocalSet,
    time::{sleep, sleep_until},
};

/// How long people who are there may take to be known to be there, to come back, or to be told.
const SOON: Duration = Duration::from_secs(20);
const ENDINGS: [&str; 3] = ["call.closed", "call.missed", "call.refused"];

/// What to do, and how often.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    target: Target,
    /// Calls of each case.
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// Seconds that the killed gateway stays away.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    restart_after: u64,
}

/// One call.
struct Call {
    case: Case,
    conversation: String,
    id: String,
    parties: Vec<Party>,
}

/// Kills a gateway; whether all calls went by the rules.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    let server = Server::reserve(&settings.target).await?;
    let local = LocalSet::new();
    let report = tokio::select! {
        report = local.run_until(torture(&settings, &server)) => report,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    server.stop().await?;
    let report = report?;
    report.print(json)?;
    Ok(report.is_clean())
}

async fn torture(settings: &Settings, server: &Server) -> Result<Report> {
    let cases: Vec<_> = (0..settings.times).flat_map(|_| CASES).collect();
    let sizes: Vec<_> = cases.iter().map(|case| case.parts.len()).collect();
    let seeded = seed::seed(server, &sizes).await?;
    server.start().await?;
    ensure!(server.living_doors().len() > 1, "it takes --gateways 2: one dies, and the other is to notice");
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
        sleep(Duration::from_secs(settings.restart_after)).await;
        server.start().await?;
        eprintln!("started again");
        anyhow::Ok(())
    };
    let following = join_all(calls.iter().map(|call| call.follow(&rest, died)));
    let (restarted, mut seen) = tokio::join!(restart, following);
    restarted?;
    eprintln!("those who were lost come back, to be told");
    calls.iter().flat_map(|call| &call.parties).filter(|party| party.part == Part::Lost).for_each(Party::come_back);
    for (call, seen) in calls.iter().zip(&mut seen) {
        if let Err(fault) = call.ended_for_all(&rest).await {
            seen.faults.push(format!("{fault:#}"));
        }
        seen.faults.extend(call.parties.iter().flat_map(Party::faults));
    }
    Ok(Report::new(settings, &CASES, seen, server.ended()?))
}

async fn connect(doors: &Arc<[SocketAddr]>, seats: &[&Seat], case: &Case) -> Result<Vec<Party>> {
    let mut parties = Vec::new();
    for (seat, part) in seats.iter().zip(case.parts) {
        parties.push(Party::connect(doors, seat, *part).await?);
    }
    Ok(parties)
}

impl Call {
    /// Rings, and is answered if the case says so.
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
                // That the others are there is known everywhere a moment after they came.
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

    /// What becomes of it after the death of a gateway.
    async fn follow(&self, rest: &Rest, died: Instant) -> Seen {
        let mut seen = Seen { name: self.case.name, ..Seen::default() };
        let met = async {
            if self.case.answers_later {
                let called = self.parties.last().context("a call without anybody called")?;
                until("they are back", SOON, || called.is_there()).await?;
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

    /// The server ends it by itself.
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

    /// It goes on without those who are lost, and ends when somebody hangs up.
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

    /// Everybody was told that it rings and that it is over; it is in the history, and left one message.
    async fn ended_for_all(&self, rest: &Rest) -> Result<()> {
        for party in &self.parties {
            let ends = || party.told(&self.id).iter().filter(|name| ENDINGS.contains(&name.as_str())).count();
            until("they are told of the end", SOON, || ends() > 0).await.with_context(|| {
                let there = if party.is_there() { "there" } else { "not there" };
                format!("{:?}, {there}, was told {:?} of {}", party.part, party.told(&self.id), self.id)
            })?;
            let told = party.told(&self.id);
            ensure!(told.first().is_some_and(|first| first == "call.ringing") && ends() == 1, "told {told:?}");
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
