//! Stories, visible to their author and, unless blocked either way, to the author's friends or the named people. The
//! caller's clock decides whether a story has expired, before the log says so.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, Weigh, bytes_of},
    users::{self, FINDABLE, PersonRow},
};
use domain::{CommentId, StoryId, Timestamp, UserId};
use sql::{Query, Row, query};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryRow {
    pub id: StoryId,
    pub author: PersonRow,
    /// `None` once its author is erased.
    pub content: Option<String>,
    pub media_url: Option<String>,
    pub created_at: Timestamp,
    /// The last edit.
    pub edited_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub like_count: u64,
    pub comment_count: u64,
    /// Only for the author.
    pub view_count: Option<u64>,
    pub liked: bool,
    pub viewed: bool,
    position: i64,
}

/// A comment on a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentRow {
    pub id: CommentId,
    pub story: StoryId,
    pub author: PersonRow,
    /// `None` once its author is erased.
    pub content: Option<String>,
    pub created_at: Timestamp,
    position: i64,
}

impl Weigh for StoryRow {
    fn weight(&self) -> usize {
        self.author.weight() + bytes_of(&self.content) + bytes_of(&self.media_url)
    }
}

impl Weigh for CommentRow {
    fn weight(&self) -> usize {
        self.author.weight() + bytes_of(&self.content)
    }
}

/// A story that has expired and is not ended in the log yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueRow {
    pub story: StoryId,
    pub expires_at: Timestamp,
}

/// `$1` is the viewer.
const SELECT: &str = "SELECT s.id, s.author_id, s.content, s.media_url, s.created_at, s.edited_at, s.expires_at, \
    s.like_count, s.comment_count, s.view_count, \
    CAST(CASE WHEN EXISTS (SELECT 1 FROM story_likes l WHERE l.story_id = s.id AND l.user_id = $1) THEN 1 ELSE 0 END \
    AS BIGINT) AS liked, \
    CAST(CASE WHEN EXISTS (SELECT 1 FROM story_views v WHERE v.story_id = s.id AND v.user_id = $1) THEN 1 ELSE 0 END \
    AS BIGINT) AS viewed, s.position, u.first_name, u.last_name, u.avatar_url \
    FROM stories s LEFT JOIN users u ON u.id = s.author_id";
const COMMENTS: &str = "SELECT c.id, c.story_id, c.author_id, c.content, c.created_at, c.position, u.first_name, \
    u.last_name, u.avatar_url FROM story_comments c LEFT JOIN users u ON u.id = c.author_id";
/// `$1` is the viewer, `$2` the time. Friends have not blocked each other. Blocked, hidden and erased accounts show no
/// stories.
pub(crate) const VISIBLE: &str = "s.ended_at IS NULL AND s.expires_at > $2 AND EXISTS (SELECT 1 FROM users h \
    WHERE h.id = s.author_id AND NOT h.is_blocked AND h.deactivated_at IS NULL AND h.erased_at IS NULL) \
    AND (s.author_id = $1 \
    OR (s.audience = 'friends' AND EXISTS (SELECT 1 FROM friendships f WHERE f.status = 'accepted' \
    AND ((f.low_user = $1 AND f.high_user = s.author_id) OR (f.high_user = $1 AND f.low_user = s.author_id)))) \
    OR (s.audience = 'people' AND EXISTS (SELECT 1 FROM story_audience a WHERE a.user_id = $1 AND a.story_id = s.id) \
    AND NOT EXISTS (SELECT 1 FROM friendships f WHERE (f.blocked_by_low OR f.blocked_by_high) \
    AND ((f.low_user = $1 AND f.high_user = s.author_id) OR (f.high_user = $1 AND f.low_user = s.author_id)))))";
/// The stories that the viewer `$1` may be allowed to see, each branch by its index.
const CANDIDATES: &str = "SELECT id FROM stories WHERE author_id = $1 AND ended_at IS NULL \
    UNION SELECT c.id FROM friendships f JOIN stories c ON c.author_id = f.high_user AND c.ended_at IS NULL \
    WHERE f.low_user = $1 AND f.status = 'accepted' \
    UNION SELECT c.id FROM friendships f JOIN stories c ON c.author_id = f.low_user AND c.ended_at IS NULL \
    WHERE f.high_user = $1 AND f.status = 'accepted' \
    UNION SELECT story_id FROM story_audience WHERE user_id = $1";

impl Queries {
    /// The viewer's own stories, those of friends, and those that name the viewer, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn stories(
        &self,
        viewer: UserId,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<StoryRow>, QueryError> {
        let sql = format!(
            "{SELECT} WHERE s.id IN ({CANDIDATES}) AND {VISIBLE} AND s.position < $3 ORDER BY s.position DESC LIMIT $4"
        );
        let stories = query(sql).bind(viewer.0).bind(now.millis()).bind(page.place()?.number).bind(page.probe());
        self.story_page(viewer, stories, page).await
    }

    /// The stories of an author that the viewer may see, newest first.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is no such account, or it has blocked the viewer; [`QueryError::BadToken`].
    pub async fn stories_of(
        &self,
        viewer: UserId,
        author: UserId,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<StoryRow>, QueryError> {
        let place = page.place()?;
        self.require_known(viewer, author).await?;
        let sql = format!(
            "{SELECT} WHERE s.author_id = $3 AND {VISIBLE} AND s.position < $4 ORDER BY s.position DESC LIMIT $5"
        );
        let stories = query(sql).bind(viewer.0).bind(now.millis()).bind(author.0);
        self.story_page(viewer, stories.bind(place.number).bind(page.probe()), page).await
    }

    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer may see it.
    pub async fn story(&self, viewer: UserId, story: StoryId, now: Timestamp) -> Result<StoryRow, QueryError> {
        let sql = format!("{SELECT} WHERE s.id = $3 AND {VISIBLE}");
        let row = self.database.fetch_optional(query(sql).bind(viewer.0).bind(now.millis()).bind(story.0)).await?;
        Ok(parse(&row.ok_or(QueryError::NotFound)?, viewer)?)
    }

    /// The comments on a story, newest first, without those of people blocked either way.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer may see the story; [`QueryError::BadToken`].
    pub async fn story_comments(
        &self,
        viewer: UserId,
        story: StoryId,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<CommentRow>, QueryError> {
        let place = page.place()?;
        self.story(viewer, story, now).await?;
        let sql = format!(
            "{COMMENTS} WHERE c.story_id = $2 AND c.deleted_at IS NULL AND c.position < $3 \
             AND NOT EXISTS (SELECT 1 FROM friendships f WHERE (f.blocked_by_low OR f.blocked_by_high) \
             AND ((f.low_user = $1 AND f.high_user = c.author_id) OR (f.high_user = $1 AND f.low_user = c.author_id))) \
             ORDER BY c.position DESC LIMIT $4"
        );
        let comments = query(sql).bind(viewer.0).bind(story.0).bind(place.number).bind(page.probe());
        self.comment_page(comments, page).await
    }

    /// The comments of a user that are not deleted, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn own_comments(&self, user: UserId, page: &PageRequest) -> Result<Page<CommentRow>, QueryError> {
        let sql = format!(
            "{COMMENTS} WHERE c.author_id = $1 AND c.deleted_at IS NULL AND c.position < $2 \
             ORDER BY c.position DESC LIMIT $3"
        );
        let comments = query(sql).bind(user.0).bind(page.place()?.number).bind(page.probe());
        self.comment_page(comments, page).await
    }

    async fn comment_page(&self, comments: Query, page: &PageRequest) -> Result<Page<CommentRow>, QueryError> {
        let mut rows = Vec::new();
        for row in self.database.fetch_all(comments).await? {
            rows.push(CommentRow {
                id: CommentId(row.get("id")?),
                story: StoryId(row.get("story_id")?),
                author: users::person(&row, row.get("author_id")?)?,
                content: row.get("content")?,
                created_at: Timestamp::from_millis(row.get("created_at")?),
                position: row.get("position")?,
            });
        }
        Ok(Page::cut(rows, page, |row: &CommentRow| Place { number: row.position, id: row.id.0 }))
    }

    /// The story of a comment, also of a deleted one, while the story exists.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is no such comment.
    pub async fn story_of_comment(&self, comment: CommentId) -> Result<StoryId, QueryError> {
        let sql = "SELECT story_id FROM story_comments WHERE id = $1";
        let row = self.database.fetch_optional(query(sql).bind(comment.0)).await?;
        Ok(StoryId(row.ok_or(QueryError::NotFound)?.get("story_id")?))
    }

    /// At most `limit` stories that had expired at `now`, ordered by expiry, after `after`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn due_stories(&self, now: Timestamp, after: DueRow, limit: u32) -> Result<Vec<DueRow>, QueryError> {
        let sql = "SELECT id, expires_at FROM stories WHERE ended_at IS NULL AND expires_at <= $1 \
                   AND (expires_at, id) > ($2, $3) ORDER BY expires_at, id LIMIT $4";
        let due = query(sql).bind(now.millis()).bind(after.expires_at.millis()).bind(after.story.0).bind(limit);
        let rows = self.database.fetch_all(due).await?;
        let row = |row: &Row| {
            Ok(DueRow { story: StoryId(row.get("id")?), expires_at: Timestamp::from_millis(row.get("expires_at")?) })
        };
        Ok(rows.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// At most `limit` friends of a user, the newest friendships first.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn newest_friends(&self, user: UserId, limit: usize) -> Result<Vec<UserId>, QueryError> {
        let sql = "SELECT id FROM (\
                   SELECT high_user AS id, position FROM friendships WHERE low_user = $1 AND status = 'accepted' \
                   UNION ALL SELECT low_user, position FROM friendships WHERE high_user = $1 AND status = 'accepted') f \
                   ORDER BY position DESC LIMIT $2";
        let rows = self.database.fetch_all(query(sql).bind(user.0).bind(limit as u64)).await?;
        Ok(rows.iter().map(|row| row.get("id").map(UserId)).collect::<Result<_, _>>()?)
    }

    /// Fails unless the account exists for the viewer: an account that has blocked the viewer does not.
    async fn require_known(&self, viewer: UserId, user: UserId) -> Result<(), QueryError> {
        let sql = format!(
            "SELECT u.id FROM users u WHERE u.id = $2 AND {FINDABLE} \
             AND NOT EXISTS (SELECT 1 FROM friendships f WHERE \
             (f.low_user = u.id AND f.high_user = $1 AND f.blocked_by_low) \
             OR (f.high_user = u.id AND f.low_user = $1 AND f.blocked_by_high))"
        );
        let row = self.database.fetch_optional(query(sql).bind(viewer.0).bind(user.0)).await?;
        row.map(drop).ok_or(QueryError::NotFound)
    }

    async fn story_page(
        &self,
        viewer: UserId,
        stories: Query,
        page: &PageRequest,
    ) -> Result<Page<StoryRow>, QueryError> {
        let rows = self.database.fetch_all(stories).await?;
        let rows = rows.iter().map(|row| parse(row, viewer)).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, page, |row: &StoryRow| Place { number: row.position, id: row.id.0 }))
    }
}

/// Reads a row of [`SELECT`].
fn parse(row: &Row, viewer: UserId) -> Result<StoryRow, sql::Error> {
    let author = users::person(row, row.get("author_id")?)?;
    Ok(StoryRow {
        id: StoryId(row.get("id")?),
        content: row.get("content")?,
        media_url: row.get("media_url")?,
        created_at: Timestamp::from_millis(row.get("created_at")?),
        edited_at: row.get::<Option<i64>>("edited_at")?.map(Timestamp::from_millis),
        expires_at: Timestamp::from_millis(row.get("expires_at")?),
        like_count: row.unsigned("like_count")?,
        comment_count: row.unsigned("comment_count")?,
        view_count: if author.id == viewer { Some(row.unsigned("view_count")?) } else { None },
        liked: row.get::<i64>("liked")? == 1,
        viewed: row.get::<i64>("viewed")? == 1,
        position: row.get("position")?,
        author,
    })
}
