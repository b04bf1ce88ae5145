//! The delivery status of messages, from the read markers that members share.

use crate::{MessageStatus, Queries, QueryError, padded};
use domain::{ConversationId, UserId};
use sql::{placeholders, query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The marker of a member in a conversation.
struct Marker {
    user: UserId,
    read_seq: u64,
    delivered_seq: u64,
}

/// Per conversation, the active members with the lowest markers. Two of each kind suffice for the status of a message
/// of any sender.
pub(crate) struct Slowest(BTreeMap<Uuid, Vec<Marker>>);

impl Slowest {
    /// `READ` once every other active member has read up to `seq`; `DELIVERED` once a device of each has received it.
    /// Messages from before a member's joining do not wait for that member.
    pub(crate) fn status(&self, conversation: ConversationId, sender: UserId, seq: u64) -> MessageStatus {
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
    pub(crate) async fn slowest(&self, conversations: &[Uuid]) -> Result<Slowest, QueryError> {
        let ids = padded(conversations);
        let mut slowest: BTreeMap<Uuid, Vec<Marker>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(Slowest(slowest));
        }
        let sql = format!(
            "SELECT conversation_id, user_id, read_seq, delivered_seq FROM (SELECT conversation_id, user_id, \
             read_seq, delivered_seq, ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY read_seq) AS by_read, \
             ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY delivered_seq) AS by_delivered \
             FROM (SELECT m.conversation_id, m.user_id, \
             CASE WHEN r.shown_seq > m.join_seq THEN r.shown_seq ELSE m.join_seq END AS read_seq, \
             CASE WHEN r.delivered_seq > m.join_seq THEN r.delivered_seq ELSE m.join_seq END AS delivered_seq \
             FROM members m LEFT JOIN read_markers r \
             ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
             WHERE m.status = 'active' AND m.conversation_id IN ({})) marked) ranked \
             WHERE by_read <= 2 OR by_delivered <= 2",
            placeholders(1, ids.len())
        );
        for row in self.database.fetch_all(query(sql).bind_all(ids)).await? {
            let (read_seq, delivered_seq) = (row.unsigned("read_seq")?, row.unsigned("delivered_seq")?);
            let marker = Marker { user: UserId(row.get("user_id")?), read_seq, delivered_seq };
            slowest.entry(row.get("conversation_id")?).or_default().push(marker);
        }
        Ok(Slowest(slowest))
    }
}
