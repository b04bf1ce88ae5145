//! The table of alerts, in the database of the read models: a row for each rule and subject.

use super::{
    Change, Known, Step,
    alert::alert,
    steps::{Key, MOST},
};
use protocol::Alert;
use sql::{Database, Row, query};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// How long an alert that was cleared is shown.
const SHOWN: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The table. Clones share the connections.
#[derive(Clone, Debug)]
pub struct AlertTable(Database);

/// A change that is to be posted.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// Names the change: the same at each try.
    pub change: Uuid,
    /// The alert as it is now.
    pub alert: Alert,
    /// How often it was tried.
    pub attempts: u64,
}

impl AlertTable {
    /// In the read models, which MUST be migrated.
    #[must_use]
    pub const fn new(read_models: Database) -> Self {
        Self(read_models)
    }

    /// The alerts that are raised or suspected, and the time by the database's clock.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn known(&self) -> Result<(BTreeMap<Key, Known>, i64), sql::Error> {
        let now = query(format!("SELECT {} AS now", self.0.engine().now()));
        let now = self.0.fetch_optional(now).await?.map_or(Ok(0), |row| row.get("now"))?;
        let rows = query(format!(
            "SELECT rule, subject, value, since, suspected_since, raised_at, calm_since FROM alerts \
             WHERE suspected_since IS NOT NULL OR cleared_at IS NULL LIMIT {MOST}"
        ));
        let mut known = BTreeMap::new();
        for row in self.0.fetch_all(rows).await? {
            let of = match row.get::<Option<i64>>("suspected_since")? {
                Some(since) => Known { value: value(&row)?, since, ..Known::default() },
                None => Known {
                    value: value(&row)?,
                    since: row.get("since")?,
                    raised_at: row.get("raised_at")?,
                    calm_since: row.get("calm_since")?,
                },
            };
            known.insert(key(&row)?, of);
        }
        Ok((known, now))
    }

    /// Keeps what is known after a step. A change is to be posted until `post_until`, under the name `change`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn keep(&self, step: &Step, now: i64, change: Uuid, post_until: Option<i64>) -> Result<(), sql::Error> {
        if step.known.raised_at.is_none() {
            return self.suspect(step).await;
        }
        let Step { key: (rule, subject), known, is_over, .. } = step;
        let keep = query(
            "INSERT INTO alerts (rule, subject, value, since, raised_at, calm_since, cleared_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (rule, subject) DO UPDATE SET value = excluded.value, \
             since = excluded.since, suspected_since = NULL, raised_at = excluded.raised_at, \
             calm_since = excluded.calm_since, cleared_at = excluded.cleared_at",
        );
        let keep = keep.bind(rule.as_str()).bind(subject.as_str()).bind(known.value.to_string()).bind(known.since);
        self.0.execute(keep.bind(known.raised_at).bind(known.calm_since).bind(is_over.then_some(now))).await?;
        if step.change.is_some() {
            let post = query(
                "UPDATE alerts SET change = $3, post_until = $4, post_at = $5, attempts = 0 \
                 WHERE rule = $1 AND subject = $2",
            );
            let post = post.bind(rule.as_str()).bind(subject.as_str()).bind(change).bind(post_until).bind(now);
            self.0.execute(post).await?;
        }
        Ok(())
    }

    /// Keeps that something is suspected, or that it is no longer. An earlier alert of the kind is shown all the same.
    async fn suspect(&self, step: &Step) -> Result<(), sql::Error> {
        let Step { key: (rule, subject), known, is_over, .. } = step;
        if *is_over {
            let forget = "DELETE FROM alerts WHERE rule = $1 AND subject = $2 AND raised_at IS NULL";
            self.0.execute(query(forget).bind(rule.as_str()).bind(subject.as_str())).await?;
            let drop = "UPDATE alerts SET suspected_since = NULL WHERE rule = $1 AND subject = $2";
            self.0.execute(query(drop).bind(rule.as_str()).bind(subject.as_str())).await?;
            return Ok(());
        }
        let suspect = query(
            "INSERT INTO alerts (rule, subject, value, since, suspected_since) VALUES ($1, $2, $3, $4, $4) \
             ON CONFLICT (rule, subject) DO UPDATE SET suspected_since = excluded.suspected_since",
        );
        let suspect = suspect.bind(rule.as_str()).bind(subject.as_str()).bind(known.value.to_string());
        self.0.execute(suspect.bind(known.since)).await.map(|_| ())
    }

    /// Removes alerts that were cleared a week ago.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn forget_old(&self, now: i64) -> Result<(), sql::Error> {
        let shown = i64::try_from(SHOWN.as_millis()).unwrap_or(i64::MAX);
        self.0.execute(query("DELETE FROM alerts WHERE cleared_at < $1").bind(now - shown)).await.map(drop)
    }

    /// The alerts in force and those that were cleared within a week, the newest first.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn shown(&self) -> Result<Vec<Alert>, sql::Error> {
        let all = query(format!(
            "SELECT rule, subject, value, since, raised_at, cleared_at FROM alerts WHERE raised_at IS NOT NULL \
             ORDER BY COALESCE(cleared_at, raised_at) DESC, rule, subject LIMIT {MOST}"
        ));
        self.0.fetch_all(all).await?.iter().map(shown).collect()
    }

    /// At most `most` changes that are to be posted now.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn due(&self, most: u32) -> Result<Vec<Due>, sql::Error> {
        let due = query(format!(
            "SELECT rule, subject, value, since, raised_at, cleared_at, change, attempts FROM alerts \
             WHERE post_until IS NOT NULL AND post_at <= {} ORDER BY post_at, rule, subject LIMIT $1",
            self.0.engine().now()
        ));
        let rows = self.0.fetch_all(due.bind(most)).await?;
        let due =
            |row: &Row| Ok(Due { change: row.get("change")?, alert: shown(row)?, attempts: row.unsigned("attempts")? });
        rows.iter().map(due).collect()
    }

    /// A change was posted.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn posted(&self, change: Uuid) -> Result<(), sql::Error> {
        let posted = query("UPDATE alerts SET post_until = NULL WHERE change = $1");
        self.0.execute(posted.bind(change)).await.map(drop)
    }

    /// A change could not be posted, and is tried again after a pause. Answers `false` when its time is over: it is given
    /// up.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn post_later(&self, change: Uuid, pause: Duration) -> Result<bool, sql::Error> {
        let now = self.0.engine().now();
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let later = query(format!(
            "UPDATE alerts SET attempts = attempts + 1, post_at = {now} + $2 WHERE change = $1 AND post_until > {now} + $2"
        ));
        if self.0.execute(later.bind(change).bind(pause)).await? > 0 {
            return Ok(true);
        }
        self.posted(change).await?;
        Ok(false)
    }
}

fn key(row: &Row) -> Result<Key, sql::Error> {
    Ok((row.get("rule")?, row.get("subject")?))
}

fn value(row: &Row) -> Result<f64, sql::Error> {
    Ok(row.get::<String>("value")?.parse().unwrap_or_default())
}

fn shown(row: &Row) -> Result<Alert, sql::Error> {
    let raised_at = row.get::<Option<i64>>("raised_at")?.unwrap_or_default();
    Ok(alert(key(row)?, value(row)?, [row.get("since")?, raised_at], row.get("cleared_at")?))
}

impl Step {
    /// The alert that was raised or cleared with it.
    pub(super) fn alert(&self, now: i64) -> Option<Alert> {
        let change = self.change?;
        let cleared_at = (change == Change::Cleared).then_some(now);
        let times = [self.known.since, self.known.raised_at.unwrap_or(now)];
        Some(alert(self.key.clone(), self.known.value, times, cleared_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::AlertState;
    use testkit::each_engine;

    fn step(known: Known, is_over: bool, change: Option<Change>) -> Step {
        Step { key: ("EngineAway".to_owned(), "redis".to_owned()), known, is_over, change }
    }

    each_engine!(the_next_process_goes_on_where_the_last_one_was, |home| async move {
        let table = AlertTable::new(Database::connect(&home.read_models(), 2).await.unwrap());
        let [one, two] = [1, 2].map(Uuid::from_u128);
        let suspected = Known { value: 1.0, since: 10, ..Known::default() };
        table.keep(&step(suspected.clone(), false, None), 10, one, None).await.unwrap();
        let (known, now) = table.known().await.unwrap();
        assert_eq!(known.values().collect::<Vec<_>>(), [&suspected]);
        assert!(now > 1_700_000_000_000, "{now}");
        assert_eq!(table.shown().await.unwrap(), [], "it is not raised");
        table.keep(&step(suspected.clone(), true, None), 11, one, None).await.unwrap();
        assert!(table.known().await.unwrap().0.is_empty());

        let raised = Known { raised_at: Some(20), ..suspected.clone() };
        table.keep(&step(raised.clone(), false, Some(Change::Raised)), 20, one, Some(now + 60_000)).await.unwrap();
        assert_eq!(table.known().await.unwrap().0.values().collect::<Vec<_>>(), [&raised]);
        let due = table.due(9).await.unwrap();
        assert_eq!((due.len(), due[0].change, due[0].alert.state), (1, one, AlertState::Raised));
        let calm = Known { value: 0.0, calm_since: Some(30), ..raised };
        table.keep(&step(calm.clone(), false, None), 30, two, Some(0)).await.unwrap();
        assert_eq!(table.due(9).await.unwrap()[0].change, one, "nothing changed that is to be posted");
        table.keep(&step(calm, true, Some(Change::Cleared)), now, two, Some(now + 60_000)).await.unwrap();
        assert!(table.known().await.unwrap().0.is_empty());
        let due = table.due(9).await.unwrap();
        assert_eq!((due.len(), due[0].change, due[0].alert.state), (1, two, AlertState::Cleared));

        // Suspected anew, the one that was cleared is still shown and posted.
        table.keep(&step(Known { since: now + 1, ..suspected }, false, None), now, one, None).await.unwrap();
        assert_eq!(table.shown().await.unwrap()[0].state, AlertState::Cleared);
        assert_eq!(table.due(9).await.unwrap()[0].alert.state, AlertState::Cleared);
        assert_eq!(table.known().await.unwrap().0.values().next().unwrap().raised_at, None);

        assert!(table.post_later(two, Duration::ZERO).await.unwrap());
        assert_eq!(table.due(9).await.unwrap()[0].attempts, 1);
        assert!(table.post_later(two, Duration::from_secs(30)).await.unwrap());
        assert_eq!(table.due(9).await.unwrap(), [], "not yet");
        assert!(!table.post_later(two, Duration::from_secs(3_600)).await.unwrap(), "its time is over");
        table.forget_old(now + 8 * 24 * 3_600_000).await.unwrap();
        assert_eq!(table.shown().await.unwrap(), []);
    });
}
