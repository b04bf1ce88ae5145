//! How much there is of everything, for administrators.

use super::{Queries, QueryError};
use domain::Timestamp;
use sql::query;

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts.
    pub accounts: u64,
    /// Of them, those stopped from acting.
    pub blocked: u64,
    /// Of them, moderators.
    pub moderators: u64,
    /// Of them, administrators.
    pub admins: u64,
    /// Direct conversations that are not over.
    pub direct: u64,
    /// Groups that are not over.
    pub groups: u64,
    /// Messages ever sent.
    pub messages: u64,
    /// Messages sent since some time.
    pub messages_since: u64,
    /// Reports that wait for a moderator.
    pub open_reports: u64,
    /// Events that could not be applied, and those behind them.
    pub parked: u64,
}

const SQL: &str = "SELECT \
    (SELECT COUNT(*) FROM users WHERE created_at IS NOT NULL), \
    (SELECT COUNT(*) FROM users WHERE is_blocked), \
    (SELECT COUNT(*) FROM users WHERE COALESCE(changed_role, role) = 'MODERATOR' AND created_at IS NOT NULL), \
    (SELECT COUNT(*) FROM users WHERE COALESCE(changed_role, role) = 'ADMIN' AND created_at IS NOT NULL), \
    (SELECT COUNT(*) FROM conversations WHERE deleted_at IS NULL AND type = 'direct'), \
    (SELECT COUNT(*) FROM conversations WHERE deleted_at IS NULL AND type = 'group'), \
    (SELECT COUNT(*) FROM messages), \
    (SELECT COUNT(*) FROM messages WHERE created_at >= $1), \
    (SELECT COUNT(*) FROM reports WHERE status = 'PENDING'), \
    (SELECT COUNT(*) FROM parked)";

impl Queries {
    /// How much there is of everything; of messages, also how many since `since`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn counts(&self, since: Timestamp) -> Result<Counts, QueryError> {
        let row = self.database.fetch_optional(query(SQL).bind(since.millis())).await?.ok_or(QueryError::NotFound)?;
        Ok(Counts {
            accounts: row.unsigned(0)?,
            blocked: row.unsigned(1)?,
            moderators: row.unsigned(2)?,
            admins: row.unsigned(3)?,
            direct: row.unsigned(4)?,
            groups: row.unsigned(5)?,
            messages: row.unsigned(6)?,
            messages_since: row.unsigned(7)?,
            open_reports: row.unsigned(8)?,
            parked: row.unsigned(9)?,
        })
    }
}
