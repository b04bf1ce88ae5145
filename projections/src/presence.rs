//! Stored presence: preferences, devices away, and last-seen times.
//!
//! Not a projection: the log has none of it. It is stored beside the read models, and rebuilds leave it alone.

use domain::{SessionId, Timestamp, UserId, text::StatusText};
use queries::padded;
use sql::{Database, Row, Transaction, Value, placeholders, query};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Users per statement.
const CHUNK: usize = 512;

/// A chosen status, which overrides the devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Online, and not to be disturbed.
    Busy,
    /// Shown as offline.
    Invisible,
}

/// A presence preference. It holds until the next choice, or until it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `None`: the status follows the devices.
    pub chosen: Option<Chosen>,
    pub text: Option<StatusText>,
    /// The end of the preference.
    pub until: Option<Timestamp>,
    /// The last-seen time shown while the person is invisible.
    pub hidden_seen: Option<Timestamp>,
}

/// The stored presence of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub choice: Choice,
    /// As far as it was recorded.
    pub last_seen: Option<Timestamp>,
    /// The sessions of devices that are away.
    pub away: BTreeSet<SessionId>,
}

/// Stores presence. Clones share the connections.
#[derive(Clone, Debug)]
pub struct PresenceStore {
    database: Database,
}

impl Chosen {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Invisible => "invisible",
        }
    }
}

impl PresenceStore {
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The stored presence of those of `users` who have any, in chunks of 512.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn load(&self, users: &[UserId]) -> Result<BTreeMap<UserId, Kept>, sql::Error> {
        let mut kept: BTreeMap<UserId, Kept> = BTreeMap::new();
        for users in users.chunks(CHUNK) {
            let ids = padded(&users.iter().map(|user| user.0).collect::<Vec<_>>());
            let sql = format!(
                "SELECT p.user_id, p.chosen, p.status_text, p.until_at, p.hidden_seen, p.last_seen, a.session_id \
                 FROM presence p LEFT JOIN presence_away a ON a.user_id = p.user_id WHERE p.user_id IN ({})",
                placeholders(1, ids.len())
            );
            for row in self.database.fetch_all(query(sql).bind_all(ids)).await? {
                let entry = kept.entry(UserId(row.get("user_id")?)).or_insert(parse(&row)?);
                entry.away.extend(row.get::<Option<Uuid>>("session_id")?.map(SessionId));
            }
        }
        Ok(kept)
    }

    /// Stores a preference.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn choose(&self, user: UserId, choice: &Choice) -> Result<(), sql::Error> {
        let sql = "INSERT INTO presence (user_id, chosen, status_text, until_at, hidden_seen) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET chosen = excluded.chosen, \
                   status_text = excluded.status_text, until_at = excluded.until_at, \
                   hidden_seen = excluded.hidden_seen";
        let Choice { chosen, text, until, hidden_seen } = choice;
        let bound =
            query(sql).bind(user.0).bind(chosen.map(Chosen::as_str)).bind(text.as_ref().map(StatusText::as_str));
        let bound = bound.bind(until.map(Timestamp::millis)).bind(hidden_seen.map(Timestamp::millis));
        self.database.execute(bound).await.map(drop)
    }

    /// Records that a device of `user` is away, and removes those of their devices that have signed out.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn leave(&self, user: UserId, session: SessionId) -> Result<(), sql::Error> {
        let mut tx = self.database.begin().await?;
        // Devices are found through their user's row.
        let person = "INSERT INTO presence (user_id) VALUES ($1) ON CONFLICT (user_id) DO NOTHING";
        tx.execute(query(person).bind(user.0)).await?;
        let ended = "DELETE FROM presence_away WHERE user_id = $1 AND EXISTS \
                     (SELECT 1 FROM sessions s WHERE s.id = presence_away.session_id AND s.ended_at IS NOT NULL)";
        tx.execute(query(ended).bind(user.0)).await?;
        let device = "INSERT INTO presence_away (user_id, session_id) VALUES ($1, $2) \
                      ON CONFLICT (user_id, session_id) DO NOTHING";
        tx.execute(query(device).bind(user.0).bind(session.0)).await?;
        tx.commit().await
    }

    /// Records that a device of `user` is active again.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn return_to(&self, user: UserId, session: SessionId) -> Result<(), sql::Error> {
        let sql = "DELETE FROM presence_away WHERE user_id = $1 AND session_id = $2";
        self.database.execute(query(sql).bind(user.0).bind(session.0)).await.map(drop)
    }

    /// The database's time, in milliseconds since the epoch.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn now(&self) -> Result<i64, sql::Error> {
        let now = format!("SELECT {} AS now", self.database.engine().now());
        self.database.fetch_optional(query(now)).await?.ok_or(sqlx::Error::RowNotFound)?.get("now")
    }

    /// Records last-seen times. An earlier time than the stored one changes nothing, and nothing is recorded for an
    /// invisible user.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn seen(&self, people: &BTreeMap<UserId, Timestamp>) -> Result<(), sql::Error> {
        if people.is_empty() {
            return Ok(());
        }
        let rows: Vec<Vec<Value>> = people.iter().map(|(user, at)| vec![user.0.into(), at.millis().into()]).collect();
        let mut tx = self.database.begin().await?;
        insert_seen(&mut tx, rows).await?;
        tx.commit().await
    }
}

/// Rows are in user order, so that two processes with the same users cannot deadlock.
async fn insert_seen(tx: &mut Transaction, rows: Vec<Vec<Value>>) -> Result<(), sql::Error> {
    // A time hidden from others is not revealed after they stop hiding.
    let later = "ON CONFLICT (user_id) DO UPDATE SET last_seen = CASE WHEN presence.last_seen > excluded.last_seen \
                 OR (presence.chosen = 'invisible' AND (presence.until_at IS NULL OR presence.until_at > excluded.last_seen)) \
                 THEN presence.last_seen ELSE excluded.last_seen END";
    tx.insert("INSERT INTO presence (user_id, last_seen) VALUES", rows, later).await
}

fn parse(row: &Row) -> Result<Kept, sql::Error> {
    let chosen = match row.get::<Option<String>>("chosen")?.as_deref() {
        Some("busy") => Some(Chosen::Busy),
        Some("invisible") => Some(Chosen::Invisible),
        _ => None,
    };
    let text = row.get::<Option<String>>("status_text")?.map(StatusText::stored);
    let time = |column: &str| Ok::<_, sql::Error>(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis));
    let choice = Choice { chosen, text, until: time("until_at")?, hidden_seen: time("hidden_seen")? };
    Ok(Kept { choice, last_seen: time("last_seen")?, away: BTreeSet::new() })
}
