//! Live sessions of accounts.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, Weigh, framed},
};
use domain::{SessionId, Timestamp, UserId};
use sql::query;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    /// The name that the device gave itself.
    pub device_name: Option<String>,
    /// The address at sign-in.
    pub ip: Option<String>,
    pub started_at: Timestamp,
}

impl Weigh for SessionRow {
    fn weight(&self) -> usize {
        framed([&self.device_name, &self.ip])
    }
}

impl Queries {
    /// The live sessions of a user, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn sessions(&self, user: UserId, page: &PageRequest) -> Result<Page<SessionRow>, QueryError> {
        let sql = "SELECT id, device_name, ip, started_at FROM sessions \
                   WHERE user_id = $1 AND ended_at IS NULL AND (started_at, id) < ($2, $3) \
                   ORDER BY started_at DESC, id DESC LIMIT $4";
        let place = page.place()?;
        let live = query(sql).bind(user.0).bind(place.number).bind(place.id).bind(page.probe());
        let mut sessions = Vec::new();
        for row in self.database.fetch_all(live).await? {
            sessions.push(SessionRow {
                id: SessionId(row.get("id")?),
                device_name: row.get("device_name")?,
                ip: row.get("ip")?,
                started_at: Timestamp::from_millis(row.get("started_at")?),
            });
        }
        Ok(Page::cut(sessions, page, |session| Place { number: session.started_at.millis(), id: session.id.0 }))
    }
}
