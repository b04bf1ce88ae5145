//! Members of a conversation.

use super::{
    Page, PageRequest, Queries, QueryError,
    page::Place,
    users::{self, UserRow},
};
use domain::{ConversationId, Timestamp, UserId};
use sql::query;

/// Which members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberFilter {
    /// Those who are in.
    #[default]
    Active,
    /// Those who asked to be.
    Pending,
}

/// A member of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// Who.
    pub user: UserRow,
    /// `lead` or `member`.
    pub role: String,
    /// `active` or `pending`.
    pub status: String,
    /// Since when.
    pub joined_at: Timestamp,
    /// The conversation's last seq when they came.
    pub join_seq: u64,
    /// Up to where they have read, as far as the viewer may know.
    pub read_seq: u64,
    /// Up to where their devices have received.
    pub delivered_seq: u64,
    joined_position: i64,
}

impl Queries {
    /// The members of a conversation of which the viewer is an active member, or those who asked to be: all members
    /// know of them, as all are told when somebody asks; leads alone decide. Who came last stands first.
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
        let status = match filter {
            MemberFilter::Active => "active",
            MemberFilter::Pending => "pending",
        };
        let sql = format!(
            "SELECT {}, m.role, m.status, m.joined_at, m.join_seq, \
             COALESCE(CASE WHEN m.user_id = $6 THEN r.read_seq ELSE r.shown_seq END, 0), COALESCE(r.delivered_seq, 0), m.joined_position \
             FROM members m JOIN users u ON u.id = m.user_id AND u.created_at IS NOT NULL \
             LEFT JOIN read_markers r ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id \
             WHERE m.conversation_id = $1 AND m.status = $2 AND (m.joined_position, m.user_id) < ($3, $4) \
             ORDER BY m.joined_position DESC, m.user_id DESC LIMIT $5",
            users::COLUMNS
        );
        let place = page.place()?;
        let listed = query(sql).bind(conversation.0).bind(status).bind(place.number).bind(place.id);
        let mut members = Vec::new();
        for row in self.database.fetch_all(listed.bind(page.probe()).bind(viewer.0)).await? {
            members.push(MemberRow {
                user: users::parse(&row, 0)?,
                role: row.get(users::WIDTH)?,
                status: row.get(users::WIDTH + 1)?,
                joined_at: Timestamp::from_millis(row.get(users::WIDTH + 2)?),
                join_seq: row.unsigned(users::WIDTH + 3)?,
                read_seq: row.unsigned(users::WIDTH + 4)?,
                delivered_seq: row.unsigned(users::WIDTH + 5)?,
                joined_position: row.get(users::WIDTH + 6)?,
            });
        }
        Ok(Page::cut(members, page, |member| Place { number: member.joined_position, id: member.user.id.0 }))
    }

    /// Refuses whoever is not an active member; answers up to which seq the viewer cleared the conversation.
    pub(super) async fn require_active(&self, viewer: UserId, conversation: ConversationId) -> Result<u64, QueryError> {
        let sql = "SELECT COALESCE(s.cleared_seq, 0) FROM members m \
                   LEFT JOIN own_settings s ON s.conversation_id = m.conversation_id AND s.user_id = m.user_id \
                   WHERE m.conversation_id = $1 AND m.user_id = $2 AND m.status = 'active'";
        let found = self.database.fetch_optional(query(sql).bind(conversation.0).bind(viewer.0)).await?;
        Ok(found.ok_or(QueryError::NotFound)?.unsigned(0)?)
    }
}
