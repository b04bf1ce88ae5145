//! Failures in the middle of a run, and the latencies before, during and after them.

use crate::{
    server::{Role, Server},
    traffic::{board::Message, phase::Phase},
};
use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;
use std::{
    ops::Range,
    str::FromStr,
    time::{Duration, Instant},
};
use tokio::time::sleep_until;

/// The assumed duration of a failure without a restart: a worker's lease.
const LASTS: Duration = Duration::from_secs(10);

/// Failures. Seconds count from the first measured moment.
#[derive(Args, Clone, Debug)]
pub(crate) struct Failures {
    /// Kill (SIGKILL) the first gateway then.
    #[arg(long, value_name = "SECONDS", requires = "spawn")]
    kill_gateway_after: Option<u64>,
    /// Kill (SIGKILL) the first worker then.
    #[arg(long, value_name = "SECONDS", requires = "spawn")]
    kill_worker_after: Option<u64>,
    /// Start killed processes again so many seconds later. Without: they stay dead.
    #[arg(long, value_name = "SECONDS")]
    restart_after: Option<u64>,
    /// Something outside fails meanwhile: report the latencies before, during and after it.
    #[arg(long, value_name = "FROM..TO")]
    outage: Option<Outage>,
}

/// From one second of the measured time to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outage {
    from: u64,
    to: u64,
}

impl FromStr for Outage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not FROM..TO in seconds, such as 5..15");
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let [from, to] = [from, to].map(|seconds| seconds.parse().map_err(|_| wrong()));
        let outage = Self { from: from?, to: to? };
        if outage.from < outage.to { Ok(outage) } else { Err(wrong()) }
    }
}

impl Failures {
    pub(crate) const fn none() -> Self {
        Self { kill_gateway_after: None, kill_worker_after: None, restart_after: None, outage: None }
    }

    /// Refuses failures outside the measured time, and those that leave no process of a role.
    pub(crate) fn check(&self, server: &Server, measure: u64) -> Result<()> {
        for (role, after) in self.kills() {
            ensure!(after < measure, "--measure must be longer than the time until the kill of a {}", role.name());
            let others = server.count(role).saturating_sub(1);
            ensure!(self.restart_after.is_some() || others > 0, "nobody does the work of the killed {}", role.name());
        }
        Ok(())
    }

    /// Kills and restarts when it is time.
    pub(crate) async fn strike(&self, server: &Server, begun: Instant) -> Result<()> {
        let mut kills: Vec<_> = self.kills().collect();
        kills.sort_by_key(|(_, after)| *after);
        let at = |seconds| tokio::time::Instant::from_std(begun + Duration::from_secs(seconds));
        for (role, after) in &kills {
            sleep_until(at(*after)).await;
            let name = server.kill(*role).await?;
            eprintln!("killed {name}");
        }
        if let (Some((_, last)), Some(later)) = (kills.last(), self.restart_after) {
            sleep_until(at(last + later)).await;
            server.start().await?;
            eprintln!("started again");
        }
        Ok(())
    }

    /// The expected time of the failure.
    fn window(&self, begun: Instant) -> Option<Range<Instant>> {
        let lasts = self.restart_after.map_or(LASTS, Duration::from_secs);
        let at = |seconds| begun + Duration::from_secs(seconds);
        let kills = self.kills().map(|(_, after)| (at(after), at(after) + lasts));
        let all = kills.chain(self.outage.map(|outage| (at(outage.from), at(outage.to))));
        all.map(|(from, to)| from..to).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
    }

    fn kills(&self) -> impl Iterator<Item = (Role, u64)> {
        let gateway = self.kill_gateway_after.map(|after| (Role::Gateway, after));
        gateway.into_iter().chain(self.kill_worker_after.map(|after| (Role::Worker, after)))
    }
}

/// Latencies before, during and after a failure.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Phases {
    /// Of messages that had arrived everywhere when it began.
    pub(crate) before: Phase,
    /// Of messages under way during the failure or its delays.
    pub(crate) during: Phase,
    /// Of messages sent after the last delay.
    pub(crate) after: Phase,
    /// From the begin of the failure to the end of its last delay (seconds).
    pub(crate) disturbed: f64,
}

impl Phases {
    /// Latencies of the messages sent within `window`; `None` without a failure.
    pub(crate) fn of(messages: &[Message], window: &Range<Instant>, failures: &Failures) -> Option<Self> {
        let failure = failures.window(window.start)?;
        let arrived = |message: &Message| message.delivered.iter().copied().max().unwrap_or(message.due);
        let timed = || messages.iter().filter(|message| window.contains(&message.due));
        let held_up = timed().filter(|message| message.due < failure.end).map(arrived).max();
        let end = held_up.map_or(failure.end, |arrived| arrived.max(failure.end));
        let before = timed().filter(|message| message.due < failure.start && arrived(message) < failure.start);
        let during = timed().filter(|message| message.due < end && arrived(message) >= failure.start);
        let after = timed().filter(|message| message.due >= end);
        Some(Self {
            before: Phase::of(before),
            during: Phase::of(during),
            after: Phase::of(after),
            disturbed: (end - failure.start).as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Failures, Message, Outage, Phases};
    use std::time::{Duration, Instant};

    #[test]
    fn an_outage_is_two_seconds_in_order() {
        assert_eq!("5..15".parse(), Ok(Outage { from: 5, to: 15 }));
        assert!(["5", "15..5", "5..5", "a..b", ""].iter().all(|text| text.parse::<Outage>().is_err()));
    }

    #[test]
    fn a_message_belongs_to_the_failure_it_was_under_way_in() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let message = |due, arrived| Message {
            acknowledged: Some(at(arrived)),
            delivered: vec![at(arrived)],
            ..Message::of(0, at(due), None)
        };
        let failures = Failures { outage: Some(Outage { from: 1, to: 2 }), ..Failures::none() };
        let messages =
            [message(0, 10), message(990, 1_500), message(1_990, 2_400), message(2_300, 2_310), message(2_500, 2_503)];
        let phases = Phases::of(&messages, &(begun..at(9_000)), &failures).unwrap();
        let counts = [phases.before, phases.during, phases.after].map(|phase| phase.send_to_delivered.count);
        assert_eq!(counts, [1, 3, 1]);
        assert!((phases.disturbed - 1.4).abs() < 1e-9);
    }
}
