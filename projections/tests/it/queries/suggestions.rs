//! Suggested people.

use super::{pages, queries_on};
use crate::support::{Story, World};
use domain::{
    UserId,
    friendship::FriendshipAct::{Accept, Block, Request},
    user::UserCommand,
};
use projections::queries::FRIENDS_EXAMINED;
use testkit::each_engine;

fn befriend(story: &mut Story, a: u64, b: u64) {
    story.pair(a, b, Request);
    story.pair(b, a, Accept);
}

each_engine!(those_with_the_most_mutual_friends_stand_first, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(14);
    // User 0 is friends with 1, 2 and 3, and they with the people to be suggested.
    for friend in [1, 2, 3] {
        befriend(&mut story, 0, friend);
    }
    befriend(&mut story, 1, 2);
    for (friend, other) in [(1, 4), (2, 4), (3, 4), (1, 5), (2, 5), (1, 6), (1, 7), (1, 8), (1, 9), (1, 10), (1, 11)] {
        befriend(&mut story, friend, other);
    }
    // Without people with an existing relation, and without people who cannot answer.
    story.pair(0, 7, Request);
    story.pair(8, 0, Request);
    story.pair(0, 9, Block);
    story.pair(10, 0, Block);
    story.account(11, UserCommand::Block);
    let queries = queries_on(&world, &mut story).await;
    let viewer = story.user(0);
    let mutual = queries.mutual_friends(viewer).await.unwrap();
    assert_eq!(mutual.get(&story.user(4)), Some(&3));
    assert!(!mutual.contains_key(&viewer));
    let listed = pages(async |page| queries.suggestions(viewer, &mutual, &page).await).await;
    let seen: Vec<_> = listed.iter().map(|row| (row.user.id, row.mutual)).collect();
    assert_eq!(seen, [(story.user(4), 3), (story.user(5), 2), (story.user(6), 1)]);

    let stranger = story.user(13);
    assert!(queries.mutual_friends(stranger).await.unwrap().is_empty());
});

each_engine!(of_many_friends_so_many_are_looked_at, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(230);
    let friends = 1..210;
    for friend in friends {
        befriend(&mut story, 0, friend);
        befriend(&mut story, friend, 220);
    }
    let queries = queries_on(&world, &mut story).await;
    let mutual = queries.mutual_friends(story.user(0)).await.unwrap();
    let want: (UserId, u64) = (story.user(220), FRIENDS_EXAMINED as u64);
    assert_eq!(mutual.into_iter().collect::<Vec<_>>(), [want]);
});
