//! Friends, requests and blocks.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, Weigh},
    users::{self, FINDABLE, UserRow},
};
use domain::{Timestamp, UserId};
use sql::{Query, query};
use uuid::Uuid;

/// The relation between the viewer and another user. A user who is not visible has no name here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendshipRow {
    pub user: UserRow,
    /// `pending`, `accepted`, or `none`.
    pub status: String,
    /// The direction of a pending request.
    pub direction: Option<RequestDirection>,
    /// When the status last changed.
    pub since: Timestamp,
    pub blocked_by_me: bool,
    position: i64,
}

/// The direction of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestDirection {
    /// The other user asked.
    In,
    /// The viewer asked.
    Out,
}

impl Weigh for FriendshipRow {
    fn weight(&self) -> usize {
        self.user.weight()
    }
}

/// `$1` is the viewer; `o` is the pair from the viewer's side.
const FROM_HERE: &str = "(SELECT f.*, CASE WHEN f.low_user = $1 THEN f.high_user ELSE f.low_user END AS other, \
    CASE WHEN f.low_user = $1 THEN f.blocked_by_high ELSE f.blocked_by_low END AS blocked_by_other, \
    CASE WHEN f.low_user = $1 THEN f.blocked_by_low ELSE f.blocked_by_high END AS blocked_by_me \
    FROM friendships f WHERE f.low_user = $1 OR f.high_user = $1) o \
    JOIN users u ON u.id = o.other AND u.created_at IS NOT NULL";

impl Queries {
    /// The friends of a user, the newest friendship first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn friends(&self, viewer: UserId, page: &PageRequest) -> Result<Page<FriendshipRow>, QueryError> {
        self.friendship_page(viewer, &format!("o.status = 'accepted' AND {FINDABLE}"), page).await
    }

    /// Open requests to or by a user, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
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

    /// The users blocked by a user.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn blocked(&self, viewer: UserId, page: &PageRequest) -> Result<Page<FriendshipRow>, QueryError> {
        self.friendship_page(viewer, "o.blocked_by_me", page).await
    }

    /// The friendships, requests and own blocks of a user.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_friendships(&self, viewer: UserId, page: &PageRequest) -> Result<Page<FriendshipRow>, QueryError> {
        self.friendship_page(viewer, "(o.status <> 'none' OR o.blocked_by_me)", page).await
    }

    /// The relation of two users; `None` if there never was any.
    ///
    /// # Errors
    /// If the read models are unavailable.
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
            let mut user = users::parse(&row)?;
            // A block outlives the other user's visibility; their name is not shown.
            if row.get::<i64>("is_seen")? == 0 {
                user.hide();
            }
            let requested_by: Option<Uuid> = row.get("requested_by")?;
            let direction = |by| if by == viewer.0 { RequestDirection::Out } else { RequestDirection::In };
            friendships.push(FriendshipRow {
                user,
                status: row.get("status")?,
                direction: requested_by.map(direction),
                since: Timestamp::from_millis(row.get("since")?),
                blocked_by_me: row.get("blocked_by_me")?,
                position: row.get("position")?,
            });
        }
        Ok(friendships)
    }
}

fn select(condition: &str) -> Query {
    let columns = users::COLUMNS;
    query(format!(
        "SELECT {columns}, o.status, o.requested_by, o.since, o.blocked_by_me, o.position, \
         CAST(CASE WHEN {FINDABLE} AND NOT o.blocked_by_other THEN 1 ELSE 0 END AS BIGINT) AS is_seen FROM {FROM_HERE} \
         WHERE {condition}"
    ))
}
