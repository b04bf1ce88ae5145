//! Messages, as one viewer sees them.

use super::{
    AttachmentRow, Page, Queries, QueryError, ReactionRow,
    conversations::LAST_LOOKED_AT,
    padded,
    page::{MAX_LIMIT, PAGE_BYTES, bytes_of, cut_by_bytes},
    users::{self, PersonRow},
};
use domain::{ConversationId, MessageId, Timestamp, UserId};
use sql::{Query, Row, placeholders, query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// Who sent it.
    pub sender: PersonRow,
    /// Its number in the conversation.
    pub seq: u64,
    /// Its position in the log.
    pub position: u64,
    /// `TEXT`, `IMAGE`, `FILE`, `VIDEO` or `CALL`.
    pub message_type: String,
    /// The text; `None` once it was deleted, or its sender forgotten.
    pub content: Option<String>,
    /// What is attached, in order.
    pub attachments: Vec<AttachmentRow>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions.
    pub mentions: Vec<UserId>,
    /// Reactions, the emoji that came first standing first.
    pub reactions: Vec<ReactionRow>,
    /// How far it got.
    pub status: MessageStatus,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When its text was last replaced.
    pub edited_at: Option<Timestamp>,
    /// When it was removed for everybody.
    pub deleted_at: Option<Timestamp>,
    /// What its attachments have, in bytes: known before they are read.
    attached: usize,
}

/// What a message has beside its texts, in bytes of JSON, about.
const FRAME: usize = 512;
/// What a mention has.
const MENTION: usize = 40;

impl MessageRow {
    /// What it weighs in a page, in bytes, without its reactions.
    pub(super) fn weight(&self) -> usize {
        FRAME
            + bytes_of(&self.content)
            + self.attached
            + MENTION * self.mentions.len()
            + bytes_of(&self.sender.avatar_url)
    }
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// It is stored.
    Sent,
    /// It has reached every other member.
    Delivered,
    /// Every other member has read it.
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

/// Which messages of a conversation. Whichever they are, they are answered newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageWindow {
    /// The newest.
    #[default]
    Latest,
    /// The nearest older than this seq.
    Before(u64),
    /// The nearest newer than this seq.
    After(u64),
    /// Half of the limit up to and including this seq, the other half above it.
    Around(u64),
}

/// What of a conversation somebody sees.
#[derive(Clone, Copy)]
struct Visible {
    viewer: UserId,
    conversation: ConversationId,
    /// Nothing up to this seq.
    cleared: u64,
}

pub(super) const SELECT: &str = "SELECT m.id, m.conversation_id, m.sender_id, m.seq, m.position, m.message_type, m.content, \
    m.reply_to, m.mentions, m.created_at, m.edited_at, m.deleted_at, u.first_name, u.last_name, u.avatar_url, \
    (SELECT CAST(COALESCE(SUM(100 + OCTET_LENGTH(a.file_url) + COALESCE(OCTET_LENGTH(a.thumb_url), 0) \
    + COALESCE(OCTET_LENGTH(a.name), 0)), 0) AS BIGINT) FROM attachments a WHERE a.message_id = m.id) \
    FROM messages m LEFT JOIN users u ON u.id = m.sender_id";
/// `$1` is the viewer.
pub(super) const NOT_HIDDEN: &str = "NOT EXISTS (SELECT 1 FROM hidden h WHERE h.message_id = m.id AND h.user_id = $1)";

impl Queries {
    /// Messages of a conversation of which the viewer is an active member, newest first, without those the viewer
    /// hid or cleared. `next` is the seq to go on from: with [`MessageWindow::After`] towards newer ones, else, with
    /// [`MessageWindow::Before`], towards older ones. A page ends by its limit or by [`PAGE_BYTES`].
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is in.
    pub async fn messages(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        window: MessageWindow,
        limit: Option<u32>,
    ) -> Result<Page<MessageRow>, QueryError> {
        let cleared = self.require_active(viewer, conversation).await?;
        let of = Visible { viewer, conversation, cleared };
        let limit = limit.unwrap_or(super::DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
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
    /// [`QueryError::NotFound`] unless the viewer is in and did not hide or clear it.
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

    /// The newest message of each conversation that the viewer did not hide or clear, to be [completed](Self::complete); a
    /// tombstone, if it was deleted. Who the viewer is there was checked.
    pub(super) async fn last_messages(
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
             AND s.user_id = $1), 0) ORDER BY l.seq DESC LIMIT {LAST_LOOKED_AT}) m \
             WHERE {NOT_HIDDEN} ORDER BY m.seq DESC LIMIT 1) \
             FROM conversations c WHERE c.id IN ({}))",
            placeholders(2, ids.len())
        );
        let messages = self.message_rows(query(sql).bind(viewer.0).bind_all(ids)).await?;
        Ok(messages.into_iter().map(|message| (message.conversation.0, message)).collect())
    }

    /// The nearest before `seq`, newest first, and whether there are more.
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
        let older = query(sql).bind(of.viewer.0).bind(of.conversation.0).bind(seq).bind(of.cleared);
        let older = older.bind(limit as u64 + 1);
        let mut messages = self.message_rows(older).await?;
        let more = messages.len() > limit;
        messages.truncate(limit);
        let cut = cut_by_bytes(&mut messages, room, MessageRow::weight);
        Ok((messages, more || cut))
    }

    /// The nearest after `seq`, newest first, and whether there are more.
    async fn newer(
        &self,
        of: Visible,
        seq: u64,
        limit: usize,
        room: usize,
    ) -> Result<(Vec<MessageRow>, bool), QueryError> {
        let sql =
            format!("{SELECT} WHERE m.conversation_id = $2 AND m.seq > $3 AND {NOT_HIDDEN} ORDER BY m.seq LIMIT $4");
        let newer =
            query(sql).bind(of.viewer.0).bind(of.conversation.0).bind(seq.max(of.cleared)).bind(limit as u64 + 1);
        let mut messages = self.message_rows(newer).await?;
        let more = messages.len() > limit;
        messages.truncate(limit);
        let cut = cut_by_bytes(&mut messages, room, MessageRow::weight);
        messages.reverse();
        Ok((messages, more || cut))
    }

    pub(super) async fn message_rows(&self, query: Query) -> Result<Vec<MessageRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        Ok(rows.iter().map(parse).collect::<Result<_, _>>()?)
    }
}

/// Reads [`SELECT`]; attachments, reactions and status are added by [`Queries::complete`].
fn parse(row: &Row) -> Result<MessageRow, sql::Error> {
    let time = |index| Ok::<_, sql::Error>(row.get::<Option<i64>>(index)?.map(Timestamp::from_millis));
    Ok(MessageRow {
        id: MessageId(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        sender: users::person(row, row.get(2)?, 12)?,
        seq: row.unsigned(3)?,
        position: row.unsigned(4)?,
        message_type: row.get(5)?,
        content: row.get(6)?,
        attachments: Vec::new(),
        reply_to: row.get::<Option<Uuid>>(7)?.map(MessageId),
        mentions: serde_json::from_str(&row.get::<String>(8)?).unwrap_or_default(),
        reactions: Vec::new(),
        status: MessageStatus::Sent,
        created_at: Timestamp::from_millis(row.get(9)?),
        edited_at: time(10)?,
        deleted_at: time(11)?,
        attached: usize::try_from(row.get::<i64>(15)?).unwrap_or_default(),
    })
}
