//! Messages, as one viewer sees them.

use crate::{
    AttachmentRow, Page, PageRequest, Queries, QueryError, ReactionRow, padded,
    page::{DEFAULT_LIMIT, MAX_LIMIT, PAGE_BYTES, Place, Weigh, bytes_of, cut_by_bytes},
    users::{self, PersonRow},
};
use domain::{ConversationId, MessageId, Timestamp, UserId};
use sql::{Query, Row, placeholders, query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    pub id: MessageId,
    pub conversation: ConversationId,
    pub sender: PersonRow,
    pub seq: u64,
    pub position: u64,
    /// `TEXT`, `IMAGE`, `FILE`, `VIDEO` or `CALL`.
    pub message_type: String,
    /// `None` once the message is deleted or its sender erased.
    pub content: Option<String>,
    /// In order.
    pub attachments: Vec<AttachmentRow>,
    pub reply_to: Option<MessageId>,
    pub mentions: Vec<UserId>,
    /// Ordered by the first reaction with each emoji.
    pub reactions: Vec<ReactionRow>,
    pub status: MessageStatus,
    pub created_at: Timestamp,
    /// The last edit.
    pub edited_at: Option<Timestamp>,
    /// The deletion for everybody.
    pub deleted_at: Option<Timestamp>,
    pub pinned_at: Option<Timestamp>,
    pinned_position: Option<i64>,
    /// The bytes of its attachments, known before they are read.
    attached: usize,
}

/// The newest messages of a conversation among which its last visible message is searched.
pub const LAST_EXAMINED: u64 = 100;
/// Rows read per statement: a page of the default size, and one more that shows whether there is a next page.
const AT_A_TIME: usize = DEFAULT_LIMIT as usize + 1;
/// The weight of a mention, in bytes.
const MENTION: usize = 40;

impl Weigh for MessageRow {
    /// Without its reactions, of which a message has at most 50 kinds.
    fn weight(&self) -> usize {
        self.sender.weight() + bytes_of(&self.content) + self.attached + MENTION * self.mentions.len()
    }
}

/// The delivery status of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    Sent,
    /// A device of every other member has received it.
    Delivered,
    Read,
}

impl MessageStatus {
    /// The word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "SENT",
            Self::Delivered => "DELIVERED",
            Self::Read => "READ",
        }
    }
}

/// A window of a conversation's messages. The answer is newest first, whichever the window is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageWindow {
    #[default]
    Latest,
    /// The nearest messages before this seq.
    Before(u64),
    /// The nearest messages after this seq.
    After(u64),
    /// Half of the limit up to and including this seq, the other half after it.
    Around(u64),
}

/// The part of a conversation that a viewer sees.
#[derive(Clone, Copy)]
struct Visible {
    viewer: UserId,
    conversation: ConversationId,
    /// The last cleared seq; nothing up to it is visible.
    cleared: u64,
}

pub(crate) const SELECT: &str = "SELECT m.id, m.conversation_id, m.sender_id, m.seq, m.position, m.message_type, m.content, \
    m.reply_to, m.mentions, m.created_at, m.edited_at, m.deleted_at, m.pinned_at, m.pinned_position, u.first_name, u.last_name, u.avatar_url, \
    (SELECT CAST(COALESCE(SUM(100 + OCTET_LENGTH(a.file_url) + COALESCE(OCTET_LENGTH(a.thumb_url), 0) \
    + COALESCE(OCTET_LENGTH(a.name), 0)), 0) AS BIGINT) FROM attachments a WHERE a.message_id = m.id) AS attached \
    FROM messages m LEFT JOIN users u ON u.id = m.sender_id";
/// `$1` is the viewer.
pub(crate) const NOT_HIDDEN: &str = "NOT EXISTS (SELECT 1 FROM hidden h WHERE h.message_id = m.id AND h.user_id = $1)";

impl Queries {
    /// Messages of a conversation of which the viewer is an active member, newest first, without hidden and cleared
    /// ones. `next` is a seq: continue from it with [`MessageWindow::After`] towards newer messages, otherwise with
    /// [`MessageWindow::Before`]. A page ends at its limit or at [`PAGE_BYTES`].
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is an active member.
    pub async fn messages(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        window: MessageWindow,
        limit: Option<u32>,
    ) -> Result<Page<MessageRow>, QueryError> {
        let cleared = self.require_active(viewer, conversation).await?;
        let of = Visible { viewer, conversation, cleared };
        let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
        let (mut messages, more) = match window {
            MessageWindow::Latest => self.older(of, u64::MAX, limit, PAGE_BYTES).await?,
            MessageWindow::Before(seq) => self.older(of, seq, limit, PAGE_BYTES).await?,
            MessageWindow::After(seq) => self.newer(of, seq, limit, PAGE_BYTES).await?,
            MessageWindow::Around(seq) => {
                let (mut messages, _) = self.newer(of, seq, limit / 2, PAGE_BYTES / 2).await?;
                let (older, more) = self.older(of, seq.saturating_add(1), limit - limit / 2, PAGE_BYTES / 2).await?;
                messages.extend(older);
                (messages, more)
            }
        };
        let edge = if matches!(window, MessageWindow::After(_)) { messages.first() } else { messages.last() };
        let next = edge.filter(|_| more).map(|message| message.seq.to_string());
        self.complete(viewer, &mut messages).await?;
        Ok(Page { items: messages, next })
    }

    /// A message of a conversation of which the viewer is an active member.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is an active member and did not hide or clear it.
    pub async fn message(&self, viewer: UserId, message: MessageId) -> Result<MessageRow, QueryError> {
        let sql = format!(
            "{SELECT} JOIN members v ON v.conversation_id = m.conversation_id AND v.user_id = $1 \
             AND v.status = 'active' \
             LEFT JOIN own_settings s ON s.conversation_id = v.conversation_id AND s.user_id = v.user_id \
             WHERE m.id = $2 AND m.seq > COALESCE(s.cleared_seq, 0) AND {NOT_HIDDEN}"
        );
        let mut found = self.message_rows(query(sql).bind(viewer.0).bind(message.0)).await?;
        self.complete(viewer, &mut found).await?;
        found.pop().ok_or(QueryError::NotFound)
    }

    /// The pinned messages of a conversation of which the viewer is an active member, without hidden and cleared ones;
    /// the last one pinned comes first.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is an active member; [`QueryError::BadToken`].
    pub async fn pins(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        page: &PageRequest,
    ) -> Result<Page<MessageRow>, QueryError> {
        let cleared = self.require_active(viewer, conversation).await?;
        let sql = format!(
            "{SELECT} WHERE m.conversation_id = $2 AND m.pinned_position < $3 AND m.seq > $4 AND {NOT_HIDDEN} \
             ORDER BY m.pinned_position DESC LIMIT $5"
        );
        let place = page.place()?;
        let pins = query(sql).bind(viewer.0).bind(conversation.0).bind(place.number).bind(cleared).bind(page.probe());
        let pins = self.message_rows(pins).await?;
        let place = |row: &MessageRow| Place { number: row.pinned_position.unwrap_or_default(), id: row.id.0 };
        let mut page = Page::cut(pins, page, place);
        self.complete(viewer, &mut page.items).await?;
        Ok(page)
    }

    /// The number of other pinned messages in the conversation of a message.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn pinned_beside(&self, message: MessageId) -> Result<u64, QueryError> {
        let sql = "SELECT COUNT(*) AS pinned FROM messages p WHERE p.conversation_id = \
                   (SELECT m.conversation_id FROM messages m WHERE m.id = $1) AND p.pinned_position > 0 AND p.id <> $1";
        let row = self.database.fetch_optional(query(sql).bind(message.0)).await?;
        Ok(row.map_or(Ok(0), |row| row.unsigned("pinned"))?)
    }

    /// The newest message of each conversation that the viewer neither hid nor cleared, to be
    /// [completed](Self::complete). A deleted one is a tombstone. The caller has checked the viewer's membership.
    pub(crate) async fn last_messages(
        &self,
        viewer: UserId,
        conversations: &[Uuid],
    ) -> Result<BTreeMap<Uuid, MessageRow>, QueryError> {
        let ids = padded(conversations);
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sql = format!(
            "{SELECT} WHERE m.id IN (SELECT (SELECT m.id FROM \
             (SELECT l.id, l.seq FROM messages l WHERE l.conversation_id = c.id \
             AND l.seq > COALESCE((SELECT s.cleared_seq FROM own_settings s WHERE s.conversation_id = c.id \
             AND s.user_id = $1), 0) ORDER BY l.seq DESC LIMIT {LAST_EXAMINED}) m \
             WHERE {NOT_HIDDEN} ORDER BY m.seq DESC LIMIT 1) \
             FROM conversations c WHERE c.id IN ({}))",
            placeholders(2, ids.len())
        );
        let messages = self.message_rows(query(sql).bind(viewer.0).bind_all(ids)).await?;
        Ok(messages.into_iter().map(|message| (message.conversation.0, message)).collect())
    }

    /// The nearest messages before `seq`, newest first, and whether there are more.
    async fn older(
        &self,
        of: Visible,
        seq: u64,
        limit: usize,
        room: usize,
    ) -> Result<(Vec<MessageRow>, bool), QueryError> {
        let sql = format!(
            "{SELECT} WHERE m.conversation_id = $2 AND m.seq < $3 AND m.seq > $4 AND {NOT_HIDDEN} \
             ORDER BY m.seq DESC LIMIT $5"
        );
        let before = |seq: u64, count: u64| {
            let older = query(sql.clone()).bind(of.viewer.0).bind(of.conversation.0).bind(seq);
            older.bind(of.cleared).bind(count)
        };
        self.nearest(seq, limit, room, before).await
    }

    /// The nearest messages after `seq`, newest first, and whether there are more.
    async fn newer(
        &self,
        of: Visible,
        seq: u64,
        limit: usize,
        room: usize,
    ) -> Result<(Vec<MessageRow>, bool), QueryError> {
        let sql =
            format!("{SELECT} WHERE m.conversation_id = $2 AND m.seq > $3 AND {NOT_HIDDEN} ORDER BY m.seq LIMIT $4");
        let after =
            |seq: u64, count: u64| query(sql.clone()).bind(of.viewer.0).bind(of.conversation.0).bind(seq).bind(count);
        let (mut messages, more) = self.nearest(seq.max(of.cleared), limit, room, after).await?;
        messages.reverse();
        Ok((messages, more))
    }

    /// The messages on one side of `seq`, nearest first, and whether there are more. Reads in portions, so that few
    /// large messages are read in vain.
    async fn nearest(
        &self,
        mut seq: u64,
        limit: usize,
        room: usize,
        beyond: impl Fn(u64, u64) -> Query,
    ) -> Result<(Vec<MessageRow>, bool), QueryError> {
        let (mut messages, mut taken) = (Vec::new(), 0_usize);
        loop {
            let wanted = (limit + 1 - messages.len()).min(AT_A_TIME);
            let portion = self.message_rows(beyond(seq, wanted as u64)).await?;
            let is_last = portion.len() < wanted;
            taken = portion.iter().map(MessageRow::weight).fold(taken, usize::saturating_add);
            seq = portion.last().map_or(seq, |last| last.seq);
            messages.extend(portion);
            if is_last || messages.len() > limit || taken > room {
                break;
            }
        }
        let more = messages.len() > limit;
        messages.truncate(limit);
        let cut = cut_by_bytes(&mut messages, room, MessageRow::weight);
        Ok((messages, more || cut))
    }

    pub(crate) async fn message_rows(&self, query: Query) -> Result<Vec<MessageRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        Ok(rows.iter().map(parse).collect::<Result<_, _>>()?)
    }
}

/// Reads a row of [`SELECT`]; [`Queries::complete`] adds attachments, reactions and status.
fn parse(row: &Row) -> Result<MessageRow, sql::Error> {
    let time = |column: &str| Ok::<_, sql::Error>(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis));
    Ok(MessageRow {
        id: MessageId(row.get("id")?),
        conversation: ConversationId(row.get("conversation_id")?),
        sender: users::person(row, row.get("sender_id")?)?,
        seq: row.unsigned("seq")?,
        position: row.unsigned("position")?,
        message_type: row.get("message_type")?,
        content: row.get("content")?,
        attachments: Vec::new(),
        reply_to: row.get::<Option<Uuid>>("reply_to")?.map(MessageId),
        mentions: serde_json::from_str(&row.get::<String>("mentions")?).unwrap_or_default(),
        reactions: Vec::new(),
        status: MessageStatus::Sent,
        created_at: Timestamp::from_millis(row.get("created_at")?),
        edited_at: time("edited_at")?,
        deleted_at: time("deleted_at")?,
        pinned_at: time("pinned_at")?,
        pinned_position: row.get("pinned_position")?,
        attached: usize::try_from(row.get::<i64>("attached")?).unwrap_or_default(),
    })
}
