//! The receipts of a message, as far as its recipients share them.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, Weigh},
    users::{self, PersonRow},
};
use domain::{MessageId, Timestamp, UserId};
use sql::query;

/// The receipt of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    pub person: PersonRow,
    /// When a device of theirs had received it.
    pub delivered_at: Timestamp,
    /// When they had read it; `None` if they have not, or do not share it.
    pub read_at: Option<Timestamp>,
    joined_position: i64,
}

impl Weigh for ReceiptRow {
    fn weight(&self) -> usize {
        self.person.weight()
    }
}

impl Queries {
    /// The receipts of the active members who joined before the message, without its sender, latest member first.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is an active member and did not hide or clear it; [`QueryError::BadToken`].
    pub async fn receipts(
        &self,
        viewer: UserId,
        message: MessageId,
        page: &PageRequest,
    ) -> Result<Page<ReceiptRow>, QueryError> {
        let message = self.message(viewer, message).await?;
        // The first move of a marker to `seq` or beyond passed the message.
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
            let time = |column: &str| Ok::<_, sql::Error>(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis));
            let (delivered_at, read_at) = (time("delivered_at")?, time("read_at")?);
            // A read message was delivered before.
            let delivered_at = [delivered_at, read_at].into_iter().flatten().min().unwrap_or_default();
            let person = users::person(&row, row.get("user_id")?)?;
            receipts.push(ReceiptRow { person, delivered_at, read_at, joined_position: row.get("joined_position")? });
        }
        Ok(Page::cut(receipts, page, |receipt| Place { number: receipt.joined_position, id: receipt.person.id.0 }))
    }
}
