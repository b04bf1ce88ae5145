//! People one may know: friends of friends, those with the most mutual friends first.

use super::{Page, PageRequest, Queries, QueryError, UserRow, padded, page::Place};
use domain::UserId;
use sql::{placeholders, query};
use std::collections::{BTreeMap, BTreeSet};

/// How many of somebody's friends are looked at, in the order of their ids: who has more has enough suggestions.
pub const FRIENDS_LOOKED_AT: usize = 200;
/// How many friends of each of them.
pub const THEIRS_LOOKED_AT: usize = 1_000;
/// How many are suggested at most.
const SUGGESTED: usize = 1_000;
/// How many are asked for at a time.
const PORTION: usize = 256;

/// Somebody one may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestionRow {
    /// Who.
    pub user: UserRow,
    /// How many friends they share with the viewer, of those looked at.
    pub mutual: u64,
}

impl Queries {
    /// How many friends each friend of a friend shares with `user`, as the read models know it: for when the graph is
    /// away.
    ///
    /// # Errors
    /// When the read models are away.
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
                   SELECT other, COUNT(*) FROM theirs WHERE nth <= $3 AND other <> $1 GROUP BY other";
        let asked = query(sql).bind(user.0).bind(FRIENDS_LOOKED_AT as u64).bind(THEIRS_LOOKED_AT as u64);
        let rows = self.database.fetch_all(asked).await?;
        let mutual = rows.iter().map(|row| Ok((UserId(row.get(0)?), row.unsigned(1)?)));
        Ok(mutual.collect::<Result<_, sql::Error>>()?)
    }

    /// Those of `mutual` whom the viewer may befriend, the most mutual friends first: nobody with whom there is a
    /// friendship, a request or a block, and no blocked account.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
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

    /// Those of `others` with whom there is a friendship, a request or a block.
    async fn between(&self, viewer: UserId, others: &[UserId]) -> Result<BTreeSet<UserId>, QueryError> {
        let ids = padded(&others.iter().map(|user| user.0).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let these = placeholders(2, ids.len());
        let sql = format!(
            "SELECT high_user FROM friendships WHERE low_user = $1 AND high_user IN ({these}) \
             AND (status <> 'none' OR blocked_by_low OR blocked_by_high) \
             UNION SELECT low_user FROM friendships WHERE high_user = $1 AND low_user IN ({these}) \
             AND (status <> 'none' OR blocked_by_low OR blocked_by_high)"
        );
        let rows = self.database.fetch_all(query(sql).bind(viewer.0).bind_all(ids)).await?;
        Ok(rows.iter().map(|row| row.get(0).map(UserId)).collect::<Result<_, _>>()?)
    }
}
