//! Who is friends with whom, who blocked whom, and who is where: what the graph is loaded from at the start.

use super::{Queries, QueryError};
use domain::{ConversationId, UserId};
use sql::query;
use uuid::Uuid;

/// Two people with something between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationRow {
    /// The pair's id: rows are sorted by it.
    pub pair: Uuid,
    /// The one with the lesser id.
    pub low: UserId,
    /// The other.
    pub high: UserId,
    /// Whether they are friends.
    pub friends: bool,
    /// Whether the one with the lesser id blocked the other.
    pub blocked_by_low: bool,
    /// Whether the other did.
    pub blocked_by_high: bool,
}

/// An active member of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembershipRow {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub user: UserId,
}

impl Queries {
    /// At most `limit` pairs after `after`, which begins with the nil id, in the order of their ids.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn relations(&self, after: Uuid, limit: u32) -> Result<Vec<RelationRow>, QueryError> {
        let sql = "SELECT pair_id, low_user, high_user, status, blocked_by_low, blocked_by_high FROM friendships \
                   WHERE pair_id > $1 ORDER BY pair_id LIMIT $2";
        let mut relations = Vec::new();
        for row in self.database.fetch_all(query(sql).bind(after).bind(limit)).await? {
            relations.push(RelationRow {
                pair: row.get(0)?,
                low: UserId(row.get(1)?),
                high: UserId(row.get(2)?),
                friends: row.get::<String>(3)? == "accepted",
                blocked_by_low: row.get(4)?,
                blocked_by_high: row.get(5)?,
            });
        }
        Ok(relations)
    }

    /// At most `limit` active memberships after `after`, which begins with nil ids, in the order of conversation
    /// and user.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn memberships(&self, after: MembershipRow, limit: u32) -> Result<Vec<MembershipRow>, QueryError> {
        let sql = "SELECT conversation_id, user_id FROM members \
                   WHERE status = 'active' AND (conversation_id, user_id) > ($1, $2) \
                   ORDER BY conversation_id, user_id LIMIT $3";
        let found = query(sql).bind(after.conversation.0).bind(after.user.0).bind(limit);
        let mut memberships = Vec::new();
        for row in self.database.fetch_all(found).await? {
            memberships.push(MembershipRow { conversation: ConversationId(row.get(0)?), user: UserId(row.get(1)?) });
        }
        Ok(memberships)
    }

    /// The conversations in which a user is active.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn conversations_of(&self, user: UserId) -> Result<Vec<ConversationId>, QueryError> {
        let sql = "SELECT conversation_id FROM members WHERE user_id = $1 AND status = 'active'";
        let rows = self.database.fetch_all(query(sql).bind(user.0)).await?;
        Ok(rows.iter().map(|row| row.get(0).map(ConversationId)).collect::<Result<_, _>>()?)
    }
}
