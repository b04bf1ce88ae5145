//! The audience, scope and tier of each event type.

mod samples;

use domain::{
    AggregateType, AudienceChange, DecodeError, Event, EventType, Recipient, Tier, Timestamp, UserId,
    conversation::ConversationEvent, friendship::FriendshipEvent, story::StoryEvent,
};
use samples::samples;
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
        let changes = event.recipients(STREAM).iter().any(|about| about.change != AudienceChange::None);
        assert!(!changes || event.event_type().tier == Tier::High, "{}", event.event_type().name);
    }
}

#[test]
fn signals_are_no_events() {
    for kind in EventType::all() {
        assert_ne!(kind.tier, Tier::Low, "{}", kind.name);
    }
}

/// Otherwise only the audit would read it.
#[test]
fn a_pushed_event_has_receivers() {
    for event in samples().into_iter().filter(|event| event.event_type().push.is_some()) {
        assert!(event.is_scope_wide() || !event.recipients(STREAM).is_empty(), "{}", event.event_type().name);
    }
}

#[test]
fn an_interval_begins_or_ends_with_a_scope_wide_event() {
    for event in samples() {
        let changes = event.recipients(STREAM).iter().any(|about| about.change != AudienceChange::None);
        assert!(!changes || event.is_scope_wide(), "{}", event.event_type().name);
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
        assert_eq!(event.scope(STREAM), expected, "{}", event.event_type().name);
    }
}

#[test]
fn only_a_sent_message_counts() {
    let counting: Vec<_> = EventType::all().filter(|kind| kind.counts).map(|kind| kind.name).collect();
    assert_eq!(counting, ["message.sent"]);
}

#[test]
fn only_the_blocker_receives_a_block() {
    let (by, with) = (ana(), bob());
    let recipients = |event: FriendshipEvent| Event::from(event).recipients(STREAM);
    assert_eq!(recipients(FriendshipEvent::Blocked { by, with }), [Recipient::only(by)]);
    assert_eq!(recipients(FriendshipEvent::Unblocked { by, with, at: None }), [Recipient::only(by)]);
    let both = [Recipient::only(by), Recipient::only(with)];
    assert_eq!(recipients(FriendshipEvent::Requested { by, with, at: None }), both);
}

#[test]
fn members_join_and_leave_and_pending_people_are_recipients() {
    let (by, user) = (ana(), bob());
    let about = |event: ConversationEvent| Event::from(event).recipients(STREAM);
    assert_eq!(about(ConversationEvent::MemberAdded { user, by, at: None }), [Recipient::join(user)]);
    assert_eq!(about(ConversationEvent::MemberKicked { user, by }), [Recipient::leave(user)]);
    assert_eq!(about(ConversationEvent::MemberRequested { user, invite: None, at: None }), [Recipient::only(user)]);
    let at = Timestamp::from_millis(1);
    assert_eq!(about(ConversationEvent::MemberInvited { user, by, at }), [Recipient::only(user)]);
    assert_eq!(about(ConversationEvent::MemberPromoted { user, by, at: None }), []);
    let deleted = ConversationEvent::Deleted { by: None, members: vec![by], pending: vec![user] };
    assert_eq!(about(deleted), [Recipient::leave(by), Recipient::only(user)]);
}

#[test]
fn each_event_knows_its_own_type() -> Result<(), DecodeError> {
    for event in samples() {
        let json = serde_json::to_value(&event).unwrap_or_default();
        let kind = event.event_type();
        assert_eq!(json["type"], kind.name);
        assert_eq!(Event::decode(kind.name, kind.version, json)?, event);
    }
    Ok(())
}

#[test]
fn an_author_and_the_named_people_receive_a_story_and_only_the_author_its_views() {
    let (author, user) = (ana(), bob());
    for event in samples().into_iter().filter(|event| event.aggregate_type() == AggregateType::Story) {
        let recipients = event.recipients(STREAM);
        assert!(!event.is_scope_wide());
        match event {
            Event::Story(StoryEvent::Viewed { .. }) => assert_eq!(recipients, [Recipient::only(author)]),
            _ => {
                let both = [Recipient::only(author), Recipient::only(user)];
                assert_eq!(recipients, both, "{}", event.event_type().name);
            }
        }
    }
    let own = Event::from(StoryEvent::Liked { author, user: author });
    assert_eq!(own.recipients(STREAM), [Recipient::only(author)]);
}
