//! Signed-in devices.

use super::{Page, PageRequest, Queries, QueryError, page::Place};
use domain::{SessionId, Timestamp, UserId};
use sql::query;

/// A signed-in device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Which.
    pub id: SessionId,
    /// What the device calls itself.
    pub device_name: Option<String>,
    /// Where it signed in from.
    pub ip: Option<String>,
    /// When it signed in.
    pub started_at: Timestamp,
}

impl Queries {
    /// The live sessions of a user, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn sessions(&self, user: UserId, page: &PageRequest) -> Result<Page<SessionRow>, QueryError> {
        let sql = "SELECT id, device_name, ip, started_at FROM sessions \
                   WHERE user_id = $1 AND ended_at IS NULL AND (started_at, id) < ($2, $3) \
                   ORDER BY started_at DESC, id DESC LIMIT $4";
        let place = page.place()?;
        let live = query(sql).bind(user.0).bind(place.number).bind(place.id).bind(page.probe());
        let mut sessions = Vec::new();
        for row in self.database.fetch_all(live).await? {
            sessions.push(SessionRow {
                id: SessionId(row.get(0)?),
                device_name: row.get(1)?,
                ip: row.get(2)?,
                started_at: Timestamp::from_millis(row.get(3)?),
            });
        }
        Ok(Page::cut(sessions, page, |session| Place { number: session.started_at.millis(), id: session.id.0 }))
    }
}
