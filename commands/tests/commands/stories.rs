//! Stories: viewers, recipients, and their end.

use commands::{CommandError, CommandSettings, Commands, Context, PostStory, ShowTo};
use commands_testkit::{Person, anonymous, befriend, block, group, open, person, refusal, settings};
use domain::{
    CommentId, Event, StoryId, Timestamp, UserId,
    friendship::FriendshipAct,
    story::{LIFETIME_MS, StoryChange, StoryContent, StoryEvent},
    text::{CommentText, Link, StoryText},
};
use event_store::{EventStore, Selection};
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::each_engine;
use uuid::Uuid;

static NOW: AtomicI64 = AtomicI64::new(1_795_460_818_000);

/// A clock that shows `NOW`, which only the tests change.
fn clock() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

fn node(store: &EventStore) -> Commands {
    Commands::new(store.clone(), CommandSettings { clock, ..settings() })
}

fn content(text: &str) -> StoryContent {
    StoryContent { text: StoryText::parse(text).unwrap(), media_url: None }
}

fn story(show_to: ShowTo, friends: &[&Person]) -> PostStory {
    PostStory { content: content("sun"), show_to, friends: friends.iter().map(|friend| friend.id).collect() }
}

fn text() -> CommentText {
    CommentText::parse("nice").unwrap()
}

/// The events of stories.
async fn events(store: &EventStore) -> Vec<StoryEvent> {
    let mut events = Vec::new();
    for event in store.read_after(0, &Selection::All, 10_000).await.unwrap() {
        if let Event::Story(event) = store.open_event(&event).await.unwrap() {
            events.push(event.clone());
        }
    }
    events
}

/// The recipients of the last event of a story.
async fn recipients(store: &EventStore) -> Vec<UserId> {
    match events(store).await.pop().unwrap() {
        StoryEvent::Posted { recipients, .. }
        | StoryEvent::Edited { recipients, .. }
        | StoryEvent::Deleted { recipients, .. }
        | StoryEvent::Expired { recipients, .. } => recipients,
        other => panic!("{other:?} names nobody"),
    }
}

/// The answer to each command of a viewer; the same for all.
async fn every_refusal(commands: &Commands, ctx: &Context, story: StoryId) -> Vec<String> {
    let change = StoryChange { text: StoryText::parse("mine").ok(), media_url: None };
    let comment = CommentId(Uuid::from_u128(9));
    vec![
        refusal(commands.like_story(ctx, story).await),
        refusal(commands.unlike_story(ctx, story).await),
        refusal(commands.view_story(ctx, story).await),
        refusal(commands.comment_on_story(ctx, story, text()).await),
        refusal(commands.delete_story_comment(ctx, story, comment).await),
        refusal(commands.edit_story(ctx, story, change).await),
        refusal(commands.delete_story(ctx, story).await),
    ]
}

/// Ana, her friends Ben and Cleo, and Eve.
async fn four(commands: &Commands) -> [Person; 4] {
    let mut people = Vec::new();
    for name in ["ana", "ben", "cleo", "eve"] {
        people.push(person(commands, name).await);
    }
    befriend(commands, &people[0], &people[1]).await;
    befriend(commands, &people[2], &people[0]).await;
    people.try_into().unwrap_or_else(|_| panic!("four"))
}

each_engine!(only_friends_receive_a_story_whatever_the_caller_believes, |home| async move {
    let store = open(&home).await;
    let commands = node(&store);
    let [ana, ben, cleo, eve] = four(&commands).await;
    // Eve is no friend, and Cleo no longer one: the stale read model does not count.
    commands.friendship(&cleo.ctx, ana.id, FriendshipAct::Unfriend).await.unwrap();
    let posted = commands.post_story(&ana.ctx, story(ShowTo::Friends, &[&ben, &cleo, &eve])).await.unwrap();
    assert_eq!(recipients(&store).await, [ben.id]);
    let shown = *posted.state.shown().unwrap();
    assert_eq!((shown.author, shown.expires_at.millis()), (ana.id, clock().millis() + LIFETIME_MS));
    let key = ana.with_key("once");
    let first = commands.post_story(&key, story(ShowTo::Friends, &[&ben])).await.unwrap();
    let again = commands.post_story(&key, story(ShowTo::Friends, &[])).await.unwrap();
    assert_eq!((again.id, again.receipt.repeated), (first.id, true));
});

each_engine!(a_story_for_some_is_for_them_alone, |home| async move {
    let store = open(&home).await;
    let commands = node(&store);
    let [ana, ben, cleo, eve] = four(&commands).await;
    group(&commands, &ana, &[&ben, &cleo, &eve]).await;
    let some = |people: &[&Person]| story(ShowTo::People(people.iter().map(|person| person.id).collect()), &[]);
    let posted = StoryId(commands.post_story(&ana.ctx, some(&[&ben, &eve])).await.unwrap().id);
    assert_eq!(recipients(&store).await, [ben.id, eve.id]);
    commands.like_story(&eve.ctx, posted).await.unwrap();
    assert!(every_refusal(&commands, &cleo.ctx, posted).await.iter().all(|word| word == "not_found"), "not named");
    let nobody = ShowTo::People(vec![UserId(Uuid::from_u128(1 << 100))]);
    assert_eq!(refusal(commands.post_story(&ana.ctx, story(nobody, &[])).await), "not_found");
    assert_eq!(refusal(commands.post_story(&ana.ctx, some(&[])).await), "empty");
    block(&commands, &eve, &ana).await;
    assert_eq!(refusal(commands.post_story(&ana.ctx, some(&[&eve])).await), "not_found", "as if there were no Eve");
    assert_eq!(refusal(commands.post_story(&eve.ctx, some(&[&ana])).await), "blocked_by_you");
    assert!(every_refusal(&commands, &eve.ctx, posted).await.iter().all(|word| word == "not_found"));
    commands
        .edit_story(
            &ana.ctx,
            posted,
            StoryChange { media_url: Some(Link::parse("https://a.example/1").ok()), text: None },
        )
        .await
        .unwrap();
    assert_eq!(recipients(&store).await, [ben.id], "not where a block stands");
});

each_engine!(an_invisible_story_is_not_found, |home| async move {
    let store = open(&home).await;
    let (here, there) = (node(&store), node(&store));
    let [ana, ben, cleo, eve] = four(&here).await;
    let posted = StoryId(here.post_story(&ana.ctx, story(ShowTo::Friends, &[&ben, &cleo])).await.unwrap().id);
    for friend in [&ben, &cleo] {
        there.like_story(&friend.ctx, posted).await.unwrap();
        there.view_story(&friend.ctx, posted).await.unwrap();
    }
    let all = |words: Vec<String>| words.iter().all(|word| word == "not_found");
    assert!(all(every_refusal(&there, &eve.ctx, posted).await));
    let mine = CommentId(commented(&there, &store, &cleo, posted).await);
    // Decided on one node, it holds for the next command on the other.
    here.friendship(&ana.ctx, ben.id, FriendshipAct::Unfriend).await.unwrap();
    assert!(all(every_refusal(&there, &ben.ctx, posted).await));
    block(&here, &cleo, &ana).await;
    assert!(all(every_refusal(&there, &cleo.ctx, posted).await));
    there.delete_story_comment(&cleo.ctx, posted, mine).await.unwrap();
    // A later friend sees it.
    befriend(&here, &eve, &ana).await;
    there.like_story(&eve.ctx, posted).await.unwrap();
    let nowhere = StoryId(Uuid::from_u128(1 << 99));
    assert!(all(every_refusal(&here, &ana.ctx, nowhere).await));
    here.delete_story(&ana.ctx, posted).await.unwrap();
    assert_eq!(recipients(&store).await, [], "the recipients are no friends any more");
    assert!(all(every_refusal(&there, &ana.ctx, posted).await));
});

async fn commented(commands: &Commands, store: &EventStore, by: &Person, story: StoryId) -> Uuid {
    commands.comment_on_story(&by.ctx, story, text()).await.unwrap();
    match events(store).await.pop().unwrap() {
        StoryEvent::Commented { comment, .. } => comment.0,
        other => panic!("{other:?}"),
    }
}

each_engine!(likes_views_and_comments_count_once, |home| async move {
    let store = open(&home).await;
    let commands = node(&store);
    let [ana, ben, cleo, _] = four(&commands).await;
    let posted = StoryId(commands.post_story(&ana.ctx, story(ShowTo::Friends, &[&ben, &cleo])).await.unwrap().id);
    for _ in 0..2 {
        commands.like_story(&ben.ctx, posted).await.unwrap();
        commands.view_story(&ben.ctx, posted).await.unwrap();
        commands.view_story(&ana.ctx, posted).await.unwrap();
    }
    let comment = CommentId(commented(&commands, &store, &ben, posted).await);
    assert_eq!(refusal(commands.delete_story_comment(&cleo.ctx, posted, comment).await), "not_your_comment");
    let state = commands.like_story(&cleo.ctx, posted).await.unwrap().state;
    assert_eq!((state.likes(), state.views(), state.comments()), (2, 1, 1));
    for _ in 0..2 {
        commands.unlike_story(&ben.ctx, posted).await.unwrap();
    }
    let key = ana.with_key("away");
    let state = commands.delete_story_comment(&key, posted, comment).await.unwrap().state;
    assert_eq!((state.likes(), state.comments()), (1, 0));
    assert!(commands.delete_story_comment(&key, posted, comment).await.unwrap().receipt.repeated);
    assert_eq!(refusal(commands.delete_story_comment(&ana.ctx, posted, comment).await), "not_found");
    for change in [StoryChange::default(), StoryChange { text: StoryText::parse("x").ok(), media_url: None }] {
        assert_eq!(refusal(commands.edit_story(&ben.ctx, posted, change).await), "author_only");
    }
    assert_eq!(refusal(commands.delete_story(&ben.ctx, posted).await), "author_only");
    let kinds = events(&store).await.iter().map(|event| event.event_type().name).collect::<Vec<_>>();
    assert_eq!(
        kinds,
        [
            "story.posted",
            "story.liked",
            "story.viewed",
            "story.commented",
            "story.liked",
            "story.unliked",
            "story.comment_deleted"
        ]
    );
});

each_engine!(a_story_ends_by_the_clock_and_once_in_the_log, |home| async move {
    let store = open(&home).await;
    let nodes = [node(&store), node(&store)];
    let [ana, ben, cleo, _] = four(&nodes[0]).await;
    let posted = nodes[0].post_story(&ana.ctx, story(ShowTo::Friends, &[&ben, &cleo])).await.unwrap();
    let (id, end) = (StoryId(posted.id), posted.state.shown().unwrap().expires_at);
    NOW.store(end.millis() - 1, Ordering::Relaxed);
    nodes[0].like_story(&ben.ctx, id).await.unwrap();
    NOW.store(end.millis(), Ordering::Relaxed);
    for ctx in [&ana.ctx, &ben.ctx] {
        assert!(every_refusal(&nodes[1], ctx, id).await.iter().all(|word| word == "not_found"));
    }
    block(&nodes[0], &cleo, &ana).await;
    let both = [nodes[0].expire_story(id, end), nodes[1].expire_story(id, end)];
    for expired in futures_util::future::join_all(both).await {
        assert!(expired.unwrap().state.at(clock()).is_err());
    }
    assert_eq!(recipients(&store).await, [ben.id]);
    let ended = events(&store).await.iter().filter(|event| matches!(event, StoryEvent::Expired { .. })).count();
    assert_eq!(ended, 1);
    // A deleted story does not expire.
    let other = nodes[0].post_story(&ana.ctx, story(ShowTo::Friends, &[])).await.unwrap();
    nodes[0].delete_story(&ana.ctx, StoryId(other.id)).await.unwrap();
    let end = other.state.shown().unwrap().expires_at;
    assert_eq!(nodes[0].expire_story(StoryId(other.id), end).await.unwrap().receipt.position, None);
});

each_engine!(many_look_at_once_and_each_is_counted, |home| async move {
    let store = open(&home).await;
    let commands = node(&store);
    let ana = person(&commands, "ana").await;
    let mut friends = Vec::new();
    for n in 0..12 {
        let friend = person(&commands, &format!("friend{n}")).await;
        befriend(&commands, &ana, &friend).await;
        friends.push(friend);
    }
    let posted =
        commands.post_story(&ana.ctx, story(ShowTo::Friends, &friends.iter().collect::<Vec<_>>())).await.unwrap();
    let id = StoryId(posted.id);
    let looks = friends.iter().map(|friend| async {
        commands.view_story(&friend.ctx, id).await?;
        commands.like_story(&friend.ctx, id).await?;
        commands.comment_on_story(&friend.ctx, id, text()).await
    });
    let looked: Result<Vec<_>, CommandError> = futures_util::future::try_join_all(looks).await;
    looked.unwrap();
    let state = commands.view_story(&ana.ctx, id).await.unwrap().state;
    assert_eq!((state.likes(), state.views(), state.comments()), (12, 12, 12));
    assert_eq!(refusal(commands.like_story(&anonymous(), id).await), "InvalidToken");
});
