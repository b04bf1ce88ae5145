//! A history with an event that cannot be applied.

use super::{Story, World};
use domain::{ConversationId, Event};
use event_store::StreamId;
use sql::query;

/// Two groups. The creation of the first is appended twice; the second one cannot be applied.
pub(crate) fn poisoned() -> (Story, Vec<(StreamId, Event)>) {
    let mut story = Story::new(1);
    story.register_all(3);
    let sick = story.open_group(0, 0, &[1], false);
    let well = story.open_group(1, 0, &[1], false);
    let mut events = story.take();
    let again = events.iter().find(|(stream, _)| stream.id == sick.0).cloned().unwrap();
    events.push(again);
    story.retitle(sick, 0, Some("Behind"));
    story.conversation(
        sick,
        domain::conversation::ConversationCommand::Join { user: story.user(2), now: Default::default() },
    );
    story.retitle(well, 0, Some("Well"));
    story.conversation(
        well,
        domain::conversation::ConversationCommand::Join { user: story.user(2), now: Default::default() },
    );
    story.send(1, 0, sick, "messages are another stream");
    events.extend(story.take());
    (story, events)
}

/// Removes the rows that the second creation conflicts with.
pub(crate) async fn cure(world: &World, group: ConversationId) {
    for table in ["conversations WHERE id = $1", "members WHERE conversation_id = $1"] {
        world.database.execute(query(format!("DELETE FROM {table}")).bind(group.0)).await.unwrap();
    }
}

/// The title and number of members of both groups.
pub(crate) async fn groups(world: &World) -> Vec<(String, i64)> {
    let sql = "SELECT title, member_count FROM conversations ORDER BY id";
    let rows = world.database.fetch_all(query(sql)).await.unwrap();
    rows.iter().map(|row| (row.get("title").unwrap(), row.get("member_count").unwrap())).collect()
}

pub(crate) fn both(sick: (&str, i64)) -> Vec<(String, i64)> {
    vec![(sick.0.to_owned(), sick.1), ("Well".to_owned(), 3)]
}
