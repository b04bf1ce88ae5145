//! Suggested people: friends of friends, most mutual friends first.

use crate::{
    Page, PageRequest, Queries, QueryError, UserRow, padded,
    page::{Place, Weigh},
};
use domain::UserId;
use sql::{placeholders, query};
use std::collections::{BTreeMap, BTreeSet};

/// The friends of a user that are examined, in the order of their ids.
pub const FRIENDS_EXAMINED: usize = 200;
/// The friends of each of them that are examined.
pub const FRIENDS_OF_FRIENDS_EXAMINED: usize = 1_000;
/// The most suggestions.
const SUGGESTED: usize = 1_000;
/// The suggestions checked per statement.
const PORTION: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestionRow {
    pub user: UserRow,
    /// The friends shared with the viewer, of those examined.
    pub mutual: u64,
}

impl Weigh for SuggestionRow {
    fn weight(&self) -> usize {
        self.user.weight()
    }
}

impl Queries {
    /// The number of friends that each friend of a friend shares with `user`, from the read models. Replaces the
    /// graph's answer while the graph is unavailable.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn mutual_friends(&self, user: UserId) -> Result<BTreeMap<UserId, u64>, QueryError> {
        let sql = "WITH mine AS (SELECT id FROM (\
                   SELECT high_user AS id FROM friendships WHERE low_user = $1 AND status = 'accepted' \
                   UNION ALL SELECT low_user FROM friendships WHERE high_user = $1 AND status = 'accepted') both_ways \
                   ORDER BY id LIMIT $2), \
                   theirs AS (SELECT friend, other, ROW_NUMBER() OVER (PARTITION BY friend ORDER BY other) AS nth FROM (\
                   SELECT m.id AS friend, f.high_user AS other FROM mine m JOIN friendships f ON f.low_user = m.id \
                   AND f.status = 'accepted' \
                   UNION ALL SELECT m.id, f.low_user FROM mine m JOIN friendships f ON f.high_user = m.id \
                   AND f.status = 'accepted') both_ways) \
                   SELECT other, COUNT(*) AS mutual FROM theirs WHERE nth <= $3 AND other <> $1 GROUP BY other";
        let asked = query(sql).bind(user.0).bind(FRIENDS_EXAMINED as u64).bind(FRIENDS_OF_FRIENDS_EXAMINED as u64);
        let rows = self.database.fetch_all(asked).await?;
        let mutual = rows.iter().map(|row| Ok((UserId(row.get("other")?), row.unsigned("mutual")?)));
        Ok(mutual.collect::<Result<_, sql::Error>>()?)
    }

    /// The users of `mutual` that the viewer may befriend, most mutual friends first: without a friendship, request or
    /// block, and not blocked.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn suggestions(
        &self,
        viewer: UserId,
        mutual: &BTreeMap<UserId, u64>,
        page: &PageRequest,
    ) -> Result<Page<SuggestionRow>, QueryError> {
        let after = page.place()?;
        let mut ranked: Vec<_> = mutual.iter().map(|(user, count)| (*count, *user)).collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.truncate(SUGGESTED);
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        ranked.retain(|(count, user)| (number(*count), user.0) < (after.number, after.id));
        let wanted = page.limit() + 1;
        let mut found = Vec::new();
        for portion in ranked.chunks(PORTION) {
            let ids: Vec<_> = portion.iter().map(|(_, user)| *user).collect();
            let known = self.between(viewer, &ids).await?;
            let free: Vec<_> = ids.into_iter().filter(|user| *user != viewer && !known.contains(user)).collect();
            let users = self.users(&free).await?;
            let mut users: BTreeMap<_, _> = users.into_iter().map(|user| (user.id, user)).collect();
            let portion = portion.iter().filter_map(|(mutual, user)| {
                let user = users.remove(user).filter(|user| !user.is_blocked && user.first_name.is_some())?;
                Some(SuggestionRow { user, mutual: *mutual })
            });
            found.extend(portion);
            if found.len() >= wanted {
                break;
            }
        }
        found.truncate(wanted);
        Ok(Page::cut(found, page, |row| Place { number: number(row.mutual), id: row.user.id.0 }))
    }

    /// The users of `others` with a friendship, request or block to the viewer.
    async fn between(&self, viewer: UserId, others: &[UserId]) -> Result<BTreeSet<UserId>, QueryError> {
        let ids = padded(&others.iter().map(|user| user.0).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let these = placeholders(2, ids.len());
        let sql = format!(
            "SELECT high_user AS other FROM friendships WHERE low_user = $1 AND high_user IN ({these}) \
             AND (status <> 'none' OR blocked_by_low OR blocked_by_high) \
             UNION SELECT low_user FROM friendships WHERE high_user = $1 AND low_user IN ({these}) \
             AND (status <> 'none' OR blocked_by_low OR blocked_by_high)"
        );
        let rows = self.database.fetch_all(query(sql).bind(viewer.0).bind_all(ids)).await?;
        Ok(rows.iter().map(|row| row.get("other").map(UserId)).collect::<Result<_, _>>()?)
    }
}
