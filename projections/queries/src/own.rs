//! The data of one user, for their export, without the later actions of others.

use crate::{
    AttachmentRow, CallRow, Page, PageRequest, Queries, QueryError, calls,
    page::{FRAME, Place, Weigh, bytes_of, framed},
};
use domain::{ConversationId, MessageId, SessionId, Timestamp, UserId};
use sql::{Row, query};
use uuid::Uuid;

/// A session of the user, live or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSessionRow {
    pub id: SessionId,
    /// The name that the device gave itself.
    pub device_name: Option<String>,
    /// The address at sign-in.
    pub ip: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub end_reason: Option<String>,
}

/// A conversation of which the user is or was a member, or which they asked to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnConversationRow {
    pub id: ConversationId,
    /// `direct` or `group`.
    pub conversation_type: String,
    /// A group's title; `None` unless the user is an active member.
    pub title: Option<String>,
    /// `lead` or `member`.
    pub role: String,
    /// `active`, `pending` or `left`.
    pub status: String,
    pub joined_at: Timestamp,
    pub muted: bool,
    pub archived: bool,
    position: i64,
}

/// A message that the user sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMessageRow {
    pub id: MessageId,
    pub conversation: ConversationId,
    pub seq: u64,
    /// `TEXT`, `IMAGE`, `FILE`, `VIDEO` or `CALL`.
    pub message_type: String,
    /// `None` once it is deleted.
    pub content: Option<String>,
    /// In order.
    pub attachments: Vec<AttachmentRow>,
    pub reply_to: Option<MessageId>,
    pub mentions: Vec<UserId>,
    pub created_at: Timestamp,
    /// The last edit.
    pub edited_at: Option<Timestamp>,
    /// The deletion for everybody.
    pub deleted_at: Option<Timestamp>,
    position: i64,
    /// The bytes of its attachments, known before they are read.
    attached: usize,
}

impl Weigh for OwnMessageRow {
    fn weight(&self) -> usize {
        FRAME + bytes_of(&self.content) + self.attached + 40 * self.mentions.len()
    }
}

/// A reaction of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReactionRow {
    pub message: MessageId,
    pub emoji: String,
    position: i64,
}

/// The user's markers in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMarkerRow {
    pub conversation: ConversationId,
    /// The last seq read.
    pub read_seq: u64,
    /// The last seq received by a device.
    pub delivered_seq: u64,
}

impl Weigh for OwnSessionRow {
    fn weight(&self) -> usize {
        framed([&self.device_name, &self.ip, &self.end_reason])
    }
}

impl Weigh for OwnConversationRow {
    fn weight(&self) -> usize {
        framed([&self.title])
    }
}

impl Weigh for OwnReactionRow {
    fn weight(&self) -> usize {
        FRAME + self.emoji.len()
    }
}

impl Weigh for OwnMarkerRow {
    fn weight(&self) -> usize {
        FRAME
    }
}

impl Queries {
    /// The sessions of a user, ended ones included, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_sessions(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnSessionRow>, QueryError> {
        let sql = "SELECT id, device_name, ip, started_at, ended_at, end_reason FROM sessions \
                   WHERE user_id = $1 AND (started_at, id) < ($2, $3) ORDER BY started_at DESC, id DESC LIMIT $4";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(place.id).bind(page.probe());
        let sessions = self.own(own, |row| {
            Ok(OwnSessionRow {
                id: SessionId(row.get("id")?),
                device_name: row.get("device_name")?,
                ip: row.get("ip")?,
                started_at: Timestamp::from_millis(row.get("started_at")?),
                ended_at: time(row, "ended_at")?,
                end_reason: row.get("end_reason")?,
            })
        });
        let place = |row: &OwnSessionRow| Place { number: row.started_at.millis(), id: row.id.0 };
        Ok(Page::cut(sessions.await?, page, place))
    }

    /// The conversations of which a user is or was a member, or which they asked to join, latest joining first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_conversations(
        &self,
        user: UserId,
        page: &PageRequest,
    ) -> Result<Page<OwnConversationRow>, QueryError> {
        let sql = "SELECT c.id, c.type, CASE WHEN m.status = 'active' THEN c.title END AS title, m.role, m.status, m.joined_at, \
                   m.joined_position, COALESCE(s.muted, FALSE) AS muted, s.archived_seq IS NOT NULL AS archived \
                   FROM members m JOIN conversations c ON c.id = m.conversation_id \
                   LEFT JOIN own_settings s ON s.conversation_id = m.conversation_id AND s.user_id = m.user_id \
                   WHERE m.user_id = $1 AND (m.joined_position, c.id) < ($2, $3) \
                   ORDER BY m.joined_position DESC, c.id DESC LIMIT $4";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(place.id).bind(page.probe());
        let conversations = self.own(own, |row| {
            Ok(OwnConversationRow {
                id: ConversationId(row.get("id")?),
                conversation_type: row.get("type")?,
                title: row.get("title")?,
                role: row.get("role")?,
                status: row.get("status")?,
                joined_at: Timestamp::from_millis(row.get("joined_at")?),
                position: row.get("joined_position")?,
                muted: row.get("muted")?,
                archived: row.get("archived")?,
            })
        });
        Ok(Page::cut(conversations.await?, page, |row| Place { number: row.position, id: row.id.0 }))
    }

    /// The messages that a user sent in any conversation, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_messages(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnMessageRow>, QueryError> {
        let sql = "SELECT id, conversation_id, seq, message_type, content, reply_to, mentions, created_at, edited_at, \
                   deleted_at, position, (SELECT CAST(COALESCE(SUM(100 + OCTET_LENGTH(a.file_url) \
                   + COALESCE(OCTET_LENGTH(a.thumb_url), 0) + COALESCE(OCTET_LENGTH(a.name), 0)), 0) AS BIGINT) \
                   FROM attachments a WHERE a.message_id = messages.id) AS attached FROM messages WHERE sender_id = $1 AND position < $2 \
                   ORDER BY position DESC LIMIT $3";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(page.probe());
        let messages = self.own(own, |row| {
            Ok(OwnMessageRow {
                id: MessageId(row.get("id")?),
                conversation: ConversationId(row.get("conversation_id")?),
                seq: row.unsigned("seq")?,
                message_type: row.get("message_type")?,
                content: row.get("content")?,
                attachments: Vec::new(),
                reply_to: row.get::<Option<Uuid>>("reply_to")?.map(MessageId),
                mentions: serde_json::from_str(&row.get::<String>("mentions")?).unwrap_or_default(),
                created_at: Timestamp::from_millis(row.get("created_at")?),
                edited_at: time(row, "edited_at")?,
                deleted_at: time(row, "deleted_at")?,
                position: row.get("position")?,
                attached: usize::try_from(row.get::<i64>("attached")?).unwrap_or_default(),
            })
        });
        let mut page = Page::cut(messages.await?, page, |row| Place { number: row.position, id: row.id.0 });
        let ids: Vec<_> = page.items.iter().map(|message| message.id.0).collect();
        if !ids.is_empty() {
            let mut attachments = self.attachments(&ids).await?;
            for message in &mut page.items {
                message.attachments = attachments.remove(&message.id.0).unwrap_or_default();
            }
        }
        Ok(page)
    }

    /// The reactions of a user, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_reactions(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnReactionRow>, QueryError> {
        let sql = "SELECT message_id, emoji, position FROM reactions WHERE user_id = $1 AND position < $2 \
                   ORDER BY position DESC LIMIT $3";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(page.probe());
        let reactions = self.own(own, |row| {
            Ok(OwnReactionRow {
                message: MessageId(row.get("message_id")?),
                emoji: row.get("emoji")?,
                position: row.get("position")?,
            })
        });
        Ok(Page::cut(reactions.await?, page, |row| Place { number: row.position, id: row.message.0 }))
    }

    /// The markers of a user, ordered by conversation id, descending.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_markers(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnMarkerRow>, QueryError> {
        let sql = "SELECT conversation_id, read_seq, delivered_seq FROM read_markers \
                   WHERE user_id = $1 AND conversation_id < $2 ORDER BY conversation_id DESC LIMIT $3";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.id).bind(page.probe());
        let markers = self.own(own, |row| {
            let conversation = ConversationId(row.get("conversation_id")?);
            Ok(OwnMarkerRow {
                conversation,
                read_seq: row.unsigned("read_seq")?,
                delivered_seq: row.unsigned("delivered_seq")?,
            })
        });
        Ok(Page::cut(markers.await?, page, |row| Place { number: 0, id: row.conversation.0 }))
    }

    /// The calls in which a user took part or that rang them, ordered by id, descending.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_calls(&self, user: UserId, page: &PageRequest) -> Result<Page<CallRow>, QueryError> {
        let sql = format!(
            "{} JOIN call_people p ON p.call_id = c.id WHERE p.user_id = $1 AND p.call_id < $2 \
             ORDER BY p.call_id DESC LIMIT $3",
            calls::SELECT
        );
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.id).bind(page.probe());
        self.call_page(own, page, |call| Place { number: 0, id: call.id.0 }).await
    }

    async fn own<T>(
        &self,
        query: sql::Query,
        parse: impl Fn(&Row) -> Result<T, sql::Error>,
    ) -> Result<Vec<T>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        Ok(rows.iter().map(parse).collect::<Result<_, _>>()?)
    }
}

fn time(row: &Row, column: &str) -> Result<Option<Timestamp>, sql::Error> {
    Ok(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
}
