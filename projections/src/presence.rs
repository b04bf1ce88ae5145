//! What people chose to be seen as, the devices they are away from, and when they were last here.
//!
//! No projection: nothing of it stands in the log. It lives beside the read models, and rebuilds leave it alone.

use crate::{now::now, queries::padded};
use domain::{SessionId, Timestamp, UserId, text::StatusText};
use sql::{Database, Row, Transaction, Value, placeholders, query};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// People asked for in one statement.
const CHUNK: usize = 512;

/// What somebody wants to be seen as, whatever their devices say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Here, and not to be disturbed.
    Busy,
    /// As if they were not here.
    Invisible,
}

/// What somebody chose. It holds until they choose again, or until its time has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `None`: what their devices say.
    pub chosen: Option<Chosen>,
    /// In their own words.
    pub text: Option<StatusText>,
    /// From when on nothing of it holds.
    pub until: Option<Timestamp>,
    /// When an invisible person is said to have been here last.
    pub hidden_seen: Option<Timestamp>,
}

/// What is kept of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// What they chose last.
    pub choice: Choice,
    /// When they were last here, as far as it was noted.
    pub last_seen: Option<Timestamp>,
    /// The devices they are away from.
    pub away: BTreeSet<SessionId>,
}

/// Keeps it. Clones share the connections.
#[derive(Clone, Debug)]
pub struct PresenceStore {
    database: Database,
}

impl Chosen {
    /// Its word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Invisible => "invisible",
        }
    }
}

impl PresenceStore {
    /// Beside these read models.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// What is kept of those of `users` of whom there is something: a statement for each few hundred.
    ///
    /// # Errors
    /// When the database is away.
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
                let entry = kept.entry(UserId(row.get(0)?)).or_insert(parse(&row)?);
                entry.away.extend(row.get::<Option<Uuid>>(6)?.map(SessionId));
            }
        }
        Ok(kept)
    }

    /// `user` chooses.
    ///
    /// # Errors
    /// When the database is away.
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

    /// `user` is away from a device. Such of their devices as have signed out are forgotten on the occasion.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn leave(&self, user: UserId, session: SessionId) -> Result<(), sql::Error> {
        let mut tx = self.database.begin().await?;
        // A device is found through its person's row.
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

    /// `user` is back at a device.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn return_to(&self, user: UserId, session: SessionId) -> Result<(), sql::Error> {
        let sql = "DELETE FROM presence_away WHERE user_id = $1 AND session_id = $2";
        self.database.execute(query(sql).bind(user.0).bind(session.0)).await.map(drop)
    }

    /// What time it is, in milliseconds since the epoch, by the database's clock.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn now(&self) -> Result<i64, sql::Error> {
        let now = format!("SELECT {}", now(self.database.engine()));
        self.database.fetch_optional(query(now)).await?.ok_or(sqlx::Error::RowNotFound)?.get(0)
    }

    /// When people were last here; an earlier time than the one that is known changes nothing, and of whoever is
    /// invisible nothing is noted. A statement for each hundred.
    ///
    /// # Errors
    /// When the database is away.
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

/// The rows are in the order of users: so two processes that note the same people do not wait for each other in turn.
async fn insert_seen(tx: &mut Transaction, rows: Vec<Vec<Value>>) -> Result<(), sql::Error> {
    // What is not known to others while they hide is not found out when they no longer do.
    let later = "ON CONFLICT (user_id) DO UPDATE SET last_seen = CASE WHEN presence.last_seen > excluded.last_seen \
                 OR (presence.chosen = 'invisible' AND (presence.until_at IS NULL OR presence.until_at > excluded.last_seen)) \
                 THEN presence.last_seen ELSE excluded.last_seen END";
    tx.insert("INSERT INTO presence (user_id, last_seen) VALUES", rows, later).await
}

fn parse(row: &Row) -> Result<Kept, sql::Error> {
    let chosen = match row.get::<Option<String>>(1)?.as_deref() {
        Some("busy") => Some(Chosen::Busy),
        Some("invisible") => Some(Chosen::Invisible),
        _ => None,
    };
    // A text that an older version let through is none.
    let text = row.get::<Option<String>>(2)?.and_then(|text| StatusText::parse(&text).ok());
    let time = |column| Ok::<_, sql::Error>(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis));
    let choice = Choice { chosen, text, until: time(3)?, hidden_seen: time(4)? };
    Ok(Kept { choice, last_seen: time(5)?, away: BTreeSet::new() })
}
