//! Calls.

use super::{pages, queries_on};
use crate::support::{Story, World};
use domain::{
    CallId,
    call::{CallCommand, EndReason},
    conversation::ConversationCommand,
};
use projections::queries::{CallRow, PageRequest, PresentRow, QueryError};
use std::time::Duration;
use testkit::each_engine;

fn people() -> Story {
    let mut story = Story::new(1);
    story.register_all(4);
    story
}

fn standings(call: &CallRow) -> Vec<&str> {
    call.people.iter().map(|person| person.standing.as_str()).collect()
}

each_engine!(a_call_is_listed_from_its_ringing_to_its_end, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    story.ring(0, 0, group, &[1, 2]);
    let queries = queries_on(&world, &mut story).await;
    let ringing = queries.call(story.user(1), story.call(0)).await.unwrap();
    assert_eq!((ringing.conversation, ringing.caller), (group, story.user(0)));
    assert_eq!((ringing.status.as_str(), ringing.call_type.as_str()), ("RINGING", "VIDEO"));
    assert_eq!(standings(&ringing), ["present", "ringing", "ringing"]);
    assert_eq!(ringing.people[0].joined_at, Some(ringing.ringing_at));
    assert_eq!((ringing.answered_at, ringing.ended_at, ringing.end_reason), (None, None, None));

    story.on_call(0, CallCommand::Answer { by: story.user(1) });
    story.on_call(0, CallCommand::Refuse { by: story.user(2) });
    queries_on(&world, &mut story).await;
    let ongoing = queries.call(story.user(1), story.call(0)).await.unwrap();
    assert_eq!((ongoing.status.as_str(), standings(&ongoing)), ("ONGOING", vec!["present", "present", "refused"]));
    assert!(ongoing.answered_at.is_some() && ongoing.people[1].joined_at == ongoing.answered_at);

    story.on_call(0, CallCommand::Answer { by: story.user(2) });
    story.on_call(0, CallCommand::Close { by: story.user(1) });
    queries_on(&world, &mut story).await;
    let left = queries.call(story.user(1), story.call(0)).await.unwrap();
    assert_eq!((left.status.as_str(), standings(&left)), ("ONGOING", vec!["present", "gone", "present"]));
    assert!(left.people[1].left_at.is_some() && left.people[2].left_at.is_none());

    story.on_call(0, CallCommand::Answer { by: story.user(1) });
    queries_on(&world, &mut story).await;
    let back = queries.call(story.user(1), story.call(0)).await.unwrap();
    assert_eq!((back.people[1].joined_at, back.people[1].left_at), (left.people[1].joined_at, None), "again");
    assert_eq!(back.answered_at, ongoing.answered_at, "the first answer");

    story.on_call(0, CallCommand::End { reason: EndReason::Removed });
    queries_on(&world, &mut story).await;
    let over = queries.call(story.user(1), story.call(0)).await.unwrap();
    assert_eq!((over.status.as_str(), over.end_reason.as_deref()), ("ENDED", Some("removed")));
    assert!(over.ended_at.is_some() && over.people.iter().all(|person| person.left_at == over.ended_at));
    assert_eq!(standings(&over), ["gone", "gone", "gone"]);
});

each_engine!(a_call_that_nobody_took_is_missed_or_refused, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1], false);
    story.ring(0, 0, group, &[1]);
    story.on_call(0, CallCommand::TimeOut);
    story.ring(1, 0, group, &[1]);
    story.on_call(1, CallCommand::Refuse { by: story.user(1) });
    let queries = queries_on(&world, &mut story).await;
    for (call, status, reason, standing) in [(0, "MISSED", "no_answer", "gone"), (1, "REFUSED", "refused", "refused")] {
        let call = queries.call(story.user(0), story.call(call)).await.unwrap();
        assert_eq!((call.status.as_str(), call.end_reason.as_deref()), (status, Some(reason)));
        assert_eq!((standings(&call), call.answered_at), (vec!["gone", standing], None));
        assert_eq!(call.people[0].left_at, call.ended_at);
    }
});

each_engine!(members_page_through_the_calls_of_a_conversation, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    let other = story.open_group(1, 0, &[1], false);
    for n in 0..5 {
        story.ring(n, 0, group, &[1, 2]);
        story.on_call(n, CallCommand::TimeOut);
    }
    story.ring(9, 0, other, &[1]);
    story.conversation(group, ConversationCommand::Kick { by: story.user(0), user: story.user(2) });
    let queries = queries_on(&world, &mut story).await;
    let viewer = story.user(1);
    let calls = pages(async |page| queries.calls(viewer, group, &page).await).await;
    let ids: Vec<_> = calls.iter().map(|call| call.id).collect();
    assert_eq!(ids, [4, 3, 2, 1, 0].map(|n| story.call(n)), "newest first");
    assert!(calls.iter().all(|call| call.people.len() == 3));
    for outsider in [2, 3] {
        let (user, all) = (story.user(outsider), PageRequest::default());
        assert!(matches!(queries.calls(user, group, &all).await, Err(QueryError::NotFound)));
        assert!(matches!(queries.call(user, story.call(0)).await, Err(QueryError::NotFound)));
    }
    let bad = PageRequest { limit: None, after: Some("!".to_owned()), ..PageRequest::default() };
    assert!(matches!(queries.calls(viewer, group, &bad).await, Err(QueryError::BadToken)));
});

each_engine!(those_that_are_not_over_are_found, |home| async move {
    let world = World::new(home).await;
    let mut story = people();
    let group = story.open_group(0, 0, &[1, 2], false);
    story.ring(0, 0, group, &[1, 2]);
    queries_on(&world, &mut story).await;
    for n in 1..4 {
        story.ring(n, 0, group, &[1, 2]);
    }
    story.on_call(1, CallCommand::Answer { by: story.user(1) });
    story.on_call(2, CallCommand::TimeOut);
    let queries = queries_on(&world, &mut story).await;
    let ringing = async |ring, after, limit| {
        let found = queries.overdue_calls(ring, after, limit).await.unwrap();
        found.into_iter().map(|ringing| ringing.call).collect::<Vec<_>>()
    };
    let (at_once, hour) = (Duration::ZERO, Duration::from_secs(3_600));
    assert_eq!(ringing(at_once, CallId::default(), 9).await, [], "nobody has seen them ring");
    queries.note_ringing().await.unwrap();
    assert_eq!(ringing(at_once, CallId::default(), 9).await, [story.call(0), story.call(3)]);
    assert_eq!(ringing(at_once, CallId::default(), 1).await, [story.call(0)]);
    assert_eq!(ringing(at_once, story.call(0), 9).await, [story.call(3)]);
    // The times in the log are years away from the database's clock, which alone counts.
    assert_eq!(ringing(hour, CallId::default(), 9).await, []);
    let since = async || queries.overdue_calls(at_once, CallId::default(), 9).await.unwrap();
    let first = since().await;
    queries.note_ringing().await.unwrap();
    assert_eq!(since().await, first, "noted once");
    story.on_call(0, CallCommand::TimeOut);
    let queries = queries_on(&world, &mut story).await;
    queries.note_ringing().await.unwrap();
    assert_eq!(queries.overdue_calls(at_once, CallId::default(), 9).await.unwrap(), first[1..]);

    let present = queries.present_in_calls(PresentRow::default(), 9).await.unwrap();
    let row = |call, user| PresentRow { call: story.call(call), user: story.user(user) };
    assert_eq!(present, [row(1, 0), row(1, 1), row(3, 0)]);
    assert_eq!(queries.present_in_calls(present[0], 1).await.unwrap(), [row(1, 1)]);
});
