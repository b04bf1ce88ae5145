-- Stories: kept by the events of stories. audience: 'friends', or 'people' (story_audience names them). A story that is
-- over (ended_at) leaves its row, without what it showed and what hung on it.
CREATE TABLE stories (
    id            UUID PRIMARY KEY,
    author_id     UUID NOT NULL,
    audience      TEXT NOT NULL,
    content       TEXT,
    media_url     TEXT,
    created_at    BIGINT NOT NULL,
    edited_at     BIGINT,
    expires_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    position      BIGINT NOT NULL,
    like_count    BIGINT NOT NULL DEFAULT 0,
    view_count    BIGINT NOT NULL DEFAULT 0,
    comment_count BIGINT NOT NULL DEFAULT 0
);
-- Those that are there: of an author, by what they show, and by when they are over.
CREATE INDEX stories_by_author ON stories (author_id, position) WHERE ended_at IS NULL;
CREATE INDEX stories_by_media ON stories (media_url) WHERE ended_at IS NULL AND media_url IS NOT NULL;
CREATE INDEX stories_due ON stories (expires_at, id) WHERE ended_at IS NULL;

-- Whom a story names as its audience.
CREATE TABLE story_audience (
    user_id  UUID NOT NULL,
    story_id UUID NOT NULL,
    PRIMARY KEY (user_id, story_id)
);
CREATE INDEX story_audience_by_story ON story_audience (story_id);

CREATE TABLE story_likes (
    story_id UUID NOT NULL,
    user_id  UUID NOT NULL,
    PRIMARY KEY (story_id, user_id)
);

CREATE TABLE story_views (
    story_id UUID NOT NULL,
    user_id  UUID NOT NULL,
    PRIMARY KEY (story_id, user_id)
);

-- Comments. One that was taken away (deleted_at) leaves its row without content, so that it is known where it was.
CREATE TABLE story_comments (
    id         UUID PRIMARY KEY,
    story_id   UUID NOT NULL,
    author_id  UUID NOT NULL,
    content    TEXT,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    position   BIGINT NOT NULL
);
CREATE INDEX story_comments_by_story ON story_comments (story_id, position);
CREATE INDEX story_comments_by_author ON story_comments (author_id);
