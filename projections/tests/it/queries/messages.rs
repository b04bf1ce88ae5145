//! Messages.

use super::{first, pages, queries_on};
use crate::support::{Story, World, clock};
use domain::{conversation::ConversationCommand, message::MessageCommand, read_marker::Mark};
use projections::queries::{MemberFilter, MessageRow, MessageStatus, MessageWindow, Page, QueryError};
use testkit::each_engine;

fn people() -> Story {
    let mut story = Story::new(1);
    story.register_all(4);
    story
}

fn seqs(page: &Page<MessageRow>) -> Vec<u64> {
    page.items.iter().map(|message| message.seq).collect()
}

each_engine!(a_message_is_read_whole, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    story.send(0, 0, group, "with a file");
    story.send(1, 1, group, "an answer");
    story.edit(1, 1, "a better answer");
    story.react(0, 1, "👍");
    story.react(0, 2, "🎉");
    story.react(0, 2, "👍");
    story.react(0, 0, "👋");
    story.unreact(0, 0, "👋");
    let queries = queries_on(&world, &mut story).await;
    let message = queries.message(story.user(2), story.message(0)).await.unwrap();
    assert_eq!(message.content.as_deref(), Some("with a file"));
    assert_eq!((message.sender.id, message.sender.first_name.as_deref()), (story.user(0), Some("First0")));
    assert_eq!((message.seq, message.message_type.as_str(), message.edited_at), (1, "TEXT", None));
    assert_eq!(message.mentions, [story.user(0)]);
    let attachment = &message.attachments[..];
    assert!(matches!(attachment, [file] if file.name.as_deref() == Some("a.png") && file.size == Some(12)));
    let reactions = async |n: u64| {
        let message = queries.message(story.user(n), story.message(0)).await.unwrap();
        message.reactions.into_iter().map(|r| (r.emoji, r.count, r.mine)).collect::<Vec<_>>()
    };
    assert_eq!(reactions(2).await, [("👍".to_owned(), 2, true), ("🎉".to_owned(), 1, true)]);
    assert_eq!(reactions(1).await, [("👍".to_owned(), 2, true), ("🎉".to_owned(), 1, false)]);
    let answer = queries.message(story.user(0), story.message(1)).await.unwrap();
    assert_eq!((answer.content.as_deref(), answer.reply_to), (Some("a better answer"), Some(story.message(0))));
    assert!(answer.edited_at.is_some() && answer.attachments.is_empty());

    story.on_message(0, MessageCommand::Delete { by: story.user(0), leads: false });
    queries_on(&world, &mut story).await;
    let tombstone = queries.message(story.user(2), story.message(0)).await.unwrap();
    assert_eq!((tombstone.content, tombstone.deleted_at.is_some(), tombstone.seq), (None, true, 1));
    assert!(tombstone.attachments.is_empty() && tombstone.reactions.is_empty() && tombstone.mentions.is_empty());
});

each_engine!(windows_over_a_conversation_are_newest_first, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], false);
    for n in 0..10 {
        story.send(n, n % 2, group, "hello");
    }
    story.on_message(7, MessageCommand::Hide { user: story.user(0) });
    let queries = queries_on(&world, &mut story).await;
    let window = async |viewer: u64, window, limit| {
        let page = queries.messages(story.user(viewer), group, window, Some(limit)).await.unwrap();
        (seqs(&page), page.next)
    };
    let next = |seq: u64| Some(seq.to_string());
    assert_eq!(window(1, MessageWindow::Latest, 3).await, (vec![10, 9, 8], next(8)));
    assert_eq!(window(0, MessageWindow::Latest, 3).await, (vec![10, 9, 7], next(7)), "hidden for this viewer");
    assert_eq!(window(1, MessageWindow::Before(8), 3).await, (vec![7, 6, 5], next(5)));
    assert_eq!(window(1, MessageWindow::Before(4), 3).await, (vec![3, 2, 1], None));
    assert_eq!(window(1, MessageWindow::After(0), 3).await, (vec![3, 2, 1], next(3)));
    assert_eq!(window(1, MessageWindow::After(7), 3).await, (vec![10, 9, 8], None));
    assert_eq!(window(1, MessageWindow::After(10), 3).await, (vec![], None));
    assert_eq!(window(1, MessageWindow::Around(5), 4).await, (vec![7, 6, 5, 4], next(4)));
    assert_eq!(window(1, MessageWindow::Around(1), 4).await, (vec![3, 2, 1], None));
    assert_eq!(window(1, MessageWindow::Around(u64::MAX), 2).await.0, [10]);
    let all = queries.messages(story.user(1), group, MessageWindow::Latest, None).await.unwrap();
    assert_eq!((all.items.len(), all.next), (10, None));
});

each_engine!(a_page_that_is_read_in_portions_has_no_hole, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], false);
    // A portion is 51 rows.
    for n in 0..103 {
        story.send(n, 0, group, "hello");
    }
    story.on_message(60, MessageCommand::Hide { user: story.user(1) });
    let queries = queries_on(&world, &mut story).await;
    for (window, limit, want, next) in [
        (MessageWindow::Latest, 200, 1..=103, None),
        (MessageWindow::Latest, 101, 2..=103, Some(2)),
        (MessageWindow::Before(103), 51, 51..=102, Some(51)),
        (MessageWindow::After(0), 102, 1..=103, None),
        (MessageWindow::After(1), 100, 2..=102, Some(102)),
        (MessageWindow::Around(61), 102, 10..=113, Some(10)),
    ] {
        let page = queries.messages(story.user(1), group, window, Some(limit)).await.unwrap();
        let want: Vec<u64> = want.filter(|seq| *seq != 61 && *seq <= 103).rev().collect();
        assert_eq!((seqs(&page), page.next), (want, next.map(|seq: u64| seq.to_string())), "{window:?}, {limit}");
    }
});

each_engine!(only_those_who_are_in_see_messages, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], true);
    story.conversation(group, ConversationCommand::Join { user: story.user(2), now: Default::default() });
    story.send(0, 0, group, "hello");
    story.on_message(0, MessageCommand::Hide { user: story.user(1) });
    let queries = queries_on(&world, &mut story).await;
    for (viewer, sees) in [(0, Some(true)), (1, Some(false)), (2, None), (3, None)] {
        let list = queries.messages(story.user(viewer), group, MessageWindow::Latest, None).await;
        let one = queries.message(story.user(viewer), story.message(0)).await;
        assert_eq!(list.as_ref().ok().map(|page| !page.items.is_empty()), sees, "viewer {viewer}");
        assert_eq!(one.is_ok(), sees == Some(true), "viewer {viewer}");
        let refused = [list.err(), one.err()];
        assert!(refused.iter().flatten().all(|error| matches!(error, QueryError::NotFound)));
    }
});

each_engine!(a_message_is_read_when_every_other_member_has_read_it, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    let direct = story.open_direct(0, 1);
    for n in 0..3 {
        story.send(n, 0, group, "hello");
    }
    story.send(3, 1, group, "from another");
    story.send(4, 0, direct, "hello");
    story.mark(group, 1, 2, Mark::Read);
    story.mark(group, 2, 3, Mark::Delivered);
    story.mark(group, 2, 1, Mark::Read);
    let queries = queries_on(&world, &mut story).await;
    let (viewer, ids) = (story.user(0), [0, 1, 2, 3, 4].map(|n| story.message(n)));
    let status = async |n: usize| queries.message(viewer, ids[n]).await.unwrap().status;
    assert_eq!(status(0).await, MessageStatus::Read);
    assert_eq!(status(1).await, MessageStatus::Delivered);
    assert_eq!(status(2).await, MessageStatus::Sent);
    assert_eq!(status(3).await, MessageStatus::Sent);
    assert_eq!(status(4).await, MessageStatus::Sent);

    story.mark(direct, 1, 1, Mark::Read);
    story.conversation(group, ConversationCommand::Kick { by: story.user(0), user: story.user(2) });
    story.conversation(group, ConversationCommand::Join { user: story.user(3), now: Default::default() });
    queries_on(&world, &mut story).await;
    assert_eq!(status(4).await, MessageStatus::Read);
    assert_eq!(status(1).await, MessageStatus::Read, "neither a former member nor a later one is waited for");
    assert_eq!(status(2).await, MessageStatus::Sent);
    assert_eq!([status(1).await.as_str(), status(2).await.as_str()], ["READ", "SENT"]);
});

each_engine!(receipts_tell_to_whom_a_message_came_and_who_read_it, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    story.send(0, 0, group, "one");
    story.send(1, 0, group, "two");
    story.conversation(group, ConversationCommand::Join { user: story.user(3), now: Default::default() });
    story.mark(group, 1, 1, Mark::Delivered);
    story.mark(group, 1, 2, Mark::Read);
    story.mark_as(group, 2, 1, Mark::Read, true);
    story.mark(group, 3, 2, Mark::Read);
    let queries = queries_on(&world, &mut story).await;
    let receipts = async |viewer: u64, message: u64| {
        let rows = pages(async |page| queries.receipts(story.user(viewer), story.message(message), &page).await).await;
        rows.into_iter().map(|row| (row.person.id, row.read_at.is_some())).collect::<Vec<_>>()
    };
    let (bob, cyd) = (story.user(1), story.user(2));
    assert_eq!(receipts(0, 0).await, [(cyd, false), (bob, true)], "who came later is not among them");
    assert_eq!(receipts(2, 1).await, [(bob, true)]);
    let page = queries.receipts(bob, story.message(0), &first(9)).await.unwrap();
    let bobs = page.items.iter().find(|row| row.person.id == bob).unwrap();
    assert!(bobs.read_at.is_some_and(|read| bobs.delivered_at <= read), "it came before it was read");

    let read_seq = async |viewer: u64| {
        let members = queries.members(story.user(viewer), group, MemberFilter::Active, &first(9)).await.unwrap();
        members.items.into_iter().find(|member| member.user.id == cyd).unwrap().read_seq
    };
    assert_eq!((read_seq(0).await, read_seq(2).await), (0, 1), "it is the reader's own to know");
    let conversation = queries.conversation(cyd, group, clock()).await.unwrap();
    assert_eq!((conversation.read_seq, conversation.unread), (1, 1));
    let message = queries.message(story.user(0), story.message(0)).await.unwrap();
    assert_eq!(message.status, MessageStatus::Delivered);

    story.conversation(group, ConversationCommand::Leave { user: story.user(3), idle: Default::default() });
    let queries = queries_on(&world, &mut story).await;
    let left = queries.receipts(story.user(3), story.message(0), &first(9)).await;
    assert!(matches!(left, Err(QueryError::NotFound)));
});
