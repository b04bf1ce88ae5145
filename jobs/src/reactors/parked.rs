//! Parked reactions: those that failed, kept beside the checkpoints, so that none is skipped.
//!
//! Their order does not matter: a reactor reads the current state, and its commands are keyed by the event. Later
//! events of the stream do not wait for a parked one.

use super::{Checkpoints, Reactor};
use event_store::{Position, RecordedEvent};
use sql::{Error, query};

/// The pauses before each retry of a reaction, in milliseconds; the last one repeats.
const PAUSES: [i64; 5] = [5_000, 30_000, 120_000, 600_000, 3_600_000];

/// A reaction failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// This build does not know the event; another may.
    Unreadable(String),
    Failed(String),
}

/// A parked reaction that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) position: Position,
    pub(super) attempts: u64,
}

impl Failure {
    fn error(&self) -> &str {
        match self {
            Self::Unreadable(error) | Self::Failed(error) => error,
        }
    }

    /// The time of the next retry, as an SQL expression; NULL: only another build retries.
    fn retry_at(&self, now: &str, attempts: u64) -> String {
        let pause = PAUSES[usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1)];
        match self {
            Self::Unreadable(_) => "CAST(NULL AS BIGINT)".to_owned(),
            Self::Failed(_) => format!("{now} + {pause}"),
        }
    }
}

impl Checkpoints {
    /// Parks reactions in one transaction. One that is already parked stays unchanged.
    pub(super) async fn park(
        &self,
        reactor: Reactor,
        failed: &[(std::sync::Arc<RecordedEvent>, Failure)],
    ) -> Result<(), Error> {
        let now = self.database.engine().now();
        let mut transaction = self.database.begin().await?;
        for (event, failure) in failed {
            let record = &event.record;
            let retry_at = failure.retry_at(now, 1);
            let sql = format!(
                "INSERT INTO parked_reactions (reactor, position, aggregate_type, aggregate_id, event_type, error,
                     attempts, build, parked_at, retry_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 1, $7, {now}, {retry_at}) ON CONFLICT (reactor, position) DO NOTHING"
            );
            let named = query(sql).bind(reactor.name()).bind(record.position).bind(record.aggregate_type.as_str());
            let named = named.bind(record.aggregate_id).bind(record.event_type.as_str());
            transaction.execute(named.bind(failure.error()).bind(&*self.build)).await?;
        }
        transaction.commit().await
    }

    /// At most `limit` parked reactions that are due: by their time, or because another build tried last.
    pub(super) async fn due(&self, reactor: Reactor, limit: u32) -> Result<Vec<Due>, Error> {
        let sql = format!(
            "SELECT position, attempts FROM parked_reactions
             WHERE reactor = $1 AND (retry_at <= {} OR build <> $2) ORDER BY position LIMIT $3",
            self.database.engine().now()
        );
        let rows = self.database.fetch_all(query(sql).bind(reactor.name()).bind(&*self.build).bind(limit)).await?;
        rows.iter()
            .map(|row| Ok(Due { position: row.unsigned("position")?, attempts: row.unsigned("attempts")? }))
            .collect()
    }

    /// Removes a parked reaction that succeeded.
    pub(super) async fn unpark(&self, reactor: Reactor, position: Position) -> Result<(), Error> {
        let sql = "DELETE FROM parked_reactions WHERE reactor = $1 AND position = $2";
        self.database.execute(query(sql).bind(reactor.name()).bind(position)).await.map(drop)
    }

    /// Reschedules a parked reaction that failed again.
    pub(super) async fn postpone(&self, reactor: Reactor, due: Due, failure: &Failure) -> Result<(), Error> {
        let attempts = due.attempts + 1;
        let retry_at = failure.retry_at(self.database.engine().now(), attempts);
        let sql = format!(
            "UPDATE parked_reactions SET error = $3, attempts = $4, build = $5, retry_at = {retry_at}
             WHERE reactor = $1 AND position = $2"
        );
        let named = query(sql).bind(reactor.name()).bind(due.position).bind(failure.error()).bind(attempts);
        self.database.execute(named.bind(&*self.build)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_never_end() {
        let failed = Failure::Failed(String::new());
        assert_eq!(failed.retry_at("now", 1), "now + 5000");
        assert_eq!(failed.retry_at("now", 5), "now + 3600000");
        assert_eq!(failed.retry_at("now", 500), "now + 3600000");
        assert_eq!(Failure::Unreadable(String::new()).retry_at("now", 1), "CAST(NULL AS BIGINT)");
    }
}
