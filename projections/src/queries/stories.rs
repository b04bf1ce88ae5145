//! Stories, as those see them who may: the author, and while no block stands, who is a friend or was named. Whether a
//! story is over is told by the asker's clock, before the log says so.

use super::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, bytes_of},
    users::{self, FINDABLE, PersonRow},
};
use domain::{CommentId, StoryId, Timestamp, UserId};
use sql::{Query, Row, query};

/// A story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryRow {
    /// Which.
    pub id: StoryId,
    /// Whose.
    pub author: PersonRow,
    /// The text; `None` once its author is forgotten.
    pub content: Option<String>,
    /// A picture or a film.
    pub media_url: Option<String>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub edited_at: Option<Timestamp>,
    /// Until when it is there.
    pub expires_at: Timestamp,
    /// How many like it.
    pub like_count: u64,
    /// How many comments it has.
    pub comment_count: u64,
    /// How many have seen it; for its author alone.
    pub view_count: Option<u64>,
    /// Whether the viewer likes it.
    pub liked: bool,
    /// Whether the viewer has seen it.
    pub viewed: bool,
    position: i64,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentRow {
    /// Which.
    pub id: CommentId,
    /// On which story.
    pub story: StoryId,
    /// Who wrote it.
    pub author: PersonRow,
    /// What they said; `None` once they are forgotten.
    pub content: Option<String>,
    /// When.
    pub created_at: Timestamp,
    position: i64,
}

impl StoryRow {
    /// What it weighs in a page, in bytes.
    fn weight(&self) -> usize {
        512 + bytes_of(&self.content) + bytes_of(&self.media_url) + bytes_of(&self.author.avatar_url)
    }
}

impl CommentRow {
    /// What it weighs in a page, in bytes.
    fn weight(&self) -> usize {
        512 + bytes_of(&self.content) + bytes_of(&self.author.avatar_url)
    }
}

/// A story whose time is over, and of which the log does not know it yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueRow {
    /// Which.
    pub story: StoryId,
    /// Since when.
    pub expires_at: Timestamp,
}

/// `$1` is the viewer.
const SELECT: &str = "SELECT s.id, s.author_id, s.content, s.media_url, s.created_at, s.edited_at, s.expires_at, \
    s.like_count, s.comment_count, s.view_count, \
    CAST(CASE WHEN EXISTS (SELECT 1 FROM story_likes l WHERE l.story_id = s.id AND l.user_id = $1) THEN 1 ELSE 0 END \
    AS BIGINT), \
    CAST(CASE WHEN EXISTS (SELECT 1 FROM story_views v WHERE v.story_id = s.id AND v.user_id = $1) THEN 1 ELSE 0 END \
    AS BIGINT), s.position, u.first_name, u.last_name, u.avatar_url \
    FROM stories s LEFT JOIN users u ON u.id = s.author_id";
const COMMENTS: &str = "SELECT c.id, c.story_id, c.author_id, c.content, c.created_at, c.position, u.first_name, \
    u.last_name, u.avatar_url FROM story_comments c LEFT JOIN users u ON u.id = c.author_id";
/// `$1` is the viewer, `$2` the time. Friends have not blocked each other; whose account is blocked, hidden or erased shows
/// nothing.
pub(super) const VISIBLE: &str = "s.ended_at IS NULL AND s.expires_at > $2 AND EXISTS (SELECT 1 FROM users h \
    WHERE h.id = s.author_id AND NOT h.is_blocked AND h.deactivated_at IS NULL AND h.erased_at IS NULL) \
    AND (s.author_id = $1 \
    OR (s.audience = 'friends' AND EXISTS (SELECT 1 FROM friendships f WHERE f.status = 'accepted' \
    AND ((f.low_user = $1 AND f.high_user = s.author_id) OR (f.high_user = $1 AND f.low_user = s.author_id)))) \
    OR (s.audience = 'people' AND EXISTS (SELECT 1 FROM story_audience a WHERE a.user_id = $1 AND a.story_id = s.id) \
    AND NOT EXISTS (SELECT 1 FROM friendships f WHERE (f.blocked_by_low OR f.blocked_by_high) \
    AND ((f.low_user = $1 AND f.high_user = s.author_id) OR (f.high_user = $1 AND f.low_user = s.author_id)))))";
/// Those that the viewer `$1` may be allowed to see, each branch by its index.
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
    /// [`QueryError::BadToken`], or when the read models are away.
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

    /// The stories of somebody that the viewer may see, newest first.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] when there is no such account, or it has blocked the viewer; [`QueryError::BadToken`].
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

    /// A story.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer may see it.
    pub async fn story(&self, viewer: UserId, story: StoryId, now: Timestamp) -> Result<StoryRow, QueryError> {
        let sql = format!("{SELECT} WHERE s.id = $3 AND {VISIBLE}");
        let row = self.database.fetch_optional(query(sql).bind(viewer.0).bind(now.millis()).bind(story.0)).await?;
        Ok(parse(&row.ok_or(QueryError::NotFound)?, viewer)?)
    }

    /// The comments on a story, newest first, without those of people between whom and the viewer a block stands.
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

    /// The comments that somebody wrote and that are there, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
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
                id: CommentId(row.get(0)?),
                story: StoryId(row.get(1)?),
                author: users::person(&row, row.get(2)?, 6)?,
                content: row.get(3)?,
                created_at: Timestamp::from_millis(row.get(4)?),
                position: row.get(5)?,
            });
        }
        Ok(Page::cut_weighed(rows, page, CommentRow::weight, |row: &CommentRow| Place {
            number: row.position,
            id: row.id.0,
        }))
    }

    /// The story on which a comment is or was, while the story is there.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] when there is no such comment.
    pub async fn story_of_comment(&self, comment: CommentId) -> Result<StoryId, QueryError> {
        let sql = "SELECT story_id FROM story_comments WHERE id = $1";
        let row = self.database.fetch_optional(query(sql).bind(comment.0)).await?;
        Ok(StoryId(row.ok_or(QueryError::NotFound)?.get(0)?))
    }

    /// At most `limit` stories whose time was over at `now`, by that time, after `after`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn due_stories(&self, now: Timestamp, after: DueRow, limit: u32) -> Result<Vec<DueRow>, QueryError> {
        let sql = "SELECT id, expires_at FROM stories WHERE ended_at IS NULL AND expires_at <= $1 \
                   AND (expires_at, id) > ($2, $3) ORDER BY expires_at, id LIMIT $4";
        let due = query(sql).bind(now.millis()).bind(after.expires_at.millis()).bind(after.story.0).bind(limit);
        let rows = self.database.fetch_all(due).await?;
        let row =
            |row: &Row| Ok(DueRow { story: StoryId(row.get(0)?), expires_at: Timestamp::from_millis(row.get(1)?) });
        Ok(rows.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// At most `limit` friends of a user, the newest friendships first.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn newest_friends(&self, user: UserId, limit: usize) -> Result<Vec<UserId>, QueryError> {
        let sql = "SELECT id FROM (\
                   SELECT high_user AS id, position FROM friendships WHERE low_user = $1 AND status = 'accepted' \
                   UNION ALL SELECT low_user, position FROM friendships WHERE high_user = $1 AND status = 'accepted') f \
                   ORDER BY position DESC LIMIT $2";
        let rows = self.database.fetch_all(query(sql).bind(user.0).bind(limit as u64)).await?;
        Ok(rows.iter().map(|row| row.get(0).map(UserId)).collect::<Result<_, _>>()?)
    }

    /// That an account is there, as the viewer sees it: to whom it has blocked, it does not exist.
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
        Ok(Page::cut_weighed(rows, page, StoryRow::weight, |row: &StoryRow| Place {
            number: row.position,
            id: row.id.0,
        }))
    }
}

/// Reads [`SELECT`].
fn parse(row: &Row, viewer: UserId) -> Result<StoryRow, sql::Error> {
    let author = users::person(row, row.get(1)?, 13)?;
    Ok(StoryRow {
        id: StoryId(row.get(0)?),
        content: row.get(2)?,
        media_url: row.get(3)?,
        created_at: Timestamp::from_millis(row.get(4)?),
        edited_at: row.get::<Option<i64>>(5)?.map(Timestamp::from_millis),
        expires_at: Timestamp::from_millis(row.get(6)?),
        like_count: row.unsigned(7)?,
        comment_count: row.unsigned(8)?,
        view_count: if author.id == viewer { Some(row.unsigned(9)?) } else { None },
        liked: row.get::<i64>(10)? == 1,
        viewed: row.get::<i64>(11)? == 1,
        position: row.get(12)?,
        author,
    })
}
