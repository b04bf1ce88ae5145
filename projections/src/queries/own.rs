//! What somebody did, wherever it was: for their export. Nothing that others did after they were gone.

use super::{
    AttachmentRow, CallRow, Page, PageRequest, Queries, QueryError, calls,
    page::{Place, bytes_of},
};
use domain::{ConversationId, MessageId, SessionId, Timestamp, UserId};
use sql::{Row, query};
use uuid::Uuid;

/// A device that is or was signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSessionRow {
    /// Which.
    pub id: SessionId,
    /// What the device calls itself.
    pub device_name: Option<String>,
    /// Where it signed in from.
    pub ip: Option<String>,
    /// When it signed in.
    pub started_at: Timestamp,
    /// When the session ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub end_reason: Option<String>,
}

/// A conversation that one is or was in, or asked to be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnConversationRow {
    /// Which.
    pub id: ConversationId,
    /// `direct` or `group`.
    pub conversation_type: String,
    /// A group's title; `None` to those who are not in.
    pub title: Option<String>,
    /// `lead` or `member`.
    pub role: String,
    /// `active`, `pending` or `left`.
    pub status: String,
    /// When one came.
    pub joined_at: Timestamp,
    /// Whether one muted it.
    pub muted: bool,
    /// Whether one put it away.
    pub archived: bool,
    position: i64,
}

/// A message that one sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMessageRow {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// Its number there.
    pub seq: u64,
    /// `TEXT`, `IMAGE`, `FILE`, `VIDEO` or `CALL`.
    pub message_type: String,
    /// The text; `None` once it was deleted.
    pub content: Option<String>,
    /// What is attached, in order.
    pub attachments: Vec<AttachmentRow>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions.
    pub mentions: Vec<UserId>,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When its text was last replaced.
    pub edited_at: Option<Timestamp>,
    /// When it was removed for everybody.
    pub deleted_at: Option<Timestamp>,
    position: i64,
    /// What its attachments have, in bytes: known before they are read.
    attached: usize,
}

impl OwnMessageRow {
    /// What it weighs in a page, in bytes.
    fn weight(&self) -> usize {
        512 + bytes_of(&self.content) + self.attached + 40 * self.mentions.len()
    }
}

/// A reaction of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReactionRow {
    /// On which message.
    pub message: MessageId,
    /// Which.
    pub emoji: String,
    position: i64,
}

/// How far one has come in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMarkerRow {
    /// In which.
    pub conversation: ConversationId,
    /// Up to where one has read.
    pub read_seq: u64,
    /// Up to where one's devices have received.
    pub delivered_seq: u64,
}

impl Queries {
    /// The sessions of a user, those that ended included, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn own_sessions(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnSessionRow>, QueryError> {
        let sql = "SELECT id, device_name, ip, started_at, ended_at, end_reason FROM sessions \
                   WHERE user_id = $1 AND (started_at, id) < ($2, $3) ORDER BY started_at DESC, id DESC LIMIT $4";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(place.id).bind(page.probe());
        let sessions = self.own(own, |row| {
            Ok(OwnSessionRow {
                id: SessionId(row.get(0)?),
                device_name: row.get(1)?,
                ip: row.get(2)?,
                started_at: Timestamp::from_millis(row.get(3)?),
                ended_at: time(row, 4)?,
                end_reason: row.get(5)?,
            })
        });
        let place = |row: &OwnSessionRow| Place { number: row.started_at.millis(), id: row.id.0 };
        Ok(Page::cut(sessions.await?, page, place))
    }

    /// The conversations that a user is or was in, or asked to be in; where they came last stands first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn own_conversations(
        &self,
        user: UserId,
        page: &PageRequest,
    ) -> Result<Page<OwnConversationRow>, QueryError> {
        let sql = "SELECT c.id, c.type, CASE WHEN m.status = 'active' THEN c.title END, m.role, m.status, m.joined_at, \
                   m.joined_position, COALESCE(s.muted, FALSE), s.archived_seq IS NOT NULL \
                   FROM members m JOIN conversations c ON c.id = m.conversation_id \
                   LEFT JOIN own_settings s ON s.conversation_id = m.conversation_id AND s.user_id = m.user_id \
                   WHERE m.user_id = $1 AND (m.joined_position, c.id) < ($2, $3) \
                   ORDER BY m.joined_position DESC, c.id DESC LIMIT $4";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(place.id).bind(page.probe());
        let conversations = self.own(own, |row| {
            Ok(OwnConversationRow {
                id: ConversationId(row.get(0)?),
                conversation_type: row.get(1)?,
                title: row.get(2)?,
                role: row.get(3)?,
                status: row.get(4)?,
                joined_at: Timestamp::from_millis(row.get(5)?),
                position: row.get(6)?,
                muted: row.get(7)?,
                archived: row.get(8)?,
            })
        });
        Ok(Page::cut(conversations.await?, page, |row| Place { number: row.position, id: row.id.0 }))
    }

    /// The messages that a user sent, newest first, wherever they were sent.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn own_messages(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnMessageRow>, QueryError> {
        let sql = "SELECT id, conversation_id, seq, message_type, content, reply_to, mentions, created_at, edited_at, \
                   deleted_at, position, (SELECT CAST(COALESCE(SUM(100 + OCTET_LENGTH(a.file_url) \
                   + COALESCE(OCTET_LENGTH(a.thumb_url), 0) + COALESCE(OCTET_LENGTH(a.name), 0)), 0) AS BIGINT) \
                   FROM attachments a WHERE a.message_id = messages.id) FROM messages WHERE sender_id = $1 AND position < $2 \
                   ORDER BY position DESC LIMIT $3";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(page.probe());
        let messages = self.own(own, |row| {
            Ok(OwnMessageRow {
                id: MessageId(row.get(0)?),
                conversation: ConversationId(row.get(1)?),
                seq: row.unsigned(2)?,
                message_type: row.get(3)?,
                content: row.get(4)?,
                attachments: Vec::new(),
                reply_to: row.get::<Option<Uuid>>(5)?.map(MessageId),
                mentions: serde_json::from_str(&row.get::<String>(6)?).unwrap_or_default(),
                created_at: Timestamp::from_millis(row.get(7)?),
                edited_at: time(row, 8)?,
                deleted_at: time(row, 9)?,
                position: row.get(10)?,
                attached: usize::try_from(row.get::<i64>(11)?).unwrap_or_default(),
            })
        });
        let mut page = Page::cut_weighed(messages.await?, page, OwnMessageRow::weight, |row| Place {
            number: row.position,
            id: row.id.0,
        });
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
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn own_reactions(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnReactionRow>, QueryError> {
        let sql = "SELECT message_id, emoji, position FROM reactions WHERE user_id = $1 AND position < $2 \
                   ORDER BY position DESC LIMIT $3";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.number).bind(page.probe());
        let reactions = self.own(own, |row| {
            Ok(OwnReactionRow { message: MessageId(row.get(0)?), emoji: row.get(1)?, position: row.get(2)? })
        });
        Ok(Page::cut(reactions.await?, page, |row| Place { number: row.position, id: row.message.0 }))
    }

    /// How far a user has come in each conversation, by its id.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn own_markers(&self, user: UserId, page: &PageRequest) -> Result<Page<OwnMarkerRow>, QueryError> {
        let sql = "SELECT conversation_id, read_seq, delivered_seq FROM read_markers \
                   WHERE user_id = $1 AND conversation_id < $2 ORDER BY conversation_id DESC LIMIT $3";
        let place = page.place()?;
        let own = query(sql).bind(user.0).bind(place.id).bind(page.probe());
        let markers = self.own(own, |row| {
            let conversation = ConversationId(row.get(0)?);
            Ok(OwnMarkerRow { conversation, read_seq: row.unsigned(1)?, delivered_seq: row.unsigned(2)? })
        });
        Ok(Page::cut(markers.await?, page, |row| Place { number: 0, id: row.conversation.0 }))
    }

    /// The calls that a user was in or that rang them, by their ids.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
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

fn time(row: &Row, column: usize) -> Result<Option<Timestamp>, sql::Error> {
    Ok(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
}
