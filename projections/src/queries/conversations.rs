//! Conversations, as one viewer sees them.

use super::{
    MessageRow, Page, PageRequest, Queries, QueryError,
    page::{PAGE_BYTES, Place, bytes_of, cut_by_bytes},
};
use domain::{ConversationId, Timestamp, UserId};
use sql::{Query, Row, query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A conversation. To those who merely asked to join, nothing of what is said there is told: no last message, and
/// numbers that are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    /// Which.
    pub id: ConversationId,
    /// `direct` or `group`.
    pub conversation_type: String,
    /// A group's title.
    pub title: Option<String>,
    /// A group's picture.
    pub avatar_url: Option<String>,
    /// How people come in by themselves: `invite`, `approval` or `open`.
    pub joining: String,
    /// Who opened it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// How many are in.
    pub member_count: u64,
    /// How the viewer takes part.
    pub mine: Membership,
    /// The newest message that the viewer sees, neither hidden nor cleared, among the last [`LAST_LOOKED_AT`] of the
    /// conversation; a tombstone, if it was deleted.
    pub last_message: Option<MessageRow>,
    /// The seq of the newest message.
    pub last_seq: u64,
    /// Up to where the viewer has read.
    pub read_seq: u64,
    /// How many messages are newer than what the viewer has read, sent, cleared, or found on joining, and still there for
    /// them: neither deleted nor hidden.
    pub unread: u64,
    /// Whether the viewer muted it, and that holds.
    pub muted: bool,
    /// Until when, if not for good.
    pub muted_until: Option<Timestamp>,
    /// Whether the viewer archived it, and no message has brought it back since. While it is muted, none does.
    pub archived: bool,
    /// Up to which seq the viewer cleared it.
    pub cleared_seq: u64,
    activity: i64,
}

impl ConversationRow {
    /// What it weighs in a page, in bytes.
    fn weight(&self) -> usize {
        let last = self.last_message.as_ref().map_or(0, MessageRow::weight);
        512 + bytes_of(&self.title) + bytes_of(&self.avatar_url) + last
    }
}

/// How the viewer takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// `lead` or `member`.
    pub role: String,
    /// `active` or `pending`.
    pub status: String,
    /// The conversation's last seq when they came.
    pub join_seq: u64,
}

/// Among so many of the newest messages of a conversation, one that the viewer sees is looked for.
pub const LAST_LOOKED_AT: u64 = 100;

/// `$1` is the viewer, `$2` the time. The last seqs are 0 for those who are not in.
const SELECT: &str = "SELECT c.id, c.type, c.title, c.avatar_url, \
    CASE WHEN c.approval THEN 'approval' WHEN c.is_open THEN 'open' ELSE 'invite' END, c.created_by, c.created_at, \
    c.member_count, v.role, v.status, v.join_seq, COALESCE(r.read_seq, 0) AS read_seq, \
    CASE WHEN v.status = 'active' THEN COALESCE((SELECT m.seq FROM messages m \
        WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1), 0) ELSE 0 END AS last_seq, \
    CASE WHEN v.status = 'active' THEN COALESCE((SELECT m.seq FROM messages m \
        WHERE m.conversation_id = c.id AND m.sender_id = $1 ORDER BY m.seq DESC LIMIT 1), 0) ELSE 0 END AS own_seq, \
    CASE WHEN v.status = 'active' THEN COALESCE((SELECT m.position FROM messages m \
        WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1), c.position) ELSE v.joined_position END AS activity, \
    CAST(CASE WHEN s.muted AND (s.muted_until IS NULL OR s.muted_until > $2) THEN 1 ELSE 0 END AS BIGINT) AS muted, \
    s.muted_until, s.archived_seq, COALESCE(s.cleared_seq, 0) AS cleared_seq \
    FROM members v JOIN conversations c ON c.id = v.conversation_id AND c.deleted_at IS NULL \
    LEFT JOIN read_markers r ON r.conversation_id = v.conversation_id AND r.user_id = v.user_id \
    LEFT JOIN own_settings s ON s.conversation_id = v.conversation_id AND s.user_id = v.user_id \
    WHERE v.user_id = $1 AND v.status IN ('active', 'pending')";

/// The rows of a page of [`SELECT`], each with how many of the messages that are newer than all of its marks are gone for
/// the viewer: deleted, or hidden by them.
fn counted(page: &str) -> String {
    let newer = |seq: &str| {
        let newer = ["read_seq", "join_seq", "own_seq", "cleared_seq"].map(|mark| format!("{seq} > p.{mark}"));
        newer.join(" AND ")
    };
    format!(
        "SELECT p.*, CASE WHEN p.last_seq = 0 THEN 0 ELSE \
         (SELECT COUNT(*) FROM messages g WHERE g.conversation_id = p.id AND g.deleted_at IS NOT NULL AND {}) + \
         (SELECT COUNT(*) FROM hidden h WHERE h.user_id = $1 AND h.conversation_id = p.id AND {} AND NOT EXISTS \
            (SELECT 1 FROM messages g WHERE g.id = h.message_id AND g.deleted_at IS NOT NULL)) END AS gone \
         FROM ({page}) p",
        newer("g.seq"),
        newer("h.seq")
    )
}

/// Whether a row of [`SELECT`] is put away.
const ARCHIVED: &str =
    "CASE WHEN archived_seq IS NULL THEN 0 WHEN muted = 1 OR last_seq <= archived_seq THEN 1 ELSE 0 END";

impl Queries {
    /// The conversations of a user at `now`, the one with the latest message first: those that are archived, or the
    /// others.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn conversations(
        &self,
        viewer: UserId,
        archived: bool,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<ConversationRow>, QueryError> {
        let place = page.place()?;
        let page_of = format!(
            "SELECT * FROM ({SELECT}) mine WHERE (activity, id) < ($3, $4) AND {ARCHIVED} = {} \
             ORDER BY activity DESC, id DESC LIMIT $5",
            i32::from(archived)
        );
        let sql = format!("{} ORDER BY p.activity DESC, p.id DESC", counted(&page_of));
        let listed = query(sql).bind(viewer.0).bind(now.millis()).bind(place.number).bind(place.id);
        let listed = listed.bind(page.probe());
        let mut rows = self.conversation_rows(listed).await?;
        let more = rows.len() > page.limit();
        rows.truncate(page.limit());
        let more = self.add_last_messages(viewer, &mut rows).await? || more;
        let place = |row: &ConversationRow| Place { number: row.activity, id: row.id.0 };
        let next = rows.last().filter(|_| more).map(|last| place(last).token(&page.key));
        Ok(Page { items: rows, next })
    }

    /// A conversation in which the viewer is, or asked to be, as it is at `now`.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] to everybody else.
    pub async fn conversation(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Result<ConversationRow, QueryError> {
        let sql = counted(&format!("{SELECT} AND c.id = $3"));
        let mut found =
            self.conversation_rows(query(sql).bind(viewer.0).bind(now.millis()).bind(conversation.0)).await?;
        self.add_last_messages(viewer, &mut found).await?;
        found.pop().ok_or(QueryError::NotFound)
    }

    async fn conversation_rows(&self, query: Query) -> Result<Vec<ConversationRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        Ok(rows.iter().map(parse).collect::<Result<_, _>>()?)
    }

    /// Adds the last messages, and cuts off the rows that are too much with them; whether there were any.
    async fn add_last_messages(&self, viewer: UserId, rows: &mut Vec<ConversationRow>) -> Result<bool, QueryError> {
        let open: Vec<Uuid> = rows.iter().filter(|row| row.last_seq > 0).map(|row| row.id.0).collect();
        let mut last = self.last_messages(viewer, &open).await?;
        for row in rows.iter_mut() {
            row.last_message = last.remove(&row.id.0);
        }
        let cut = cut_by_bytes(rows, PAGE_BYTES, ConversationRow::weight);
        let mut messages: Vec<_> = rows.iter_mut().filter_map(|row| row.last_message.take()).collect();
        self.complete(viewer, &mut messages).await?;
        let mut messages: BTreeMap<_, _> =
            messages.into_iter().map(|message| (message.conversation, message)).collect();
        for row in rows.iter_mut() {
            row.last_message = messages.remove(&row.id);
        }
        Ok(cut)
    }
}

fn parse(row: &Row) -> Result<ConversationRow, sql::Error> {
    let (join_seq, read_seq) = (row.unsigned(10)?, row.unsigned(11)?);
    let (last_seq, own_seq) = (row.unsigned(12)?, row.unsigned(13)?);
    let muted = row.get::<i64>(15)? == 1;
    let (archived_seq, cleared_seq): (Option<i64>, _) = (row.get(17)?, row.unsigned(18)?);
    let gone = row.unsigned(19)?;
    let archived_seq = archived_seq.and_then(|seq| u64::try_from(seq).ok());
    Ok(ConversationRow {
        id: ConversationId(row.get(0)?),
        conversation_type: row.get(1)?,
        title: row.get(2)?,
        avatar_url: row.get(3)?,
        joining: row.get(4)?,
        created_by: UserId(row.get(5)?),
        created_at: Timestamp::from_millis(row.get(6)?),
        member_count: row.unsigned(7)?,
        mine: Membership { role: row.get(8)?, status: row.get(9)?, join_seq },
        last_message: None,
        last_seq,
        read_seq,
        unread: last_seq.saturating_sub(read_seq.max(join_seq).max(own_seq).max(cleared_seq)).saturating_sub(gone),
        muted,
        muted_until: row.get::<Option<i64>>(16)?.filter(|_| muted).map(Timestamp::from_millis),
        cleared_seq,
        archived: archived_seq.is_some_and(|seq| muted || last_seq <= seq),
        activity: row.get(14)?,
    })
}
