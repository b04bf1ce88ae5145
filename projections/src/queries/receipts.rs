//! To whom a message has come, and who has read it, as far as they let others know.

use super::{
    Page, PageRequest, Queries, QueryError,
    page::Place,
    users::{self, PersonRow},
};
use domain::{MessageId, Timestamp, UserId};
use sql::query;

/// To whom a message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// To whom.
    pub person: PersonRow,
    /// When it had reached a device of theirs.
    pub delivered_at: Timestamp,
    /// When they had read it; `None` when they have not, or do not say.
    pub read_at: Option<Timestamp>,
    joined_position: i64,
}

impl Queries {
    /// The active members other than its sender to whom a message has come; who came last into the conversation
    /// stands first. Who came after the message is not among them.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is in and did not hide or clear it; [`QueryError::BadToken`].
    pub async fn receipts(
        &self,
        viewer: UserId,
        message: MessageId,
        page: &PageRequest,
    ) -> Result<Page<ReceiptRow>, QueryError> {
        let message = self.message(viewer, message).await?;
        // A marker passed the message with the first of its moves that went as far.
        let passed = |mark| {
            format!(
                "(SELECT r.at FROM receipts r WHERE r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
                 AND r.mark = '{mark}' AND r.seq >= $2 ORDER BY r.seq LIMIT 1)"
            )
        };
        let sql = format!(
            "SELECT user_id, first_name, last_name, avatar_url, delivered_at, read_at, joined_position FROM (\
             SELECT m.user_id, u.first_name, u.last_name, u.avatar_url, m.joined_position, \
             {} AS delivered_at, {} AS read_at \
             FROM members m LEFT JOIN users u ON u.id = m.user_id \
             WHERE m.conversation_id = $1 AND m.status = 'active' AND m.user_id <> $3 AND m.join_seq < $2 \
             AND (m.joined_position, m.user_id) < ($4, $5)) passed \
             WHERE delivered_at IS NOT NULL OR read_at IS NOT NULL \
             ORDER BY joined_position DESC, user_id DESC LIMIT $6",
            passed("delivered"),
            passed("read")
        );
        let place = page.place()?;
        let listed = query(sql).bind(message.conversation.0).bind(message.seq).bind(message.sender.id.0);
        let mut receipts = Vec::new();
        for row in self.database.fetch_all(listed.bind(place.number).bind(place.id).bind(page.probe())).await? {
            let time = |index| Ok::<_, sql::Error>(row.get::<Option<i64>>(index)?.map(Timestamp::from_millis));
            let (delivered_at, read_at) = (time(4)?, time(5)?);
            // What was read had been delivered.
            let delivered_at = [delivered_at, read_at].into_iter().flatten().min().unwrap_or_default();
            let person = users::person(&row, row.get(0)?, 1)?;
            receipts.push(ReceiptRow { person, delivered_at, read_at, joined_position: row.get(6)? });
        }
        Ok(Page::cut(receipts, page, |receipt| Place { number: receipt.joined_position, id: receipt.person.id.0 }))
    }
}
