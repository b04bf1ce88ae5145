//! Conversations and their members.

use super::{first, pages, queries_on};
use crate::support::{Story, World, clock};
use domain::{
    conversation::{ConversationCommand as Command, Newcomer},
    friendship::FriendshipAct,
    message::MessageCommand,
    read_marker::Mark,
};
use projections::queries::{ConversationRow, MemberFilter, QueryError};
use testkit::each_engine;

fn people() -> Story {
    let mut story = Story::new(1);
    story.register_all(5);
    story
}

fn content(row: &ConversationRow) -> Option<&str> {
    row.last_message.as_ref().and_then(|message| message.content.as_deref())
}

each_engine!(the_latest_activity_stands_first, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let groups: Vec<_> = (0..3).map(|n| story.open_group(n, 0, &[1], false)).collect();
    let direct = story.open_direct(0, 2);
    let foreign = story.open_group(4, 1, &[2], false);
    story.send(0, 0, groups[0], "first");
    story.send(1, 1, groups[0], "second");
    story.send(2, 1, foreign, "elsewhere");
    let queries = queries_on(&world, &mut story).await;
    let listed = pages(async |page| queries.conversations(story.user(0), false, clock(), &page).await).await;
    let ids: Vec<_> = listed.iter().map(|row| row.id).collect();
    assert_eq!(ids, [groups[0], direct, groups[2], groups[1]]);
    assert_eq!((listed[0].conversation_type.as_str(), listed[1].conversation_type.as_str()), ("group", "direct"));
    assert_eq!((content(&listed[0]), content(&listed[1])), (Some("second"), None));
    assert!(queries.conversations(story.user(0), true, clock(), &first(9)).await.unwrap().items.is_empty());
});

each_engine!(unread_is_what_is_newer_than_read_sent_or_found, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], false);
    for n in 0..4 {
        story.send(n, 0, group, "hello");
    }
    story.conversation(group, Command::Join { user: story.user(2), now: Default::default() });
    story.mark(group, 1, 3, Mark::Read);
    story.send(4, 0, group, "hello");
    let queries = queries_on(&world, &mut story).await;
    let unread = async |n: u64| {
        let row = queries.conversation(story.user(n), group, clock()).await.unwrap();
        (row.last_seq, row.read_seq, row.unread)
    };
    assert_eq!(unread(0).await, (5, 0, 0), "one's own messages are read");
    assert_eq!(unread(1).await, (5, 3, 2));
    assert_eq!(unread(2).await, (5, 0, 1), "what was there before one joined is not unread");
});

each_engine!(a_block_with_a_lead_hides_the_group_from_those_who_wait, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], true);
    let (asks, member) = (story.user(2), story.user(1));
    story.conversation(group, Command::Join { user: asks, now: clock() });
    let known_as = Newcomer { is_unreachable: true, ..Newcomer::default() };
    let invited = story.user(3);
    story.conversation(group, Command::Add { by: story.user(0), user: invited, known_as, now: clock() });
    let seen = async |story: &mut Story| {
        let queries = queries_on(&world, story).await;
        let mut seen = Vec::new();
        for (user, filter) in [(asks, MemberFilter::Pending), (invited, MemberFilter::Invited)] {
            let one = queries.conversation(user, group, clock()).await.is_ok();
            let listed = queries.conversations(user, false, clock(), &first(9)).await.unwrap().items.len();
            let of_lead = queries.members(member, group, filter, &first(9)).await.unwrap().items.len();
            seen.push((one, listed, of_lead));
        }
        seen
    };
    let (shown, hidden) = ((true, 1, 1), (false, 0, 0));
    assert_eq!(seen(&mut story).await, [shown, shown]);
    for (by, with) in [(0, 2), (3, 0)] {
        story.pair(by, with, FriendshipAct::Block);
    }
    assert_eq!(seen(&mut story).await, [hidden, hidden]);
    for (by, with) in [(0, 2), (3, 0)] {
        story.pair(by, with, FriendshipAct::Unblock);
    }
    // A member who does not lead hides nothing.
    story.pair(1, 2, FriendshipAct::Block);
    assert_eq!(seen(&mut story).await, [shown, shown]);
});

each_engine!(each_event_of_a_group_is_seen, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    story.send(0, 0, group, "hello");
    let [lead, second, third, fourth] = [0, 1, 2, 3].map(|n| story.user(n));
    let queries = queries_on(&world, &mut story).await;
    let row = queries.conversation(lead, group, clock()).await.unwrap();
    assert_eq!((row.title.as_deref(), row.member_count, row.mine.role.as_str()), (Some("Group 0"), 3, "lead"));
    assert_eq!((row.created_by, row.joining.as_str(), row.muted, row.archived), (lead, "open", false, false));

    story.conversation(group, Command::Promote { by: lead, user: second, now: Default::default() });
    story.conversation(group, Command::Demote { by: second, user: lead, idle: Default::default() });
    story.conversation(group, Command::Kick { by: second, user: third });
    story.retitle(group, 1, None);
    story.conversation(group, Command::Join { user: fourth, now: Default::default() });
    queries_on(&world, &mut story).await;
    let row = queries.conversation(lead, group, clock()).await.unwrap();
    assert_eq!((row.title, row.avatar_url.as_deref(), row.joining.as_str()), (None, Some("/files/group"), "approval"));
    assert_eq!((row.member_count, row.mine.role.as_str()), (2, "member"));
    assert!(matches!(queries.conversation(third, group, clock()).await, Err(QueryError::NotFound)), "kicked");
    assert!(queries.conversations(third, false, clock(), &first(9)).await.unwrap().items.is_empty());

    let pending = queries.conversation(fourth, group, clock()).await.unwrap();
    assert_eq!((pending.mine.status.as_str(), pending.last_seq, pending.unread), ("pending", 0, 0));
    assert!(pending.last_message.is_none(), "a pending person sees no message");
    let asked = queries.members(second, group, MemberFilter::Pending, &first(9)).await.unwrap().items;
    assert_eq!(asked.iter().map(|member| member.user.id).collect::<Vec<_>>(), [fourth]);
    assert!(matches!(queries.members(fourth, group, MemberFilter::Active, &first(9)).await, Err(QueryError::NotFound)));

    story.conversation(group, Command::Approve { by: second, user: fourth });
    story.mark(group, 0, 1, Mark::Read);
    story.mark(group, 1, 1, Mark::Delivered);
    queries_on(&world, &mut story).await;
    let members = pages(async |page| queries.members(fourth, group, MemberFilter::Active, &page).await).await;
    let seen = members.iter().map(|m| (m.user.id, m.role.as_str(), m.join_seq, m.read_seq, m.delivered_seq));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [(fourth, "member", 1, 0, 0), (second, "lead", 0, 0, 1), (lead, "member", 0, 1, 1),]
    );

    story.conversation(group, Command::Leave { user: fourth, idle: Default::default() });
    story.conversation(group, Command::Join { user: fourth, now: Default::default() });
    story.conversation(group, Command::Reject { by: second, user: fourth });
    story.conversation(
        group,
        Command::Add { by: second, user: third, known_as: Default::default(), now: Default::default() },
    );
    queries_on(&world, &mut story).await;
    assert_eq!(queries.conversation(third, group, clock()).await.unwrap().member_count, 3);
    assert!(matches!(queries.conversation(fourth, group, clock()).await, Err(QueryError::NotFound)));

    story.conversation(group, Command::Delete { by: Some(second), hidden: Default::default() });
    queries_on(&world, &mut story).await;
    for user in [lead, second, third] {
        assert!(matches!(queries.conversation(user, group, clock()).await, Err(QueryError::NotFound)));
    }
});

each_engine!(the_last_message_is_the_last_one_the_viewer_sees, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], false);
    story.send(0, 0, group, "first");
    story.send(1, 0, group, "second");
    story.on_message(1, MessageCommand::Hide { user: story.user(1) });
    let queries = queries_on(&world, &mut story).await;
    let users = [0, 1].map(|n| story.user(n));
    let last = async |n: usize| {
        let listed = queries.conversations(users[n], false, clock(), &first(9)).await.unwrap();
        content(&listed.items[0]).map(str::to_owned)
    };
    assert_eq!(last(0).await.as_deref(), Some("second"));
    assert_eq!(last(1).await.as_deref(), Some("first"));
    story.on_message(1, MessageCommand::Delete { by: story.user(0), leads: true });
    queries_on(&world, &mut story).await;
    let tombstone = queries.conversation(story.user(0), group, clock()).await.unwrap().last_message.unwrap();
    assert_eq!((tombstone.seq, tombstone.content, tombstone.deleted_at.is_some()), (2, None, true));
});
