-- Stories: kept by the events of stories. audience: 'friends', or 'people' (story_audience names them). A story that is
-- over (ended_at) leaves its row, without what it showed and what hung on it.
CREATE TABLE stories (
    id            BLOB NOT NULL PRIMARY KEY,
    author_id     BLOB NOT NULL,
    audience      TEXT NOT NULL,
    content       TEXT,
    media_url     TEXT,
    created_at    INTEGER NOT NULL,
    edited_at     INTEGER,
    expires_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    position      INTEGER NOT NULL,
    like_count    INTEGER NOT NULL DEFAULT 0,
    view_count    INTEGER NOT NULL DEFAULT 0,
    comment_count INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Those that are there: of an author, by what they show, and by when they are over.
CREATE INDEX stories_by_author ON stories (author_id, position) WHERE ended_at IS NULL;
CREATE INDEX stories_by_media ON stories (media_url) WHERE ended_at IS NULL AND media_url IS NOT NULL;
CREATE INDEX stories_due ON stories (expires_at, id) WHERE ended_at IS NULL;

-- Whom a story names as its audience.
CREATE TABLE story_audience (
    user_id  BLOB NOT NULL,
    story_id BLOB NOT NULL,
    PRIMARY KEY (user_id, story_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_audience_by_story ON story_audience (story_id);

CREATE TABLE story_likes (
    story_id BLOB NOT NULL,
    user_id  BLOB NOT NULL,
    PRIMARY KEY (story_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE story_views (
    story_id BLOB NOT NULL,
    user_id  BLOB NOT NULL,
    PRIMARY KEY (story_id, user_id)
) STRICT, WITHOUT ROWID;

-- Comments. One that was taken away (deleted_at) leaves its row without content, so that it is known where it was.
CREATE TABLE story_comments (
    id         BLOB NOT NULL PRIMARY KEY,
    story_id   BLOB NOT NULL,
    author_id  BLOB NOT NULL,
    content    TEXT,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    position   INTEGER NOT NULL
) STRICT;
CREATE INDEX story_comments_by_story ON story_comments (story_id, position);
CREATE INDEX story_comments_by_author ON story_comments (author_id);
