//! Invites to groups.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{FRAME, Place, Weigh},
};
use domain::{ConversationId, Timestamp, UserId};
use sql::query;
use uuid::Uuid;

/// An invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// The secret that admits to the group.
    pub code: String,
    pub conversation: ConversationId,
    pub made_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub max_uses: Option<u64>,
    /// The uses so far.
    pub uses: u64,
    id: Uuid,
    position: i64,
}

impl Weigh for InviteRow {
    fn weight(&self) -> usize {
        FRAME + self.code.len()
    }
}

impl Queries {
    /// The invites to a conversation that are valid at `now`, newest first: a lead sees all of them, another member
    /// their own.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is in; [`QueryError::BadToken`].
    pub async fn invites(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<InviteRow>, QueryError> {
        let place = page.place()?;
        self.require_active(viewer, conversation).await?;
        let sql = "SELECT i.code, i.made_by, i.created_at, i.expires_at, i.max_uses, i.uses, i.id, i.position \
                   FROM invites i JOIN members v ON v.conversation_id = i.conversation_id AND v.user_id = $2 \
                   AND v.status = 'active' \
                   WHERE i.conversation_id = $1 AND (v.role = 'lead' OR i.made_by = $2) AND i.code IS NOT NULL \
                   AND (i.expires_at IS NULL OR i.expires_at > $3) AND (i.max_uses IS NULL OR i.uses < i.max_uses) \
                   AND i.position < $4 ORDER BY i.position DESC LIMIT $5";
        let listed = query(sql).bind(conversation.0).bind(viewer.0).bind(now.millis()).bind(place.number);
        let mut invites = Vec::new();
        for row in self.database.fetch_all(listed.bind(page.probe())).await? {
            invites.push(InviteRow {
                code: row.get("code")?,
                conversation,
                made_by: UserId(row.get("made_by")?),
                created_at: Timestamp::from_millis(row.get("created_at")?),
                expires_at: row.get::<Option<i64>>("expires_at")?.map(Timestamp::from_millis),
                max_uses: row.get::<Option<i64>>("max_uses")?.and_then(|most| u64::try_from(most).ok()),
                uses: row.unsigned("uses")?,
                id: row.get("id")?,
                position: row.get("position")?,
            });
        }
        Ok(Page::cut(invites, page, |invite| Place { number: invite.position, id: invite.id }))
    }
}
