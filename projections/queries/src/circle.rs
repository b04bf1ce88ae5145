//! The presence audience of a user, and the people a block separates them from.

use crate::{Queries, QueryError};
use domain::UserId;
use sql::query;
use std::collections::BTreeSet;

impl Queries {
    /// The friends of `user` and the members of conversations of at most `largest` members, without those blocked
    /// either way. Replaces the graph's answer while the graph is unavailable.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn circle(&self, user: UserId, largest: u64) -> Result<BTreeSet<UserId>, QueryError> {
        let sql = "SELECT others.id FROM (\
                   SELECT high_user AS id FROM friendships WHERE low_user = $1 AND status = 'accepted' \
                   UNION SELECT low_user FROM friendships WHERE high_user = $1 AND status = 'accepted' \
                   UNION SELECT they.user_id FROM members me \
                   JOIN conversations c ON c.id = me.conversation_id AND c.member_count <= $2 \
                   JOIN members they ON they.conversation_id = me.conversation_id AND they.status = 'active' \
                   WHERE me.user_id = $1 AND me.status = 'active' AND they.user_id <> $1) others \
                   WHERE NOT EXISTS (SELECT 1 FROM friendships WHERE (blocked_by_low OR blocked_by_high) \
                   AND ((low_user = $1 AND high_user = others.id) OR (low_user = others.id AND high_user = $1)))";
        let rows = self.database.fetch_all(query(sql).bind(user.0).bind(largest)).await?;
        Ok(rows.iter().map(|row| row.get("id").map(UserId)).collect::<Result<_, _>>()?)
    }

    /// The users blocked by `user` or blocking `user`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn apart(&self, user: UserId) -> Result<BTreeSet<UserId>, QueryError> {
        let sql = "SELECT high_user AS other FROM friendships WHERE low_user = $1 AND (blocked_by_low OR blocked_by_high) \
                   UNION ALL SELECT low_user FROM friendships WHERE high_user = $1 AND (blocked_by_low OR blocked_by_high)";
        let rows = self.database.fetch_all(query(sql).bind(user.0)).await?;
        Ok(rows.iter().map(|row| row.get("other").map(UserId)).collect::<Result<_, _>>()?)
    }
}
