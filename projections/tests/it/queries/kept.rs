//! Muted, archived and cleared conversations.

use super::{first, queries_on};
use crate::support::{Story, World};
use domain::{
    ConversationId, Timestamp,
    conversation::ConversationCommand as Command,
    own_settings::OwnSettingsAct::{self as Act, Archive, Clear, Unarchive, Unmute},
    read_marker::Mark,
};
use projections::queries::{MessageWindow, Queries, QueryError};
use testkit::each_engine;

const NOW: Timestamp = at(1_000);
const FOR_GOOD: Act = Act::Mute { until: None };

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn people() -> Story {
    let mut story = Story::new(1);
    story.register_all(3);
    story
}

/// The list that a conversation is in.
async fn is_archived(queries: &Queries, story: &Story, n: u64, group: ConversationId, now: Timestamp) -> bool {
    let mut lists = [false, true];
    for list in &mut lists {
        let page = queries.conversations(story.user(n), *list, now, &first(9)).await.unwrap();
        *list = page.items.iter().any(|row| row.id == group);
    }
    let row = queries.conversation(story.user(n), group, now).await.unwrap();
    assert_eq!(lists, [!row.archived, row.archived], "it is in one of the two lists");
    row.archived
}

each_engine!(a_message_brings_back_what_was_put_away_unless_it_is_muted, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], false);
    story.send(0, 0, group, "one");
    story.keep(group, 1, Archive);
    let queries = queries_on(&world, &mut story).await;
    assert!(is_archived(&queries, &story, 1, group, NOW).await);
    assert!(!is_archived(&queries, &story, 0, group, NOW).await, "to others it is not");

    story.send(1, 0, group, "two");
    queries_on(&world, &mut story).await;
    assert!(!is_archived(&queries, &story, 1, group, NOW).await);

    story.keep(group, 1, Archive);
    story.keep(group, 1, Act::Mute { until: Some(at(2_000)) });
    story.send(2, 0, group, "three");
    queries_on(&world, &mut story).await;
    assert!(is_archived(&queries, &story, 1, group, NOW).await);
    assert!(!is_archived(&queries, &story, 1, group, at(2_000)).await, "it is no longer muted");
    story.keep(group, 1, Unmute);
    queries_on(&world, &mut story).await;
    assert!(!is_archived(&queries, &story, 1, group, NOW).await);

    story.keep(group, 1, Archive);
    story.keep(group, 1, Unarchive);
    queries_on(&world, &mut story).await;
    assert!(!is_archived(&queries, &story, 1, group, NOW).await);
});

each_engine!(it_is_muted_until_its_time_has_come, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], false);
    story.keep(group, 0, Act::Mute { until: Some(at(2_000)) });
    let queries = queries_on(&world, &mut story).await;
    let [ana, ben] = [story.user(0), story.user(1)];
    let muted = async |user, now| {
        let row = queries.conversation(user, group, now).await.unwrap();
        (row.muted, row.muted_until)
    };
    assert_eq!(muted(ana, NOW).await, (true, Some(at(2_000))));
    assert_eq!(muted(ana, at(2_000)).await, (false, None));
    assert_eq!(muted(ben, NOW).await, (false, None));
    for (act, expected) in [(FOR_GOOD, (true, None)), (Unmute, (false, None))] {
        story.keep(group, 0, act);
        queries_on(&world, &mut story).await;
        let row = queries.conversation(story.user(0), group, NOW).await.unwrap();
        assert_eq!((row.muted, row.muted_until), expected);
    }
});

each_engine!(what_was_cleared_is_seen_nowhere, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    let sent: Vec<_> = (0..6).map(|n| story.send(n, n % 2, group, &format!("message {}", n + 1))).collect();
    story.mark(group, 1, 1, Mark::Read);
    story.keep(group, 2, Clear);
    story.send(6, 0, group, "message 7");
    story.send(7, 0, group, "message 8");
    let queries = queries_on(&world, &mut story).await;
    let (ben, cyd) = (story.user(1), story.user(2));
    let seqs = async |viewer, window| {
        let page = queries.messages(viewer, group, window, Some(4)).await.unwrap();
        (page.items.iter().map(|message| message.seq).collect::<Vec<_>>(), page.next)
    };
    for (window, seen) in [
        (MessageWindow::Latest, vec![8, 7]),
        (MessageWindow::Before(8), vec![7]),
        (MessageWindow::Before(7), vec![]),
        (MessageWindow::After(0), vec![8, 7]),
        (MessageWindow::After(7), vec![8]),
        (MessageWindow::Around(7), vec![8, 7]),
        (MessageWindow::Around(3), vec![8, 7]),
    ] {
        assert_eq!(seqs(cyd, window).await, (seen, None), "{window:?}");
    }
    assert_eq!(seqs(ben, MessageWindow::Latest).await, (vec![8, 7, 6, 5], Some("5".to_owned())), "others see it all");
    for message in &sent {
        assert!(matches!(queries.message(cyd, *message).await, Err(QueryError::NotFound)));
        assert!(matches!(queries.receipts(cyd, *message, &first(9)).await, Err(QueryError::NotFound)));
        assert!(queries.message(ben, *message).await.is_ok());
    }
    assert!(queries.message(cyd, story.message(6)).await.is_ok());
    let row = queries.conversation(cyd, group, NOW).await.unwrap();
    assert_eq!((row.last_seq, row.unread), (8, 2), "what was cleared is not unread");
    assert_eq!(row.last_message.map(|message| message.seq), Some(8));
    assert_eq!(queries.cleared(cyd).await.unwrap(), [(group, 6)]);
    assert_eq!(queries.cleared(ben).await.unwrap(), []);

    story.keep(group, 2, Clear);
    queries_on(&world, &mut story).await;
    let row = queries.conversation(cyd, group, NOW).await.unwrap();
    assert_eq!((row.last_seq, row.unread, row.last_message), (8, 0, None));
    // A member who leaves and returns does not see it either.
    story.conversation(group, Command::Leave { user: cyd, idle: Default::default() });
    story.conversation(group, Command::Join { user: cyd, now: Default::default() });
    queries_on(&world, &mut story).await;
    assert_eq!(seqs(cyd, MessageWindow::Latest).await, (vec![], None));
});
