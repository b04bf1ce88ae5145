//! Stories.

use super::{first, pages, queries_on};
use crate::support::{Story, World};
use domain::{
    StoryId, Timestamp,
    friendship::FriendshipAct,
    story::{LIFETIME_MS, StoryChange, StoryCommand},
    text::{CommentText, StoryText},
};
use projections::queries::{DueRow, PageRequest, Queries, QueryError};
use testkit::each_engine;

const NOW: Timestamp = Timestamp::from_millis(1_000);
const SOON: Timestamp = Timestamp::from_millis(1_000 + LIFETIME_MS - 1);
const END: Timestamp = Timestamp::from_millis(1_000 + LIFETIME_MS);

/// User 0 is a friend of 1 and 2; 3 and 4 are strangers to all.
fn people() -> Story {
    let mut story = Story::new(1);
    story.register_all(5);
    for other in [1, 2] {
        story.pair(0, other, FriendshipAct::Request);
        story.pair(other, 0, FriendshipAct::Accept);
    }
    story
}

async fn seen(queries: &Queries, story: &Story, viewer: u64, now: Timestamp) -> Vec<StoryId> {
    let viewer = story.user(viewer);
    let found = pages(async |page| queries.stories(viewer, now, &page).await).await;
    found.into_iter().map(|story| story.id).collect()
}

each_engine!(friends_and_the_named_see_a_story_until_it_is_over, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    for n in 0..3 {
        story.show(n, 0, None, NOW);
    }
    story.show(3, 0, Some(&[1, 3]), NOW);
    story.show(4, 1, None, NOW);
    let queries = queries_on(&world, &mut story).await;
    let ids = |numbers: &[u64]| numbers.iter().map(|n| story.story(*n)).collect::<Vec<_>>();
    assert_eq!(seen(&queries, &story, 0, SOON).await, ids(&[4, 3, 2, 1, 0]), "own ones and those of friends");
    assert_eq!(seen(&queries, &story, 1, SOON).await, ids(&[4, 3, 2, 1, 0]));
    assert_eq!(seen(&queries, &story, 2, SOON).await, ids(&[2, 1, 0]), "not named, no friend of 1");
    assert_eq!(seen(&queries, &story, 3, SOON).await, ids(&[3]), "named");
    assert_eq!(seen(&queries, &story, 4, SOON).await, []);
    assert_eq!(seen(&queries, &story, 0, END).await, [], "over by the clock, whatever the log knows");
    let of = async |viewer: u64, author: u64| {
        let (viewer, author) = (story.user(viewer), story.user(author));
        let found = pages(async |page| queries.stories_of(viewer, author, NOW, &page).await).await;
        found.into_iter().map(|story| story.id).collect::<Vec<_>>()
    };
    assert_eq!(of(2, 0).await, ids(&[2, 1, 0]));
    assert_eq!(of(3, 0).await, ids(&[3]));
    assert_eq!(of(4, 0).await, []);
    for (viewer, n, sees) in [(0, 3, true), (1, 3, true), (2, 3, false), (3, 3, true), (3, 0, false), (2, 0, true)] {
        let viewer = story.user(viewer);
        assert_eq!(queries.story(viewer, story.story(n), SOON).await.is_ok(), sees, "{n}");
        assert!(matches!(queries.story(viewer, story.story(n), END).await, Err(QueryError::NotFound)));
    }
    let nobody = queries.stories_of(story.user(0), story.user(9), NOW, &first(1)).await;
    assert!(matches!(nobody, Err(QueryError::NotFound)));
    let bad = PageRequest { limit: None, after: Some("!".to_owned()), ..PageRequest::default() };
    assert!(matches!(queries.stories(story.user(0), NOW, &bad).await, Err(QueryError::BadToken)));
});

each_engine!(a_block_or_the_end_of_a_friendship_hides_what_was_shown, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    story.show(0, 0, None, NOW);
    story.show(1, 0, Some(&[1, 2, 3, 4]), NOW);
    story.pair(2, 0, FriendshipAct::Unfriend);
    story.pair(3, 0, FriendshipAct::Block);
    story.pair(0, 4, FriendshipAct::Block);
    let queries = queries_on(&world, &mut story).await;
    let ids = |numbers: &[u64]| numbers.iter().map(|n| story.story(*n)).collect::<Vec<_>>();
    for (viewer, sees) in [(1, &[1, 0][..]), (2, &[1]), (3, &[]), (4, &[])] {
        assert_eq!(seen(&queries, &story, viewer, NOW).await, ids(sees), "{viewer}");
    }
    let friends = queries.newest_friends(story.user(0), 9).await.unwrap();
    assert_eq!(friends, [story.user(1)]);
});

each_engine!(a_story_counts_and_only_its_author_knows_who_looked, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let id = story.show(0, 0, None, NOW);
    let (ana, ben, cleo) = (story.user(0), story.user(1), story.user(2));
    for user in [ben, cleo] {
        story.on_story(0, StoryCommand::Like { user, now: NOW });
        story.on_story(0, StoryCommand::View { user, now: NOW });
    }
    story.on_story(0, StoryCommand::Unlike { user: cleo, now: NOW });
    for (n, user) in [(0, ben), (1, cleo), (2, ana)] {
        let text = CommentText::parse(&format!("comment {n}")).unwrap();
        story.on_story(0, StoryCommand::Comment { comment: story.comment(n), user, text, now: NOW });
    }
    story.on_story(0, StoryCommand::DeleteComment { comment: story.comment(1), by: ana, now: NOW });
    let change = StoryChange { text: StoryText::parse("rain").ok(), media_url: Some(None) };
    story.on_story(0, StoryCommand::Edit { by: ana, change, recipients: vec![], now: NOW });
    let queries = queries_on(&world, &mut story).await;
    let own = queries.story(ana, id, NOW).await.unwrap();
    assert_eq!((own.like_count, own.comment_count, own.view_count), (1, 2, Some(2)));
    assert_eq!((own.content.as_deref(), own.media_url.as_deref()), (Some("rain"), None));
    assert_eq!((own.liked, own.viewed, own.edited_at.is_some(), own.expires_at), (false, false, true, END));
    assert_eq!(own.author.first_name.as_deref(), Some("First0"));
    let other = queries.story(ben, id, NOW).await.unwrap();
    assert_eq!((other.liked, other.viewed, other.view_count), (true, true, None));
    let comments = pages(async |page| queries.story_comments(ben, id, NOW, &page).await).await;
    let said: Vec<_> = comments.iter().map(|comment| (comment.author.id, comment.content.as_deref())).collect();
    assert_eq!(said, [(ana, Some("comment 2")), (ben, Some("comment 0"))], "newest first");
    assert_eq!(queries.story_of_comment(story.comment(1)).await.unwrap(), id, "it is known where it was");
    // A block between two friends of the author hides their comments from each other.
    story.pair(1, 2, FriendshipAct::Block);
    queries_on(&world, &mut story).await;
    let comments = queries.story_comments(cleo, id, NOW, &first(9)).await.unwrap().items;
    assert_eq!(comments.iter().map(|comment| comment.author.id).collect::<Vec<_>>(), [ana]);
    for outsider in [3, 4] {
        let refused = queries.story_comments(story.user(outsider), id, NOW, &first(9)).await;
        assert!(matches!(refused, Err(QueryError::NotFound)));
    }
});

each_engine!(what_is_due_is_found_until_it_has_ended, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    for n in 0..4 {
        story.show(n, 0, None, Timestamp::from_millis(1_000 + n as i64));
    }
    story.on_story(1, StoryCommand::Delete { by: story.user(0), recipients: vec![], now: NOW });
    let queries = queries_on(&world, &mut story).await;
    let due = async |now, after, limit| queries.due_stories(now, after, limit).await.unwrap();
    assert_eq!(due(SOON, DueRow::default(), 9).await, []);
    let rows = [0, 1, 2, 3].map(|n: u64| {
        let expires_at = Timestamp::from_millis(END.millis() + n as i64);
        DueRow { story: story.story(n), expires_at }
    });
    let last = rows[3].expires_at;
    assert_eq!(due(END, DueRow::default(), 9).await, [rows[0]]);
    assert_eq!(due(last, DueRow::default(), 9).await, [rows[0], rows[2], rows[3]]);
    assert_eq!(due(last, DueRow::default(), 1).await, [rows[0]]);
    assert_eq!(due(last, rows[0], 1).await, [rows[2]]);
    story.on_story(0, StoryCommand::Expire { recipients: vec![], now: END });
    queries_on(&world, &mut story).await;
    assert_eq!(due(last, DueRow::default(), 9).await, [rows[2], rows[3]]);
    assert!(matches!(queries.story(story.user(0), story.story(1), NOW).await, Err(QueryError::NotFound)));
});
