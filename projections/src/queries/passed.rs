//! Whose read markers have passed a message: for audits, so that private ones are told, too.

use super::{Queries, QueryError};
use domain::{ConversationId, Timestamp, UserId};
use sql::query;

/// A marker that has passed a message, as read or merely delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedRow {
    /// Whose.
    pub user: UserId,
    /// Up to where they have read.
    pub read_seq: u64,
    /// Up to where it has come to a device of theirs.
    pub delivered_seq: u64,
    /// When they showed that they had read it; `None` when they have not, or do not say.
    pub read_at: Option<Timestamp>,
    /// When it was said to have come.
    pub delivered_at: Option<Timestamp>,
}

impl Queries {
    /// At most `limit` markers of a conversation that have passed `seq`.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn passed(
        &self,
        conversation: ConversationId,
        seq: u64,
        limit: u32,
    ) -> Result<Vec<PassedRow>, QueryError> {
        let at = |mark| {
            format!(
                "(SELECT r.at FROM receipts r WHERE r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
                 AND r.mark = '{mark}' AND r.seq >= $2 ORDER BY r.seq LIMIT 1)"
            )
        };
        let sql = format!(
            "SELECT m.user_id, m.read_seq, m.delivered_seq, {}, {} FROM read_markers m \
             WHERE m.conversation_id = $1 AND (m.read_seq >= $2 OR m.delivered_seq >= $2) ORDER BY m.user_id LIMIT $3",
            at("read"),
            at("delivered")
        );
        let passed = query(sql).bind(conversation.0).bind(seq).bind(limit);
        let rows = self.database.fetch_all(passed).await?;
        let row = |row: &sql::Row| {
            let time = |index| Ok::<_, sql::Error>(row.get::<Option<i64>>(index)?.map(Timestamp::from_millis));
            Ok(PassedRow {
                user: UserId(row.get(0)?),
                read_seq: row.unsigned(1)?,
                delivered_seq: row.unsigned(2)?,
                read_at: time(3)?,
                delivered_at: time(4)?,
            })
        };
        rows.iter().map(row).collect()
    }
}
