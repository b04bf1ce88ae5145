//! What ends calls that nobody ends: the time-out of those that ring, and the leaving of those who are gone. One process
//! at a time does each; should two, nothing happens twice, since the log decides.

use super::CallSettings;
use commands::{CommandError, Commands};
use domain::{CallId, Timestamp, UserId};
use graph::Graph;
use projections::{
    Queries,
    queries::{PresentRow, QueryError},
};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Rows of one statement.
const PAGE: u32 = 256;

/// The duties, and what they need.
#[derive(Clone)]
pub(crate) struct CallDuties {
    pub(crate) queries: Queries,
    pub(crate) commands: Commands,
    pub(crate) graph: Graph,
    pub(crate) settings: CallSettings,
    pub(crate) clock: fn() -> Timestamp,
}

impl CallDuties {
    /// Looks for calls that have rung for long enough, and ends them, until `stop`. It keeps nothing in memory:
    /// whatever came due while no process was there is found by the next. How long is told by the database's clock.
    pub(crate) async fn time_out(self, stop: CancellationToken) {
        let mut looks = self.looks();
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if let Err(error) = self.time_out_due().await {
                tracing::debug!(error.cause = %error, "it cannot be told which calls ring");
            }
        }
    }

    /// Looks for people who are in a call and have been without a socket for longer than the grace, and takes them
    /// out, until `stop`. While the graph does not answer nobody counts as gone.
    pub(crate) async fn drop_the_lost(self, stop: CancellationToken) {
        let mut looks = self.looks();
        let mut absences = Absences::default();
        // Absences are measured by a clock that nobody sets; where it begins only names them.
        let (began, start) = (Instant::now(), (self.clock)().millis());
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let now = Timestamp::from_millis(start.saturating_add(millis(began.elapsed())));
            if let Err(error) = self.drop_lost(&mut absences, now).await {
                tracing::debug!(error.cause = %error, "it cannot be told who is in a call");
            }
        }
    }

    async fn time_out_due(&self) -> Result<(), QueryError> {
        let ring = self.settings.ring;
        self.queries.note_ringing().await?;
        let mut after = CallId::default();
        loop {
            let due = self.queries.rung_out(ring, after, PAGE).await?;
            for ringing in &due {
                let deadline = Timestamp::from_millis(ringing.since.millis().saturating_add(millis(ring)));
                told(ringing.call, self.commands.time_out_call(ringing.call, deadline).await);
            }
            match due.last() {
                Some(last) if due.len() >= PAGE as usize => after = last.call,
                _ => return Ok(()),
            }
        }
    }

    async fn drop_lost(&self, absences: &mut Absences, now: Timestamp) -> Result<(), QueryError> {
        let present = self.everybody().await?;
        let users: Vec<_> = present.iter().map(|row| row.user).collect::<BTreeSet<_>>().into_iter().collect();
        let here = if users.is_empty() { Ok(BTreeSet::new()) } else { self.graph.online(&users).await };
        let Ok(here) = here else {
            absences.forget();
            return Ok(());
        };
        for (row, since) in absences.lost(&present, &here, self.settings.grace, now) {
            if told(row.call, self.commands.drop_the_lost(row.call, row.user, since).await) {
                absences.settle(row.user);
            }
        }
        Ok(())
    }

    /// Everybody who is in a call that is not over.
    async fn everybody(&self) -> Result<Vec<PresentRow>, QueryError> {
        let mut all: Vec<PresentRow> = Vec::new();
        loop {
            let page = self.queries.present_in_calls(all.last().copied().unwrap_or_default(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    fn looks(&self) -> Interval {
        let mut looks = interval(self.settings.look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Whether a command on a call went through; otherwise it is tried again at the next look.
fn told<T>(call: CallId, result: Result<T, CommandError>) -> bool {
    if let Err(error) = &result {
        tracing::warn!(call.id = %call, error.cause = %error, "a call could not be ended, and is tried again");
    }
    result.is_ok()
}

/// Since when people in calls have been seen without a socket.
#[derive(Debug, Default)]
struct Absences(HashMap<UserId, Timestamp>);

impl Absences {
    /// Nobody counts as gone: it cannot be told.
    fn forget(&mut self) {
        self.0.clear();
    }

    /// Somebody was taken out. Should they be in a call again, and gone again, that is another absence: it needs another
    /// time, for the command's key is made of it.
    fn settle(&mut self, user: UserId) {
        self.0.remove(&user);
    }

    /// Those who have been gone for longer than `grace`, and since when.
    fn lost(
        &mut self,
        present: &[PresentRow],
        here: &BTreeSet<UserId>,
        grace: Duration,
        now: Timestamp,
    ) -> Vec<(PresentRow, Timestamp)> {
        let gone: BTreeSet<_> = present.iter().map(|row| row.user).filter(|user| !here.contains(user)).collect();
        self.0.retain(|user, _| gone.contains(user));
        for user in &gone {
            self.0.entry(*user).or_insert(now);
        }
        let grace = millis(grace);
        let since = |row: &PresentRow| self.0.get(&row.user).copied();
        let is_lost = |since: &Timestamp| now.millis().saturating_sub(since.millis()) > grace;
        present.iter().filter_map(|row| Some((*row, since(row).filter(is_lost)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ANA: UserId = UserId(Uuid::from_u128(1));
    const BEN: UserId = UserId(Uuid::from_u128(2));

    #[test]
    fn only_a_lasting_absence_that_is_known_counts() {
        let call = CallId(Uuid::from_u128(7));
        let present = [ANA, BEN].map(|user| PresentRow { call, user });
        let (both, ana) = (BTreeSet::from([ANA, BEN]), BTreeSet::from([ANA]));
        let (grace, at) = (Duration::from_secs(15), |seconds: i64| Timestamp::from_millis(1_000 * seconds));
        let mut absences = Absences::default();
        assert_eq!(absences.lost(&present, &both, grace, at(0)), []);
        assert_eq!(absences.lost(&present, &ana, grace, at(1)), []);
        assert_eq!(absences.lost(&present, &ana, grace, at(16)), [], "within the grace");
        assert_eq!(absences.lost(&present, &ana, grace, at(17)), [(present[1], at(1))]);
        absences.settle(BEN);
        assert_eq!(absences.lost(&present, &ana, grace, at(17)), [], "another absence");
        // Back for a moment: the time begins anew.
        assert_eq!(absences.lost(&present, &both, grace, at(18)), []);
        assert_eq!(absences.lost(&present, &ana, grace, at(33)), []);
        absences.forget();
        assert_eq!(absences.lost(&present, &ana, grace, at(60)), [], "nothing was known meanwhile");
        assert_eq!(absences.lost(&present[..1], &ana, grace, at(90)), [], "no longer in a call");
        assert_eq!(absences.lost(&present, &ana, grace, at(91)), []);
    }
}
