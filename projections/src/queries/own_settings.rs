//! What people cleared.

use super::{Queries, QueryError};
use domain::{ConversationId, UserId};
use sql::query;

impl Queries {
    /// The conversations of which `user` cleared something, and up to which seq.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn cleared(&self, user: UserId) -> Result<Vec<(ConversationId, u64)>, QueryError> {
        let sql = "SELECT conversation_id, cleared_seq FROM own_settings WHERE user_id = $1 AND cleared_seq > 0";
        let rows = self.database.fetch_all(query(sql).bind(user.0)).await?;
        let cleared = rows.iter().map(|row| Ok((ConversationId(row.get(0)?), row.unsigned(1)?)));
        Ok(cleared.collect::<Result<_, sql::Error>>()?)
    }
}
