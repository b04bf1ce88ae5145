//! The read models have nothing of erased people, as if they had been rebuilt.

use super::{
    support::{Story, World, clock, dump},
    verify::{life, verified},
};
use domain::{
    Timestamp,
    friendship::FriendshipAct,
    report::ReportCommand,
    story::StoryCommand,
    text::{CommentText, RejectedReason},
    user::UserCommand,
};
use projections::{
    Erasures, PresenceStore, Projection, Queries,
    queries::{PageRequest, QueryError, RequestDirection},
    rebuild::{RebuildOptions, rebuild},
};
use sql::query;
use std::collections::BTreeMap;
use testkit::each_engine;
use tokio_util::sync::CancellationToken;

const SHOWN: Timestamp = Timestamp::from_millis(1);
const LATER: Timestamp = Timestamp::from_millis(i64::MAX);

/// A history of four people, of whom the first is erased at the end. Their key is destroyed, and the projections have
/// passed the erasure.
async fn erased(world: &World) -> Story {
    let mut story = life();
    story.retitle(story.group(0), 0, Some("Theirs"));
    story.upload(0, 0);
    story.show(0, 0, None, SHOWN);
    story.show(1, 1, None, SHOWN);
    let (comment, text) = (story.comment(0), CommentText::parse("Theirs").unwrap());
    story.on_story(1, StoryCommand::Comment { comment, user: story.user(0), text, now: SHOWN });
    story.complain(0, 0, 1, Some("Theirs"));
    story.complain(1, 1, 0, None);
    story.complain(2, 2, 1, None);
    let reason = RejectedReason::parse("Theirs").ok();
    story.on_report(2, ReportCommand::Reject { by: story.user(0), reason });
    let theirs = story.open_group(1, 1, &[0], false);
    story.retitle(theirs, 1, Some("Not theirs"));
    world.tell(&mut story).await;
    world.catch_up().await;
    story.account(0, UserCommand::Erase);
    world.tell(&mut story).await;
    world.store.destroy_data_key(story.user(0).0).await.unwrap();
    world.catch_up().await;
    story
}

each_engine!(what_they_wrote_is_gone_as_a_rebuild_has_it, |home| async move {
    let world = World::new(home).await;
    let story = erased(&world).await;
    let (user, presence) = (story.user(0), PresenceStore::new(world.database.clone()));
    presence.seen(&BTreeMap::from([(user, clock()), (story.user(1), clock())])).await.unwrap();
    let (_, differences) = verified(&world).await;
    assert!(!differences.is_empty(), "what was applied before is still there");

    let erasures = Erasures::new(world.database.clone());
    let due = erasures.due(clock()).await.unwrap();
    assert_eq!(due.iter().map(|erasure| erasure.user).collect::<Vec<_>>(), [user]);
    for _ in 0..2 {
        erasures.forget(user).await.unwrap();
    }
    let (_, differences) = verified(&world).await;
    assert!(differences.is_empty(), "{differences:?}");
    let left = format!("{:?}", dump(&world.database).await);
    for word in ["First0", "Last0", "User0", "Theirs'", "edited"] {
        assert!(!left.contains(word), "{word}");
    }
    assert!(left.contains("Not theirs") && left.contains("hello"), "the others' words stay");
    assert_eq!(presence.load(&[user, story.user(1)]).await.unwrap().len(), 1);

    erasures.note(due[0]).await.unwrap();
    assert!(erasures.due(clock()).await.unwrap().is_empty(), "done for now");
    let again = erasures.due(LATER).await.unwrap();
    assert_eq!(again.len(), 1, "once more, when nobody can have the key any more");
    erasures.note(due[0]).await.unwrap();
    assert_eq!(erasures.due(LATER).await.unwrap(), again, "the first pass is noted once");
    erasures.note(again[0]).await.unwrap();
    assert!(erasures.due(LATER).await.unwrap().is_empty());
});

each_engine!(tables_that_take_the_place_of_others_are_looked_at_again, |home| async move {
    let world = World::new(home).await;
    let story = erased(&world).await;
    let erasures = Erasures::new(world.database.clone());
    // An erasure two hours ago was complete before the shadow was created, whose tables have nothing of that person.
    for (ago, is_due) in [(0, true), (7_200_000, false)] {
        let at = format!("UPDATE erasures SET erased_at = {} - {ago}", world.database.engine().now());
        world.database.execute(query(at)).await.unwrap();
        for _ in 0..2 {
            let due = erasures.due(LATER).await.unwrap();
            erasures.note(due[0]).await.unwrap();
        }
        assert!(erasures.due(LATER).await.unwrap().is_empty());
        let (live, options) = (world.home.read_models(), RebuildOptions::new(clock));
        rebuild(&world.store, &live, &[Projection::Messages], options, CancellationToken::new()).await.unwrap();
        let due = erasures.due(clock()).await.unwrap();
        assert_eq!(
            due.iter().map(|erasure| erasure.user).collect::<Vec<_>>(),
            vec![story.user(0); usize::from(is_due)]
        );
    }
});

each_engine!(an_erasure_that_overtakes_what_it_forgets_leaves_nothing, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register(0);
    story.sign_in(0, 0);
    story.rename(0, "Renamed");
    story.account(0, UserCommand::Erase);
    world.tell(&mut story).await;
    let mut events = world.events_after(0).await;
    let mut applier = world.applier().await;
    // High first: the registration, the device and the new name come after the erasure.
    events.sort_by_key(|event| event.record.lane.tier != domain::Tier::High);
    for event in &events {
        applier.apply(std::slice::from_ref(event)).await.unwrap();
    }
    let sql = "SELECT COUNT(*) AS count FROM users u JOIN sessions s ON s.user_id = u.id WHERE u.first_name IS NULL \
               AND u.email IS NULL AND u.avatar_url IS NULL AND u.created_at IS NOT NULL AND s.device_name IS NULL \
               AND s.ip IS NULL AND s.started_at IS NOT NULL";
    let found = world.database.fetch_optional(query(sql)).await.unwrap().unwrap();
    assert_eq!(found.unsigned("count").unwrap(), 1);
});

each_engine!(hidden_and_erased_accounts_are_not_found, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(4);
    for other in [1, 2] {
        story.pair(0, other, FriendshipAct::Request);
        story.pair(other, 0, FriendshipAct::Accept);
    }
    story.pair(3, 0, FriendshipAct::Request);
    story.account(1, UserCommand::Deactivate);
    world.tell(&mut story).await;
    world.catch_up().await;
    let queries = Queries::new(world.database.clone());
    let (me, all) = (story.user(0), PageRequest::default());
    let found = async |text: &str| queries.search_users(me, text, &all).await.unwrap().items.len();
    assert!(matches!(queries.user(story.user(1)).await, Err(QueryError::NotFound)));
    assert_eq!((found("first").await, found("user1.1@example.org").await), (3, 0));
    assert_eq!(queries.friends(me, &all).await.unwrap().items.len(), 1);
    let own = queries.own_friendships(me, &all).await.unwrap().items;
    let named: Vec<_> = own.iter().filter(|row| row.user.first_name.is_some()).map(|row| row.user.id).collect();
    assert_eq!((own.len(), named.len(), named.contains(&story.user(1))), (3, 2, false));

    story.account(1, UserCommand::Reactivate);
    story.account(2, UserCommand::Erase);
    story.account(3, UserCommand::Erase);
    world.tell(&mut story).await;
    world.catch_up().await;
    assert!(queries.user(story.user(1)).await.is_ok());
    assert!(matches!(queries.user(story.user(2)).await, Err(QueryError::NotFound)));
    assert_eq!((found("first").await, found("last2").await), (2, 0));
    assert_eq!(queries.friends(me, &all).await.unwrap().items[0].user.id, story.user(1));
    assert!(queries.friend_requests(me, RequestDirection::In, &all).await.unwrap().items.is_empty());
});

each_engine!(what_somebody_did_is_paged_through, |home| async move {
    let world = World::new(home).await;
    let mut story = life();
    world.tell(&mut story).await;
    world.catch_up().await;
    let queries = Queries::new(world.database.clone());
    let (ana, ben) = (story.user(0), story.user(1));
    let first = PageRequest { limit: Some(1), ..PageRequest::default() };
    let page = queries.own_messages(ana, &first).await.unwrap();
    assert_eq!((page.items[0].id, page.items[0].attachments.len()), (story.message(3), 0));
    let next = PageRequest { limit: Some(1), after: page.next, ..PageRequest::default() };
    let page = queries.own_messages(ana, &next).await.unwrap();
    assert_eq!((page.items[0].content.as_deref(), page.items[0].attachments.len()), (Some("edited"), 1));
    assert_eq!(page.next, None);
    let all = PageRequest::default();
    assert_eq!(queries.own_reactions(ben, &all).await.unwrap().items[0].emoji, "👍");
    assert_eq!(queries.own_markers(ben, &all).await.unwrap().items[0].read_seq, 3);
    let sessions = queries.own_sessions(ben, &all).await.unwrap().items;
    assert_eq!((sessions.len(), sessions[0].end_reason.as_deref()), (1, Some("logout")));
    let conversations = queries.own_conversations(ben, &all).await.unwrap().items;
    assert_eq!((conversations.len(), conversations[0].title.as_deref()), (1, Some("Group 0")));
    assert!(queries.own_calls(ben, &all).await.unwrap().items.is_empty());
});
