//! The projection `stories`: stories with their likes, views and comments. All of its events are medium, and those of a
//! story come in order.

use crate::{ApplyError, Opened};
use domain::{
    Event, UserId,
    story::{Audience, StoryEvent},
};
use event_store::Record;
use sql::{Transaction, query};

pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    for Opened { record, event } in events {
        if let Event::Story(event) = event {
            write(tx, record, event).await?;
        }
    }
    Ok(())
}

async fn write(tx: &mut Transaction, record: &Record, event: &StoryEvent) -> Result<(), ApplyError> {
    let (story, at) = (record.aggregate_id, record.recorded_at.millis());
    match event {
        StoryEvent::Posted { .. } => post(tx, record, event).await,
        StoryEvent::Edited { content, .. } => {
            let sql = "UPDATE stories SET content = $2, media_url = $3, edited_at = $4 WHERE id = $1";
            let edited = query(sql).bind(story).bind(content.get().map(|content| content.text.as_str()));
            let media = content.get().and_then(|content| content.media_url.as_ref()).map(|url| url.as_str());
            tx.execute(edited.bind(media).bind(at)).await?;
            Ok(())
        }
        StoryEvent::Deleted { .. } | StoryEvent::Expired { .. } => end(tx, record).await,
        StoryEvent::Liked { user, .. } => mark(tx, record, *user, "story_likes", "like_count").await,
        StoryEvent::Viewed { user, .. } => mark(tx, record, *user, "story_views", "view_count").await,
        StoryEvent::Unliked { user, .. } => {
            let sql = "DELETE FROM story_likes WHERE story_id = $1 AND user_id = $2";
            tx.execute(query(sql).bind(story).bind(user.0)).await?;
            count(tx, record, "like_count", "- 1").await
        }
        StoryEvent::Commented { comment, user, text, .. } => {
            let sql = "INSERT INTO story_comments (id, story_id, author_id, content, created_at, position) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
            let text = text.get().map(|text| text.as_str());
            let commented = query(sql).bind(comment.0).bind(story).bind(user.0).bind(text).bind(at);
            tx.execute(commented.bind(record.position)).await?;
            count(tx, record, "comment_count", "+ 1").await
        }
        StoryEvent::CommentDeleted { comment, .. } => {
            let sql = "UPDATE story_comments SET content = NULL, deleted_at = $2 WHERE id = $1";
            tx.execute(query(sql).bind(comment.0).bind(at)).await?;
            count(tx, record, "comment_count", "- 1").await
        }
    }
}

async fn post(tx: &mut Transaction, record: &Record, event: &StoryEvent) -> Result<(), ApplyError> {
    let StoryEvent::Posted { author, content, audience, recipients, expires_at } = event else { return Ok(()) };
    let sql = "INSERT INTO stories (id, author_id, audience, content, media_url, created_at, expires_at, position) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let content = content.get();
    let media = content.and_then(|content| content.media_url.as_ref()).map(|url| url.as_str());
    let posted = query(sql)
        .bind(record.aggregate_id)
        .bind(author.0)
        .bind(audience.as_str())
        .bind(content.map(|content| content.text.as_str()))
        .bind(media)
        .bind(record.recorded_at.millis())
        .bind(expires_at.millis())
        .bind(record.position);
    tx.execute(posted).await?;
    if *audience == Audience::People {
        let rows = recipients.iter().map(|user| vec![user.0.into(), record.aggregate_id.into()]);
        tx.insert("INSERT INTO story_audience (user_id, story_id) VALUES", rows.collect(), "").await?;
    }
    Ok(())
}

async fn mark(
    tx: &mut Transaction,
    record: &Record,
    user: UserId,
    table: &str,
    counter: &str,
) -> Result<(), ApplyError> {
    let sql = format!("INSERT INTO {table} (story_id, user_id) VALUES ($1, $2)");
    tx.execute(query(sql).bind(record.aggregate_id).bind(user.0)).await?;
    count(tx, record, counter, "+ 1").await
}

async fn count(tx: &mut Transaction, record: &Record, counter: &str, by: &str) -> Result<(), ApplyError> {
    let sql = format!("UPDATE stories SET {counter} = {counter} {by} WHERE id = $1");
    tx.execute(query(sql).bind(record.aggregate_id)).await?;
    Ok(())
}

/// Leaves the row of the story, without any content.
async fn end(tx: &mut Transaction, record: &Record) -> Result<(), ApplyError> {
    let sql = "UPDATE stories SET content = NULL, media_url = NULL, ended_at = $2, like_count = 0, view_count = 0, \
               comment_count = 0 WHERE id = $1";
    tx.execute(query(sql).bind(record.aggregate_id).bind(record.recorded_at.millis())).await?;
    for table in ["story_audience", "story_likes", "story_views", "story_comments"] {
        tx.execute(query(format!("DELETE FROM {table} WHERE story_id = $1")).bind(record.aggregate_id)).await?;
    }
    Ok(())
}
