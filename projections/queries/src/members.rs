//! Members of a conversation.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, Weigh},
    users::{self, UserRow},
};
use domain::{ConversationId, Timestamp, UserId};
use sql::query;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberFilter {
    #[default]
    Active,
    /// People who asked to join.
    Pending,
    Invited,
}

/// A member of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    pub user: UserRow,
    /// `lead` or `member`.
    pub role: String,
    /// `active`, `pending` or `invited`.
    pub status: String,
    pub joined_at: Timestamp,
    /// The conversation's last seq when they joined.
    pub join_seq: u64,
    /// The last seq they have read, as far as they share it with the viewer.
    pub read_seq: u64,
    /// The last seq received by a device of theirs.
    pub delivered_seq: u64,
    joined_position: i64,
}

/// No block, either way, stands between the person of `m` and a lead.
const NO_BLOCK_WITH_A_LEAD: &str = "NOT EXISTS (SELECT 1 FROM friendships f JOIN members l \
     ON l.conversation_id = m.conversation_id AND l.user_id = f.high_user AND l.role = 'lead' AND l.status = 'active' \
     WHERE f.low_user = m.user_id AND (f.blocked_by_low OR f.blocked_by_high)) \
     AND NOT EXISTS (SELECT 1 FROM friendships f JOIN members l \
     ON l.conversation_id = m.conversation_id AND l.user_id = f.low_user AND l.role = 'lead' AND l.status = 'active' \
     WHERE f.high_user = m.user_id AND (f.blocked_by_low OR f.blocked_by_high))";

impl Weigh for MemberRow {
    fn weight(&self) -> usize {
        self.user.weight()
    }
}

impl Queries {
    /// The members of a conversation of which the viewer is an active member, or its pending or invited people, latest
    /// first. Every member sees pending people; only leads decide on them. A request or invitation is left out while a
    /// block between the person and a lead hides the group from them.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is in; [`QueryError::BadToken`].
    pub async fn members(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        filter: MemberFilter,
        page: &PageRequest,
    ) -> Result<Page<MemberRow>, QueryError> {
        self.require_active(viewer, conversation).await?;
        let (status, seen) = match filter {
            MemberFilter::Active => ("active", "TRUE"),
            MemberFilter::Pending => ("pending", NO_BLOCK_WITH_A_LEAD),
            MemberFilter::Invited => ("invited", NO_BLOCK_WITH_A_LEAD),
        };
        let sql = format!(
            "SELECT {}, m.role AS member_role, m.status, m.joined_at, m.join_seq, \
             COALESCE(CASE WHEN m.user_id = $6 THEN r.read_seq ELSE r.shown_seq END, 0) AS read_seq, \
             COALESCE(r.delivered_seq, 0) AS delivered_seq, m.joined_position \
             FROM members m JOIN users u ON u.id = m.user_id AND u.created_at IS NOT NULL \
             LEFT JOIN read_markers r ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
             WHERE m.conversation_id = $1 AND m.status = $2 AND {seen} AND (m.joined_position, m.user_id) < ($3, $4) \
             ORDER BY m.joined_position DESC, m.user_id DESC LIMIT $5",
            users::COLUMNS
        );
        let place = page.place()?;
        let listed = query(sql).bind(conversation.0).bind(status).bind(place.number).bind(place.id);
        let mut members = Vec::new();
        for row in self.database.fetch_all(listed.bind(page.probe()).bind(viewer.0)).await? {
            members.push(MemberRow {
                user: users::parse(&row)?,
                role: row.get("member_role")?,
                status: row.get("status")?,
                joined_at: Timestamp::from_millis(row.get("joined_at")?),
                join_seq: row.unsigned("join_seq")?,
                read_seq: row.unsigned("read_seq")?,
                delivered_seq: row.unsigned("delivered_seq")?,
                joined_position: row.get("joined_position")?,
            });
        }
        Ok(Page::cut(members, page, |member| Place { number: member.joined_position, id: member.user.id.0 }))
    }

    /// Fails unless the viewer is an active member. Returns the last seq that the viewer cleared.
    pub(crate) async fn require_active(&self, viewer: UserId, conversation: ConversationId) -> Result<u64, QueryError> {
        let sql = "SELECT COALESCE(s.cleared_seq, 0) AS cleared_seq FROM members m \
                   LEFT JOIN own_settings s ON s.conversation_id = m.conversation_id AND s.user_id = m.user_id \
                   WHERE m.conversation_id = $1 AND m.user_id = $2 AND m.status = 'active'";
        let found = self.database.fetch_optional(query(sql).bind(conversation.0).bind(viewer.0)).await?;
        Ok(found.ok_or(QueryError::NotFound)?.unsigned("cleared_seq")?)
    }
}
