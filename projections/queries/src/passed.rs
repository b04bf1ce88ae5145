//! The read markers that have passed a message, private ones included, for audits.

use crate::{Queries, QueryError};
use domain::{ConversationId, Timestamp, UserId};
use sql::query;

/// A marker that has passed a message, as read or as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedMarkerRow {
    pub user: UserId,
    /// The last seq read.
    pub read_seq: u64,
    /// The last seq received by a device.
    pub delivered_seq: u64,
    /// When they shared that they had read it; `None` if they have not.
    pub read_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
}

impl Queries {
    /// At most `limit` markers of a conversation at or after `seq`.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn passed(
        &self,
        conversation: ConversationId,
        seq: u64,
        limit: u32,
    ) -> Result<Vec<PassedMarkerRow>, QueryError> {
        let at = |mark| {
            format!(
                "(SELECT r.at FROM receipts r WHERE r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
                 AND r.mark = '{mark}' AND r.seq >= $2 ORDER BY r.seq LIMIT 1)"
            )
        };
        let sql = format!(
            "SELECT m.user_id, m.read_seq, m.delivered_seq, {} AS read_at, {} AS delivered_at FROM read_markers m \
             WHERE m.conversation_id = $1 AND (m.read_seq >= $2 OR m.delivered_seq >= $2) ORDER BY m.user_id LIMIT $3",
            at("read"),
            at("delivered")
        );
        let passed = query(sql).bind(conversation.0).bind(seq).bind(limit);
        let rows = self.database.fetch_all(passed).await?;
        let row = |row: &sql::Row| {
            let time = |column: &str| Ok::<_, sql::Error>(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis));
            Ok(PassedMarkerRow {
                user: UserId(row.get("user_id")?),
                read_seq: row.unsigned("read_seq")?,
                delivered_seq: row.unsigned("delivered_seq")?,
                read_at: time("read_at")?,
                delivered_at: time("delivered_at")?,
            })
        };
        rows.iter().map(row).collect()
    }
}
