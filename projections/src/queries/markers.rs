//! Read markers: who has read and received up to where, and what that says of a message.

use super::{MessageStatus, Queries, QueryError, padded};
use domain::{ConversationId, UserId};
use sql::{placeholders, query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How far a member has come in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkerRow {
    /// Who.
    pub user: UserId,
    /// Up to where they have read.
    pub read_seq: u64,
    /// Up to where their devices have received.
    pub delivered_seq: u64,
}

/// The active members of some conversations who have read or received least: the two who have of each suffice to
/// tell the status of any message, whoever sent it.
pub(super) struct Slowest(BTreeMap<Uuid, Vec<MarkerRow>>);

impl Slowest {
    /// `READ` once every other active member has read up to `seq`; `DELIVERED` once it has reached a device of
    /// each. What was there before somebody joined does not wait for them.
    pub(super) fn status(&self, conversation: ConversationId, sender: UserId, seq: u64) -> MessageStatus {
        let members = self.0.get(&conversation.0).map(Vec::as_slice).unwrap_or_default();
        let others = || members.iter().filter(|member| member.user != sender);
        if others().next().is_none() {
            MessageStatus::Sent
        } else if others().all(|member| member.read_seq >= seq) {
            MessageStatus::Read
        } else if others().all(|member| member.delivered_seq >= seq) {
            MessageStatus::Delivered
        } else {
            MessageStatus::Sent
        }
    }
}

impl Queries {
    /// The markers of all active members of a conversation of which the viewer is one.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is in.
    pub async fn markers(&self, viewer: UserId, conversation: ConversationId) -> Result<Vec<MarkerRow>, QueryError> {
        self.require_active(viewer, conversation).await?;
        let sql = "SELECT m.user_id, COALESCE(r.read_seq, 0), COALESCE(r.delivered_seq, 0) FROM members m \
                   LEFT JOIN read_markers r ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
                   WHERE m.conversation_id = $1 AND m.status = 'active' ORDER BY m.user_id";
        let mut markers = Vec::new();
        for row in self.database.fetch_all(query(sql).bind(conversation.0)).await? {
            let (read_seq, delivered_seq) = (row.unsigned(1)?, row.unsigned(2)?);
            markers.push(MarkerRow { user: UserId(row.get(0)?), read_seq, delivered_seq });
        }
        Ok(markers)
    }

    pub(super) async fn slowest(&self, conversations: &[Uuid]) -> Result<Slowest, QueryError> {
        let ids = padded(conversations);
        let mut slowest: BTreeMap<Uuid, Vec<MarkerRow>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(Slowest(slowest));
        }
        let sql = format!(
            "SELECT conversation_id, user_id, read_seq, delivered_seq FROM (SELECT conversation_id, user_id, \
             read_seq, delivered_seq, ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY read_seq) AS by_read, \
             ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY delivered_seq) AS by_delivered \
             FROM (SELECT m.conversation_id, m.user_id, \
             CASE WHEN r.read_seq > m.join_seq THEN r.read_seq ELSE m.join_seq END AS read_seq, \
             CASE WHEN r.delivered_seq > m.join_seq THEN r.delivered_seq ELSE m.join_seq END AS delivered_seq \
             FROM members m LEFT JOIN read_markers r \
             ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
             WHERE m.status = 'active' AND m.conversation_id IN ({})) marked) ranked \
             WHERE by_read <= 2 OR by_delivered <= 2",
            placeholders(1, ids.len())
        );
        for row in self.database.fetch_all(query(sql).bind_all(ids)).await? {
            let marker =
                MarkerRow { user: UserId(row.get(1)?), read_seq: row.unsigned(2)?, delivered_seq: row.unsigned(3)? };
            slowest.entry(row.get(0)?).or_default().push(marker);
        }
        Ok(Slowest(slowest))
    }
}
