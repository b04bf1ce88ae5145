//! Totals of the server, for administrators.

use crate::{Queries, QueryError};
use domain::Timestamp;
use sql::query;

/// Totals of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerTotals {
    pub accounts: u64,
    pub blocked: u64,
    pub moderators: u64,
    pub admins: u64,
    /// Direct conversations that are not deleted.
    pub direct: u64,
    /// Groups that are not deleted.
    pub groups: u64,
    /// All messages, deleted ones included.
    pub messages: u64,
    /// Messages sent since the given time.
    pub messages_since: u64,
    pub open_reports: u64,
    /// Parked events, those behind another one included.
    pub parked: u64,
}

const SQL: &str = "SELECT \
    (SELECT COUNT(*) FROM users WHERE created_at IS NOT NULL) AS accounts, \
    (SELECT COUNT(*) FROM users WHERE is_blocked) AS blocked, \
    (SELECT COUNT(*) FROM users WHERE COALESCE(changed_role, role) = 'MODERATOR' AND created_at IS NOT NULL) AS moderators, \
    (SELECT COUNT(*) FROM users WHERE COALESCE(changed_role, role) = 'ADMIN' AND created_at IS NOT NULL) AS admins, \
    (SELECT COUNT(*) FROM conversations WHERE deleted_at IS NULL AND type = 'direct') AS direct_conversations, \
    (SELECT COUNT(*) FROM conversations WHERE deleted_at IS NULL AND type = 'group') AS group_conversations, \
    (SELECT COUNT(*) FROM messages) AS messages, \
    (SELECT COUNT(*) FROM messages WHERE created_at >= $1) AS messages_since, \
    (SELECT COUNT(*) FROM reports WHERE status = 'PENDING') AS open_reports, \
    (SELECT COUNT(*) FROM parked) AS parked";

impl Queries {
    /// Counts everything; messages also since `since`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn server_totals(&self, since: Timestamp) -> Result<ServerTotals, QueryError> {
        let row = self.database.fetch_optional(query(SQL).bind(since.millis())).await?.ok_or(QueryError::NotFound)?;
        Ok(ServerTotals {
            accounts: row.unsigned("accounts")?,
            blocked: row.unsigned("blocked")?,
            moderators: row.unsigned("moderators")?,
            admins: row.unsigned("admins")?,
            direct: row.unsigned("direct_conversations")?,
            groups: row.unsigned("group_conversations")?,
            messages: row.unsigned("messages")?,
            messages_since: row.unsigned("messages_since")?,
            open_reports: row.unsigned("open_reports")?,
            parked: row.unsigned("parked")?,
        })
    }
}
