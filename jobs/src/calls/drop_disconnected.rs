//! Removes people from calls who have been without a socket for longer than the grace.

use super::{CallJobs, PAGE, millis, succeeded};
use crate::Periodic;
use domain::{Timestamp, UserId};
use projections::queries::{PresentRow, QueryError};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tokio::time::Instant;

/// Removes people from calls who have been without a socket for too long. While the graph does not answer, nobody
/// counts as absent.
#[derive(Clone)]
pub struct DropDisconnected(pub CallJobs);

impl Periodic for DropDisconnected {
    const LEASE: &'static str = "calls.drop_the_lost";
    type Memory = Absences;
    type Error = QueryError;

    fn pause(&self) -> Duration {
        self.0.settings.look
    }

    async fn round(&self, absences: &mut Absences) -> Result<(), QueryError> {
        let now = absences.now(self.0.clock);
        let present = self.participants().await?;
        let users: Vec<_> = present.iter().map(|row| row.user).collect::<BTreeSet<_>>().into_iter().collect();
        let online = if users.is_empty() { Ok(BTreeSet::new()) } else { self.0.graph.online(&users).await };
        let Ok(online) = online else {
            absences.forget();
            return Ok(());
        };
        for (row, since) in absences.lost(&present, &online, self.0.settings.grace, now) {
            if succeeded(row.call, self.0.commands.drop_disconnected(row.call, row.user, since).await) {
                absences.settle(row.user);
            }
        }
        Ok(())
    }
}

impl DropDisconnected {
    /// The participants of all active calls.
    async fn participants(&self) -> Result<Vec<PresentRow>, QueryError> {
        let mut all: Vec<PresentRow> = Vec::new();
        loop {
            let page = self.0.queries.present_in_calls(all.last().copied().unwrap_or_default(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }
}

/// Since when people in calls have been without a socket.
#[derive(Debug, Default)]
pub struct Absences {
    since: HashMap<UserId, Timestamp>,
    origin: Option<(Instant, i64)>,
}

impl Absences {
    /// The time by a monotonic clock, so that setting the system's clock ends no call. The system's clock sets its
    /// origin.
    fn now(&mut self, clock: fn() -> Timestamp) -> Timestamp {
        let (began, start) = *self.origin.get_or_insert_with(|| (Instant::now(), clock().millis()));
        Timestamp::from_millis(start.saturating_add(millis(began.elapsed())))
    }

    /// Forgets all absences, when the graph does not answer.
    fn forget(&mut self) {
        self.since.clear();
    }

    /// Ends an absence. A later one must have another time, which is part of the command's key.
    fn settle(&mut self, user: UserId) {
        self.since.remove(&user);
    }

    /// The participants who have been absent for longer than `grace`, and since when.
    fn lost(
        &mut self,
        present: &[PresentRow],
        online: &BTreeSet<UserId>,
        grace: Duration,
        now: Timestamp,
    ) -> Vec<(PresentRow, Timestamp)> {
        let gone: BTreeSet<_> = present.iter().map(|row| row.user).filter(|user| !online.contains(user)).collect();
        self.since.retain(|user, _| gone.contains(user));
        for user in &gone {
            self.since.entry(*user).or_insert(now);
        }
        let grace = millis(grace);
        let since = |row: &PresentRow| self.since.get(&row.user).copied();
        let is_lost = |since: &Timestamp| now.millis().saturating_sub(since.millis()) > grace;
        present.iter().filter_map(|row| Some((*row, since(row).filter(is_lost)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::CallId;
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
        // A short return restarts the time.
        assert_eq!(absences.lost(&present, &both, grace, at(18)), []);
        assert_eq!(absences.lost(&present, &ana, grace, at(33)), []);
        absences.forget();
        assert_eq!(absences.lost(&present, &ana, grace, at(60)), [], "nothing was known meanwhile");
        assert_eq!(absences.lost(&present[..1], &ana, grace, at(90)), [], "no longer in a call");
        assert_eq!(absences.lost(&present, &ana, grace, at(91)), []);
    }
}
