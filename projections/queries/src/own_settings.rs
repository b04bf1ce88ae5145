//! Conversations that their members cleared.

use crate::{Queries, QueryError};
use domain::{ConversationId, UserId};
use sql::query;

impl Queries {
    /// The conversations that `user` cleared, each with the last cleared seq.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn cleared(&self, user: UserId) -> Result<Vec<(ConversationId, u64)>, QueryError> {
        let sql = "SELECT conversation_id, cleared_seq FROM own_settings WHERE user_id = $1 AND cleared_seq > 0";
        let rows = self.database.fetch_all(query(sql).bind(user.0)).await?;
        let cleared =
            rows.iter().map(|row| Ok((ConversationId(row.get("conversation_id")?), row.unsigned("cleared_seq")?)));
        Ok(cleared.collect::<Result<_, sql::Error>>()?)
    }
}
