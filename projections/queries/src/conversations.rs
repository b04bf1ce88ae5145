//! Conversations, as one viewer sees them.

use crate::{
    MessageRow, Page, PageRequest, Queries, QueryError,
    page::{PAGE_BYTES, Place, Weigh, bytes_of, cut_by_bytes},
};
use domain::{ConversationId, Timestamp, UserId};
use sql::{Query, Row, query};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A conversation. A pending or invited viewer sees no last message, and numbers that are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    pub id: ConversationId,
    /// `direct` or `group`.
    pub conversation_type: String,
    /// Only of a group.
    pub title: Option<String>,
    /// Only of a group.
    pub avatar_url: Option<String>,
    /// How new members join: `invite`, `approval` or `open`.
    pub joining: String,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub member_count: u64,
    pub mine: Membership,
    /// The newest message that the viewer neither hid nor cleared, among the last
    /// [`LAST_EXAMINED`](crate::LAST_EXAMINED) of the conversation. A deleted one is a tombstone.
    pub last_message: Option<MessageRow>,
    /// The seq of the newest message.
    pub last_seq: u64,
    /// The last seq that the viewer has read.
    pub read_seq: u64,
    /// The messages after everything the viewer has read, sent or cleared and after their joining, without deleted and
    /// hidden ones.
    pub unread: u64,
    /// Whether the viewer's mute is in force.
    pub muted: bool,
    /// The end of the mute; `None` if it has no end.
    pub muted_until: Option<Timestamp>,
    /// Whether the viewer archived it and no message has arrived since. A muted conversation stays archived.
    pub archived: bool,
    /// The last seq that the viewer cleared.
    pub cleared_seq: u64,
    /// The log position of the newest message, of the creation without one, of the joining for a viewer who waits.
    activity_position: i64,
}

impl ConversationRow {
    /// The weight of a row in a page, in bytes.
    fn weight(&self) -> usize {
        let last = self.last_message.as_ref().map_or(0, MessageRow::weight);
        512 + bytes_of(&self.title) + bytes_of(&self.avatar_url) + last
    }
}

/// The viewer's membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// `lead` or `member`.
    pub role: String,
    /// `active`, `pending` or `invited`.
    pub status: String,
    /// The conversation's last seq when they joined.
    pub join_seq: u64,
}

/// `$1` is the viewer, `$2` the time. The seqs are 0 for a viewer who is not an active member. A block between a person
/// and a lead hides the group while the person waits to be let in.
const SELECT: &str = "SELECT c.id, c.type, c.title, c.avatar_url, \
    CASE WHEN c.approval THEN 'approval' WHEN c.is_open THEN 'open' ELSE 'invite' END AS joining, c.created_by, c.created_at, \
    c.member_count, v.role, v.status, v.join_seq, COALESCE(r.read_seq, 0) AS read_seq, \
    CASE WHEN v.status = 'active' THEN COALESCE((SELECT m.seq FROM messages m \
        WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1), 0) ELSE 0 END AS last_seq, \
    CASE WHEN v.status = 'active' THEN COALESCE((SELECT m.seq FROM messages m \
        WHERE m.conversation_id = c.id AND m.sender_id = $1 ORDER BY m.seq DESC LIMIT 1), 0) ELSE 0 END AS own_seq, \
    CASE WHEN v.status = 'active' THEN COALESCE((SELECT m.position FROM messages m \
        WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1), c.position) ELSE v.joined_position END AS activity_position, \
    CAST(CASE WHEN s.muted AND (s.muted_until IS NULL OR s.muted_until > $2) THEN 1 ELSE 0 END AS BIGINT) AS muted, \
    s.muted_until, s.archived_seq, COALESCE(s.cleared_seq, 0) AS cleared_seq \
    FROM members v JOIN conversations c ON c.id = v.conversation_id AND c.deleted_at IS NULL \
    LEFT JOIN read_markers r ON r.conversation_id = v.conversation_id AND r.user_id = v.user_id \
    LEFT JOIN own_settings s ON s.conversation_id = v.conversation_id AND s.user_id = v.user_id \
    WHERE v.user_id = $1 AND (v.status = 'active' OR (v.status IN ('pending', 'invited') AND NOT EXISTS \
        (SELECT 1 FROM members l WHERE l.conversation_id = v.conversation_id AND l.role = 'lead' AND l.status = 'active' \
         AND l.user_id IN \
            (SELECT f.high_user FROM friendships f WHERE f.low_user = $1 AND (f.blocked_by_low OR f.blocked_by_high) \
             UNION ALL SELECT f.low_user FROM friendships f \
             WHERE f.high_user = $1 AND (f.blocked_by_low OR f.blocked_by_high)))))";

/// The rows of a page of [`SELECT`], each with the number of hidden or deleted messages after all of its marks.
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

/// Whether a row of [`SELECT`] is archived.
const ARCHIVED: &str =
    "CASE WHEN archived_seq IS NULL THEN 0 WHEN muted = 1 OR last_seq <= archived_seq THEN 1 ELSE 0 END";

impl Queries {
    /// The conversations of a user at `now`, either the archived ones or the others, latest message first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn conversations(
        &self,
        viewer: UserId,
        archived: bool,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<ConversationRow>, QueryError> {
        let place = page.place()?;
        let page_of = format!(
            "SELECT * FROM ({SELECT}) mine WHERE (activity_position, id) < ($3, $4) AND {ARCHIVED} = {} \
             ORDER BY activity_position DESC, id DESC LIMIT $5",
            i32::from(archived)
        );
        let sql = format!("{} ORDER BY p.activity_position DESC, p.id DESC", counted(&page_of));
        let listed = query(sql).bind(viewer.0).bind(now.millis()).bind(place.number).bind(place.id);
        let listed = listed.bind(page.probe());
        let mut rows = self.conversation_rows(listed).await?;
        let more = rows.len() > page.limit();
        rows.truncate(page.limit());
        let more = self.add_last_messages(viewer, &mut rows).await? || more;
        let place = |row: &ConversationRow| Place { number: row.activity_position, id: row.id.0 };
        let next = rows.last().filter(|_| more).map(|last| place(last).token(&page.key));
        Ok(Page { items: rows, next })
    }

    /// A conversation at `now` of which the viewer is an active member, or in which they wait to be let in and no block
    /// with a lead hides it from them.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] for any other viewer.
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

    /// Adds the last messages and cuts off the rows that exceed [`PAGE_BYTES`] with them. Returns whether it cut any.
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
    let (join_seq, read_seq) = (row.unsigned("join_seq")?, row.unsigned("read_seq")?);
    let (last_seq, own_seq) = (row.unsigned("last_seq")?, row.unsigned("own_seq")?);
    let muted = row.get::<i64>("muted")? == 1;
    let (archived_seq, cleared_seq): (Option<i64>, _) = (row.get("archived_seq")?, row.unsigned("cleared_seq")?);
    let gone = row.unsigned("gone")?;
    let archived_seq = archived_seq.and_then(|seq| u64::try_from(seq).ok());
    Ok(ConversationRow {
        id: ConversationId(row.get("id")?),
        conversation_type: row.get("type")?,
        title: row.get("title")?,
        avatar_url: row.get("avatar_url")?,
        joining: row.get("joining")?,
        created_by: UserId(row.get("created_by")?),
        created_at: Timestamp::from_millis(row.get("created_at")?),
        member_count: row.unsigned("member_count")?,
        mine: Membership { role: row.get("role")?, status: row.get("status")?, join_seq },
        last_message: None,
        last_seq,
        read_seq,
        unread: last_seq.saturating_sub(read_seq.max(join_seq).max(own_seq).max(cleared_seq)).saturating_sub(gone),
        muted,
        muted_until: row.get::<Option<i64>>("muted_until")?.filter(|_| muted).map(Timestamp::from_millis),
        cleared_seq,
        archived: archived_seq.is_some_and(|seq| muted || last_seq <= seq),
        activity_position: row.get("activity_position")?,
    })
}
