//! Friendships, blocks and memberships in bulk: the graph is loaded from them.

use crate::{Queries, QueryError};
use domain::{ConversationId, UserId};
use sql::query;
use uuid::Uuid;

/// A pair of users with a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationRow {
    /// The id of the pair; rows are sorted by it.
    pub pair: Uuid,
    /// The user with the lesser id.
    pub low: UserId,
    /// The user with the greater id.
    pub high: UserId,
    pub friends: bool,
    pub blocked_by_low: bool,
    pub blocked_by_high: bool,
}

/// An active member of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembershipRow {
    pub conversation: ConversationId,
    pub user: UserId,
}

impl Queries {
    /// At most `limit` pairs ordered by id, after `after`. Begin with the nil id.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn relations(&self, after: Uuid, limit: u32) -> Result<Vec<RelationRow>, QueryError> {
        let sql = "SELECT pair_id, low_user, high_user, status, blocked_by_low, blocked_by_high FROM friendships \
                   WHERE pair_id > $1 ORDER BY pair_id LIMIT $2";
        let mut relations = Vec::new();
        for row in self.database.fetch_all(query(sql).bind(after).bind(limit)).await? {
            relations.push(RelationRow {
                pair: row.get("pair_id")?,
                low: UserId(row.get("low_user")?),
                high: UserId(row.get("high_user")?),
                friends: row.get::<String>("status")? == "accepted",
                blocked_by_low: row.get("blocked_by_low")?,
                blocked_by_high: row.get("blocked_by_high")?,
            });
        }
        Ok(relations)
    }

    /// At most `limit` active memberships ordered by conversation and user, after `after`. Begin with nil ids.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn memberships(&self, after: MembershipRow, limit: u32) -> Result<Vec<MembershipRow>, QueryError> {
        let sql = "SELECT conversation_id, user_id FROM members \
                   WHERE status = 'active' AND (conversation_id, user_id) > ($1, $2) \
                   ORDER BY conversation_id, user_id LIMIT $3";
        let found = query(sql).bind(after.conversation.0).bind(after.user.0).bind(limit);
        let mut memberships = Vec::new();
        for row in self.database.fetch_all(found).await? {
            memberships.push(MembershipRow {
                conversation: ConversationId(row.get("conversation_id")?),
                user: UserId(row.get("user_id")?),
            });
        }
        Ok(memberships)
    }

    /// The conversations of which a user is an active member.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn conversations_of(&self, user: UserId) -> Result<Vec<ConversationId>, QueryError> {
        let sql = "SELECT conversation_id FROM members WHERE user_id = $1 AND status = 'active'";
        let rows = self.database.fetch_all(query(sql).bind(user.0)).await?;
        Ok(rows.iter().map(|row| row.get("conversation_id").map(ConversationId)).collect::<Result<_, _>>()?)
    }
}
