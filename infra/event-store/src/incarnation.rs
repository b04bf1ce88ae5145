//! The incarnation of a log: a restored log gets a new one, and remembers those it had before.
//!
//! Whatever was kept outside of the log under an earlier incarnation (cursors, read models, a graph in Redis, messages of
//! RabbitMQ) is recognised by it as belonging to a log that went on differently.

use crate::{EventStore, Position, ReadError, digest::first_chain, open::random_id};
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sql::{Database, Location, SchemaError, Transaction, query};
use uuid::Uuid;

/// The name of the setting with the present incarnation.
pub(crate) const INCARNATION: &str = "incarnation";
/// The name of the setting with the earlier ones. Builds that do not know it ignore it.
pub(crate) const FORMER: &str = "former_incarnations";
/// The most that are remembered: the first, and the newest of the others.
const REMEMBERED: usize = 64;

/// An earlier incarnation of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerIncarnation {
    /// Its id.
    pub incarnation: Uuid,
    /// The last position that the log still shares with it.
    pub until: Position,
    /// When it ended, in milliseconds since the epoch.
    pub ended_at: i64,
}

/// A change of the incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The new incarnation.
    pub incarnation: Uuid,
    /// The one before.
    pub former: FormerIncarnation,
}

impl EventStore {
    /// The earlier incarnations of this log, oldest first; at most 64.
    #[must_use]
    pub fn former_incarnations(&self) -> &[FormerIncarnation] {
        &self.fixed().former
    }

    /// The chain of the empty log, with which its hash chain begins: that of its first incarnation.
    #[must_use]
    pub fn first_chain(&self) -> [u8; 32] {
        first_chain(self.former_incarnations().first().map_or(self.incarnation(), |former| former.incarnation))
    }

    /// Whether the log still has the incarnation with which it was opened.
    pub(crate) async fn has_same_incarnation(&self) -> Result<bool, ReadError> {
        let stored = query("SELECT value FROM settings WHERE name = $1").bind(INCARNATION);
        let stored = self.database().fetch_optional(stored).await?.map(|row| row.get::<String>("value")).transpose()?;
        Ok(stored.is_some_and(|stored| stored == self.incarnation().to_string()))
    }
}

/// Gives an existing log a new incarnation, after it was taken back to an earlier moment. Running processes notice it
/// within seconds, and end.
///
/// # Errors
/// [`ReadError`], also when there is no log.
pub async fn renew_incarnation(location: &Location, at: Timestamp) -> Result<Renewed, ReadError> {
    if !Database::exists(location).await? {
        return Err(sql::Error::from(SchemaError::Missing).into());
    }
    let database = Database::connect(location, 1).await?;
    let renewed = async {
        let mut tx = database.begin().await?;
        let renewed = renew(&mut tx, at).await?;
        tx.commit().await?;
        Ok(renewed)
    };
    let renewed = renewed.await;
    database.close().await;
    renewed
}

/// Does it within a transaction.
pub(crate) async fn renew(tx: &mut Transaction, at: Timestamp) -> Result<Renewed, ReadError> {
    let damaged = |what: &str| ReadError::Damaged(format!("it has no {what}"));
    let (mut before, mut former) = (None, Vec::new());
    for row in tx.fetch_all(query("SELECT name, value FROM settings")).await? {
        match row.get::<String>("name")?.as_str() {
            INCARNATION => before = row.get::<String>("value")?.parse().ok(),
            FORMER => former = parse(&row.get::<String>("value")?)?,
            _ => {}
        }
    }
    let before = before.ok_or_else(|| damaged("incarnation"))?;
    let head = query("SELECT last_position FROM ledger ORDER BY last_position DESC LIMIT 1");
    let head = tx.fetch_optional(head).await?.ok_or_else(|| damaged("ledger"))?.unsigned("last_position")?;
    let ended = FormerIncarnation { incarnation: before, until: head, ended_at: at.millis() };
    let incarnation = random_id()?;
    let former = serde_json::to_string(&after(former, ended)).map_err(|error| ReadError::Damaged(error.to_string()))?;
    let set = "INSERT INTO settings (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    for (name, value) in [(INCARNATION, incarnation.to_string()), (FORMER, former)] {
        tx.execute(query(set).bind(name).bind(value)).await?;
    }
    Ok(Renewed { incarnation, former: ended })
}

/// The earlier incarnations of a log that ends at `ended.until`: it shares no more than that with any of them.
fn after(mut former: Vec<FormerIncarnation>, ended: FormerIncarnation) -> Vec<FormerIncarnation> {
    for earlier in &mut former {
        earlier.until = earlier.until.min(ended.until);
    }
    former.push(ended);
    while former.len() > REMEMBERED {
        // The chain begins with the first.
        former.remove(1);
    }
    former
}

/// Reads the setting [`FORMER`].
pub(crate) fn parse(text: &str) -> Result<Vec<FormerIncarnation>, ReadError> {
    serde_json::from_str(text).map_err(|_| ReadError::Damaged(format!("the setting {FORMER} is not one")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(n: u128, until: Position) -> FormerIncarnation {
        FormerIncarnation { incarnation: Uuid::from_u128(n), until, ended_at: 0 }
    }

    #[test]
    fn a_log_shares_no_more_with_an_earlier_incarnation_than_it_has() {
        let former = after(vec![ended(1, 40), ended(2, 90)], ended(3, 60));
        assert_eq!(former, [ended(1, 40), ended(2, 60), ended(3, 60)]);
        assert_eq!(parse(&serde_json::to_string(&former).unwrap()).unwrap(), former);
    }

    #[test]
    fn the_first_and_the_newest_are_remembered() {
        let former = (1..=100).fold(Vec::new(), |former, n| after(former, ended(n, 1_000)));
        assert_eq!(former.len(), REMEMBERED);
        assert_eq!(
            (former[0], former[1], former[REMEMBERED - 1]),
            (ended(1, 1_000), ended(38, 1_000), ended(100, 1_000))
        );
    }
}
