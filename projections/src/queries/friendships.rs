//! Friends, requests and blocks.

use super::{
    Page, PageRequest, Queries, QueryError,
    page::Place,
    users::{self, FINDABLE, UserRow},
};
use domain::{Timestamp, UserId};
use sql::{Query, query};
use uuid::Uuid;

/// How the viewer and somebody else stand. Whoever is not to be seen has no name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendshipRow {
    /// The other one.
    pub user: UserRow,
    /// `pending`, `accepted`, or `none`.
    pub status: String,
    /// Who asked, while it is pending.
    pub direction: Option<RequestDirection>,
    /// When it came to stand so.
    pub since: Timestamp,
    /// Whether the viewer has blocked the other one.
    pub blocked_by_me: bool,
    position: i64,
}

/// Which way a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestDirection {
    /// The other one asked.
    In,
    /// The viewer asked.
    Out,
}

/// `$1` is the viewer; `o` the pair from where the viewer stands.
const FROM_HERE: &str = "(SELECT f.*, CASE WHEN f.low_user = $1 THEN f.high_user ELSE f.low_user END AS other, \
    CASE WHEN f.low_user = $1 THEN f.blocked_by_high ELSE f.blocked_by_low END AS blocked_by_other, \
    CASE WHEN f.low_user = $1 THEN f.blocked_by_low ELSE f.blocked_by_high END AS blocked_by_me \
    FROM friendships f WHERE f.low_user = $1 OR f.high_user = $1) o \
    JOIN users u ON u.id = o.other AND u.created_at IS NOT NULL";

impl Queries {
    /// The friends of a user, the newest friendship first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn friends(&self, viewer: UserId, page: &PageRequest) -> Result<Page<FriendshipRow>, QueryError> {
        self.friendship_page(viewer, &format!("o.status = 'accepted' AND {FINDABLE}"), page).await
    }

    /// Open requests to or by a user, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn friend_requests(
        &self,
        viewer: UserId,
        direction: RequestDirection,
        page: &PageRequest,
    ) -> Result<Page<FriendshipRow>, QueryError> {
        let condition = match direction {
            RequestDirection::In => "o.status = 'pending' AND o.requested_by <> $1",
            RequestDirection::Out => "o.status = 'pending' AND o.requested_by = $1",
        };
        self.friendship_page(viewer, &format!("{condition} AND {FINDABLE}"), page).await
    }

    /// Whom a user has blocked.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn blocked(&self, viewer: UserId, page: &PageRequest) -> Result<Page<FriendshipRow>, QueryError> {
        self.friendship_page(viewer, "o.blocked_by_me", page).await
    }

    /// All with whom a user has something: friendship, request, or the user's own block.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn own_friendships(&self, viewer: UserId, page: &PageRequest) -> Result<Page<FriendshipRow>, QueryError> {
        self.friendship_page(viewer, "(o.status <> 'none' OR o.blocked_by_me)", page).await
    }

    /// How the viewer and another user stand; `None` when there never was anything between them.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn friendship(&self, viewer: UserId, other: UserId) -> Result<Option<FriendshipRow>, QueryError> {
        let rows = self.friendship_rows(viewer, select("o.other = $2").bind(viewer.0).bind(other.0)).await?;
        Ok(rows.into_iter().next())
    }

    async fn friendship_page(
        &self,
        viewer: UserId,
        condition: &str,
        page: &PageRequest,
    ) -> Result<Page<FriendshipRow>, QueryError> {
        let place = page.place()?;
        let sql = format!("{condition} AND o.position < $2 ORDER BY o.position DESC LIMIT $3");
        let rows = select(&sql).bind(viewer.0).bind(place.number).bind(page.probe());
        let rows = self.friendship_rows(viewer, rows).await?;
        Ok(Page::cut(rows, page, |row| Place { number: row.position, id: row.user.id.0 }))
    }

    async fn friendship_rows(&self, viewer: UserId, query: Query) -> Result<Vec<FriendshipRow>, QueryError> {
        let mut friendships = Vec::new();
        for row in self.database.fetch_all(query).await? {
            let mut user = users::parse(&row, 0)?;
            // Blocks stay with people who are not to be seen any more: what they are called is not told.
            if row.get::<i64>(users::WIDTH + 5)? == 0 {
                user.hide();
            }
            let requested_by: Option<Uuid> = row.get(users::WIDTH + 1)?;
            let direction = |by| if by == viewer.0 { RequestDirection::Out } else { RequestDirection::In };
            friendships.push(FriendshipRow {
                user,
                status: row.get(users::WIDTH)?,
                direction: requested_by.map(direction),
                since: Timestamp::from_millis(row.get(users::WIDTH + 2)?),
                blocked_by_me: row.get(users::WIDTH + 3)?,
                position: row.get(users::WIDTH + 4)?,
            });
        }
        Ok(friendships)
    }
}

fn select(condition: &str) -> Query {
    let columns = users::COLUMNS;
    query(format!(
        "SELECT {columns}, o.status, o.requested_by, o.since, o.blocked_by_me, o.position, \
         CAST(CASE WHEN {FINDABLE} AND NOT o.blocked_by_other THEN 1 ELSE 0 END AS BIGINT) FROM {FROM_HERE} \
         WHERE {condition}"
    ))
}
