//! What each kind of event says of itself: whom it reaches, what it belongs to, how urgent it is.

mod samples;

use domain::{
    About, AggregateType, Event, Presence, Tier, UserId, conversation::ConversationEvent, event::DecodeError,
    friendship::FriendshipEvent, story::StoryEvent,
};
use samples::{KINDS, number, samples};
use uuid::Uuid;

const STREAM: Uuid = Uuid::from_u128(99);

fn ana() -> UserId {
    UserId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001))
}

fn bob() -> UserId {
    UserId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002))
}

#[test]
fn whatever_changes_an_audience_is_high() {
    for event in samples() {
        let changes = event.about(STREAM).iter().any(|about| about.presence != Presence::Told);
        assert!(!changes || event.kind().tier == Tier::High, "{}", event.kind().name);
        assert_ne!(event.kind().tier, Tier::Low, "{}: signals are no events", event.kind().name);
    }
}

#[test]
fn whoever_enters_or_leaves_does_so_by_a_scope_wide_event() {
    for event in samples() {
        let changes = event.about(STREAM).iter().any(|about| about.presence != Presence::Told);
        assert!(!changes || event.is_scope_wide(), "{}", event.kind().name);
    }
}

#[test]
fn an_event_belongs_to_its_conversation_else_pair_else_user() {
    let room = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_000a);
    for event in samples() {
        let expected = match event.aggregate_type() {
            AggregateType::Message | AggregateType::ReadMarker | AggregateType::Call | AggregateType::OwnSettings => {
                room
            }
            AggregateType::Session
            | AggregateType::File
            | AggregateType::Conduct
            | AggregateType::Story
            | AggregateType::Report
            | AggregateType::Administration
            | AggregateType::Audit => ana().0,
            AggregateType::User | AggregateType::Friendship | AggregateType::Conversation => STREAM,
        };
        assert_eq!(event.scope(STREAM), expected, "{}", event.kind().name);
    }
}

#[test]
fn only_a_sent_message_counts() {
    let counting: Vec<_> = samples().into_iter().filter(Event::counts).map(|event| event.kind().name).collect();
    assert_eq!(counting, ["message.sent"]);
}

#[test]
fn a_block_is_told_to_the_blocker_alone() {
    let (by, with) = (ana(), bob());
    let told = |event: FriendshipEvent| Event::from(event).about(STREAM);
    assert_eq!(told(FriendshipEvent::Blocked { by, with }), [About::told(by)]);
    assert_eq!(told(FriendshipEvent::Unblocked { by, with, at: None }), [About::told(by)]);
    assert_eq!(told(FriendshipEvent::Requested { by, with, at: None }), [About::told(by), About::told(with)]);
}

#[test]
fn members_enter_and_leave_and_those_who_asked_are_told() {
    let (by, user) = (ana(), bob());
    let about = |event: ConversationEvent| Event::from(event).about(STREAM);
    assert_eq!(about(ConversationEvent::MemberAdded { user, by, at: None }), [About::enters(user)]);
    assert_eq!(about(ConversationEvent::MemberKicked { user, by }), [About::leaves(user)]);
    assert_eq!(about(ConversationEvent::MemberRequested { user, invite: None, at: None }), [About::told(user)]);
    assert_eq!(about(ConversationEvent::MemberPromoted { user, by, at: None }), []);
    let deleted = ConversationEvent::Deleted { by: None, members: vec![by], pending: vec![user] };
    assert_eq!(about(deleted), [About::leaves(by), About::told(user)]);
}

#[test]
fn each_event_knows_its_own_kind() -> Result<(), DecodeError> {
    let all = samples();
    assert_eq!(all.len(), KINDS);
    for event in all {
        let json = serde_json::to_value(&event).unwrap_or_default();
        let kind = event.kind();
        assert_eq!(json["type"], kind.name);
        assert_eq!(number(&Event::decode(kind.name, kind.version, json)?), number(&event));
    }
    Ok(())
}

#[test]
fn a_story_is_told_to_its_author_and_whom_it_names_and_views_to_the_author_alone() {
    let (author, user) = (ana(), bob());
    for event in samples().into_iter().filter(|event| event.aggregate_type() == AggregateType::Story) {
        let told = event.about(STREAM);
        assert!(!event.is_scope_wide());
        match event {
            Event::Story(StoryEvent::Viewed { .. }) => assert_eq!(told, [About::told(author)]),
            _ => assert_eq!(told, [About::told(author), About::told(user)], "{}", event.kind().name),
        }
    }
    let own = Event::from(StoryEvent::Liked { author, user: author });
    assert_eq!(own.about(STREAM), [About::told(author)]);
}
