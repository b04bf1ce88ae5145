//! Accounts, sessions, friendships.

use super::{first, pages, queries_on};
use crate::support::{Story, World};
use domain::{ConversationId, UserId, friendship::FriendshipAct, user::UserCommand};
use projections::queries::{AccountFilter, MembershipRow, PageRequest, QueryError, RequestDirection};
use testkit::each_engine;
use uuid::Uuid;

fn people(count: u64) -> Story {
    let mut story = Story::new(1);
    story.register_all(count);
    story
}

each_engine!(a_profile_is_what_was_last_said, |home| async move {
    let world = World::new(home).await;
    let mut story = people(3);
    story.rename(0, "Änne");
    story.account(1, UserCommand::Block);
    story.account(2, UserCommand::Block);
    story.account(2, UserCommand::Unblock);
    let queries = queries_on(&world, &mut story).await;

    let renamed = queries.user(story.user(0)).await.unwrap();
    assert_eq!(renamed.first_name.as_deref(), Some("Änne"));
    assert_eq!(renamed.last_name.as_deref(), Some("Last0"));
    assert_eq!(renamed.email.as_deref(), Some("User0.1@Example.org"));
    assert_eq!((renamed.phone, renamed.avatar_url.as_deref()), (None, Some("/files/face")));
    assert_eq!((renamed.preferences.as_str(), renamed.role.as_str()), ("{}", "USER"));
    let blocked = queries.users(&[story.user(0), story.user(1), story.user(2), story.user(9)]).await.unwrap();
    let mut blocked: Vec<_> = blocked.into_iter().map(|user| (user.id, user.is_blocked)).collect();
    blocked.sort_unstable();
    assert_eq!(blocked, [(story.user(0), false), (story.user(1), true), (story.user(2), false)]);
    assert!(matches!(queries.user(story.user(9)).await, Err(QueryError::NotFound)));
    assert!(queries.users(&[]).await.unwrap().is_empty());
});

each_engine!(people_are_found_by_name_or_address, |home| async move {
    let world = World::new(home).await;
    let mut story = people(7);
    story.rename(0, "Änne%");
    story.account(5, UserCommand::Block);
    story.pair(6, 1, FriendshipAct::Block);
    let queries = queries_on(&world, &mut story).await;
    let search = async |viewer: u64, text: &str| -> Vec<UserId> {
        let viewer = story.user(viewer);
        let found = pages(async |page| queries.search_users(viewer, text, &page).await).await;
        found.into_iter().map(|user| user.id).collect()
    };
    let ids = |all: &[u64]| all.iter().map(|n| story.user(*n)).collect::<Vec<_>>();

    assert_eq!(search(2, "LAST").await, ids(&[6, 4, 3, 2, 1, 0]), "newest first, without the blocked account");
    assert_eq!(search(1, "last").await, ids(&[4, 3, 2, 1, 0]), "without who blocked the viewer");
    assert_eq!(search(6, "last").await, ids(&[6, 4, 3, 2, 0]), "without whom the viewer blocked");
    assert_eq!(search(2, "änne% la").await, ids(&[0]), "first and last name, whatever the case");
    assert_eq!(search(2, "ANNE").await, ids(&[0]), "whatever the marks");
    assert_eq!(search(2, "la ann").await, ids(&[0]), "in any order");
    assert_eq!(search(2, "last1 first").await, ids(&[1]));
    for nobody in ["%", "nne", "' OR 1=1 --"] {
        assert!(search(2, nobody).await.is_empty(), "{nobody}");
    }
    assert_eq!(search(2, "last la").await, ids(&[6, 4, 3, 2, 1, 0]));
    assert_eq!(search(2, "user3.1@example.ORG").await, ids(&[3]), "an address is the whole address");
    assert!(search(2, "user3.1@example").await.is_empty());
    let everybody = pages(async |page| queries.accounts(&AccountFilter::default(), &page).await).await;
    assert_eq!(everybody.iter().map(|user| user.id).collect::<Vec<_>>(), ids(&[6, 5, 4, 3, 2, 1, 0]));
    let bad = PageRequest { limit: None, after: Some("nonsense".to_owned()), ..PageRequest::default() };
    assert!(matches!(queries.accounts(&AccountFilter::default(), &bad).await, Err(QueryError::BadToken)));
});

each_engine!(live_sessions_are_listed, |home| async move {
    let world = World::new(home).await;
    let mut story = people(2);
    for session in 0..5 {
        story.sign_in(0, session);
    }
    story.sign_in(1, 5);
    story.sign_out(0, 2);
    let queries = queries_on(&world, &mut story).await;
    let live = pages(async |page| queries.sessions(story.user(0), &page).await).await;
    let ids: Vec<_> = live.iter().map(|session| session.id).collect();
    assert_eq!(ids, [4, 3, 1, 0].map(|n| story.session(n)));
    assert_eq!((live[0].device_name.as_deref(), live[0].ip.as_deref()), (Some("phone"), Some("192.0.2.1")));
});

each_engine!(each_sees_a_pair_from_where_they_stand, |home| async move {
    let world = World::new(home).await;
    let mut story = people(6);
    for other in 1..4 {
        story.pair(0, other, FriendshipAct::Request);
        story.pair(other, 0, FriendshipAct::Accept);
    }
    story.pair(1, 0, FriendshipAct::Unfriend);
    story.pair(0, 4, FriendshipAct::Request);
    story.pair(5, 0, FriendshipAct::Request);
    story.pair(5, 4, FriendshipAct::Block);
    story.pair(1, 2, FriendshipAct::Request);
    story.pair(2, 1, FriendshipAct::Reject);
    let queries = queries_on(&world, &mut story).await;
    let me = story.user(0);
    let users = |n: &[u64]| n.iter().map(|n| story.user(*n)).collect::<Vec<_>>();

    let friends = pages(async |page| queries.friends(me, &page).await).await;
    assert_eq!(friends.iter().map(|friend| friend.user.id).collect::<Vec<_>>(), users(&[3, 2]));
    assert!(friends.iter().all(|friend| friend.status == "accepted" && friend.direction.is_none()));
    for (viewer, direction, other) in [
        (0, RequestDirection::Out, 4),
        (0, RequestDirection::In, 5),
        (4, RequestDirection::In, 0),
        (5, RequestDirection::Out, 0),
    ] {
        let page = queries.friend_requests(story.user(viewer), direction, &first(9)).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|request| (request.user.id, request.direction)).collect();
        assert_eq!(found, [(story.user(other), Some(direction))]);
    }
    let blocked = queries.blocked(story.user(5), &first(9)).await.unwrap().items;
    assert_eq!(blocked.iter().map(|row| (row.user.id, row.blocked_by_me)).collect::<Vec<_>>(), [(story.user(4), true)]);
    assert!(queries.blocked(story.user(4), &first(9)).await.unwrap().items.is_empty(), "the blocked one sees nothing");
    let over = queries.friendship(me, story.user(1)).await.unwrap().unwrap();
    assert_eq!((over.status.as_str(), over.blocked_by_me), ("none", false));
    assert!(queries.friendship(story.user(3), story.user(4)).await.unwrap().is_none());
});

each_engine!(the_graph_is_loaded_page_by_page, |home| async move {
    let world = World::new(home).await;
    let mut story = people(4);
    story.pair(0, 1, FriendshipAct::Request);
    story.pair(1, 0, FriendshipAct::Accept);
    story.pair(2, 3, FriendshipAct::Block);
    let group = story.open_group(0, 0, &[1, 2], false);
    let queries = queries_on(&world, &mut story).await;

    let mut relations = Vec::new();
    let mut after = Uuid::nil();
    while let [relation] = queries.relations(after, 1).await.unwrap()[..] {
        after = relation.pair;
        relations.push((
            relation.low,
            relation.high,
            relation.friends,
            relation.blocked_by_low,
            relation.blocked_by_high,
        ));
    }
    relations.sort_unstable();
    let user = |n| story.user(n);
    assert_eq!(relations, [(user(0), user(1), true, false, false), (user(2), user(3), false, true, false)]);

    let mut members = Vec::new();
    let mut after = MembershipRow { conversation: ConversationId::default(), user: UserId::default() };
    while let [member] = queries.memberships(after, 1).await.unwrap()[..] {
        after = member;
        members.push(member);
    }
    assert_eq!(members, [0, 1, 2].map(|n| MembershipRow { conversation: group, user: user(n) }));
    assert_eq!(queries.conversations_of(user(1)).await.unwrap(), [group]);
    assert!(queries.conversations_of(user(3)).await.unwrap().is_empty());
});

each_engine!(a_circle_is_friends_and_fellow_members_without_blocks, |home| async move {
    let world = World::new(home).await;
    let mut story = people(5);
    story.pair(0, 1, FriendshipAct::Request);
    story.pair(1, 0, FriendshipAct::Accept);
    story.open_group(0, 0, &[2, 3], false);
    story.pair(3, 0, FriendshipAct::Block);
    let queries = queries_on(&world, &mut story).await;
    for (of, circle) in [(0, &[1, 2][..]), (1, &[0]), (2, &[0, 3]), (3, &[2]), (4, &[])] {
        let want = circle.iter().map(|n| story.user(*n)).collect();
        assert_eq!(queries.circle(story.user(of), 3).await.unwrap(), want, "of {of}");
    }
    let alone = queries.circle(story.user(2), 2).await.unwrap();
    assert!(alone.is_empty(), "the group has three members: {alone:?}");
});
