//! Strategies: people, commands, events and payloads.

use domain::{
    ConversationId, EventType, Personal, Timestamp, UserId,
    call::{CallCommand, CallType, EndReason},
    conversation::{ConversationCommand, ConversationType, Joining, NewInvite, Newcomer, SettingsChange},
    friendship::FriendshipAct,
    id::InviteId,
    message::{Draft, MessageCommand, MessageContent, MessageEvent, MessageType},
    read_marker::{Mark, ReadMarkerCommand, Shown},
    text::{Emoji, InviteCode, MessageBody, Title},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;
use std::{collections::BTreeSet, num::NonZeroU32};
use uuid::Uuid;

const ROOM: ConversationId = ConversationId(Uuid::from_u128(100));

pub(super) fn users() -> impl Strategy<Value = UserId> + Clone {
    (0..5_u128).prop_map(|n| UserId(Uuid::from_u128(n)))
}

pub(super) fn invite(n: u128) -> InviteId {
    InviteId(Uuid::from_u128(200 + n))
}

pub(super) fn conversation_commands() -> impl Strategy<Value = ConversationCommand> {
    use ConversationCommand as Command;
    let two = || (users(), users());
    let people = (users(), vec(users(), 0..4), vec(users(), 0..2));
    let create =
        (people, any::<bool>(), joinings(), times()).prop_map(|((by, members, invited), direct, joining, now)| {
            let conversation_type = if direct { ConversationType::Direct } else { ConversationType::Group };
            Command::Create { conversation_type, by, members, invited, title: None, avatar_url: None, joining, now }
        });
    prop_oneof![
        2 => create,
        1 => (users(), any::<Option<bool>>(), proptest::option::of(joinings()), times()).prop_map(
            |(by, approval, joining, now)| {
                let title = Some(Title::parse("Us").ok());
                Command::Update { by, change: SettingsChange { title, approval, joining, avatar_url: None }, now }
            }
        ),
        1 => proptest::option::weighted(0.9, users()).prop_map(|by| Command::Delete { by, hidden: BTreeSet::new() }),
        4 => (users(), times()).prop_map(|(user, now)| Command::Join { user, now }),
        4 => (users(), idlers()).prop_map(|(user, idle)| Command::Leave { user, idle }),
        2 => (two(), any::<[bool; 3]>(), times()).prop_map(
            |((by, user), [is_friend, is_shunned, is_unreachable], now)| {
                Command::Add { by, user, known_as: Newcomer { is_friend, is_shunned, is_unreachable }, now }
            }
        ),
        2 => idlers().prop_map(|idle| Command::Settle { idle }),
        1 => (two(), times()).prop_map(|((by, user), now)| Command::Appoint { by, user, now }),
        2 => two().prop_map(|(by, user)| Command::Kick { by, user }),
        2 => (two(), times()).prop_map(|((by, user), now)| Command::Promote { by, user, now }),
        2 => (two(), idlers()).prop_map(|((by, user), idle)| Command::Demote { by, user, idle }),
        2 => two().prop_map(|(by, user)| Command::Approve { by, user }),
        2 => two().prop_map(|(by, user)| Command::Reject { by, user }),
        2 => (users(), 0..3_u128, 0..3_u32, any::<bool>(), 0..20_i64).prop_map(|(by, id, most, ends, now)| {
            let code = InviteCode::parse("AAECAwQFBgcICQoLDA0ODw").unwrap();
            let expires_at = ends.then(|| Timestamp::from_millis(now + 10));
            let invite = NewInvite { id: invite(id), code, expires_at, max_uses: NonZeroU32::new(most) };
            Command::CreateInvite { by, invite, now: Timestamp::from_millis(now) }
        }),
        1 => (users(), 0..3_u128).prop_map(|(by, id)| Command::RevokeInvite { by, invite: invite(id) }),
        4 => (users(), 0..3_u128, 0..40_i64).prop_map(|(user, id, now)| {
            Command::AcceptInvite { user, invite: invite(id), now: Timestamp::from_millis(now) }
        }),
    ]
}

fn joinings() -> impl Strategy<Value = Joining> {
    select(Joining::ALL.to_vec())
}

fn times() -> impl Strategy<Value = Timestamp> {
    (0..40_i64).prop_map(Timestamp::from_millis)
}

/// The people who cannot act.
fn idlers() -> impl Strategy<Value = BTreeSet<UserId>> {
    proptest::collection::btree_set(users(), 0..4)
}

fn emojis() -> impl Strategy<Value = Emoji> {
    (0..60_usize).prop_map(|n| Emoji::parse(emojis::iter().nth(n).unwrap().as_str()).unwrap())
}

fn bodies() -> impl Strategy<Value = MessageBody> {
    select(vec!["", " ", "hello", "bye"]).prop_map(|text| MessageBody::parse(text).unwrap())
}

pub(super) fn message_commands() -> impl Strategy<Value = MessageCommand> {
    use MessageCommand as Command;
    prop_oneof![
        1 => (users(), bodies()).prop_map(|(sender, body)| Command::Send(Draft {
            conversation: ROOM,
            sender,
            message_type: MessageType::Text,
            content: MessageContent { body, attachments: vec![] },
            reply_to: None,
            mentions: vec![],
        })),
        1 => (users(), bodies()).prop_map(|(by, body)| Command::Edit { by, body }),
        1 => (users(), prop::bool::weighted(0.1)).prop_map(|(by, leads)| Command::Delete { by, leads }),
        1 => users().prop_map(|user| Command::Hide { user }),
        20 => (users(), emojis()).prop_map(|(user, emoji)| Command::React { user, emoji }),
        5 => (users(), emojis()).prop_map(|(user, emoji)| Command::Unreact { user, emoji }),
    ]
}

/// Events of a message in orders no decision would give.
pub(super) fn message_events() -> impl Strategy<Value = MessageEvent> {
    use MessageEvent as Event;
    let conversation = ROOM;
    prop_oneof![
        (users(), bodies(), any::<bool>()).prop_map(move |(sender, body, forgotten)| {
            let content = MessageContent { body, attachments: vec![] };
            let content = if forgotten { Personal::forgotten(sender) } else { Personal::new(sender, content) };
            let (message_type, reply_to, mentions) = (MessageType::Text, None, vec![]);
            Event::Sent { conversation, sender, message_type, content, reply_to, mentions }
        }),
        (users(), bodies()).prop_map(move |(by, body)| Event::Edited {
            conversation,
            by,
            body: Personal::new(by, body)
        }),
        users().prop_map(move |by| Event::Deleted { conversation, by }),
        users().prop_map(move |user| Event::Hidden { conversation, user }),
        (users(), emojis()).prop_map(move |(user, emoji)| Event::Reacted {
            conversation,
            user,
            emoji: Personal::new(user, emoji)
        }),
        (users(), emojis()).prop_map(move |(user, emoji)| Event::Unreacted {
            conversation,
            user,
            emoji: Personal::new(user, emoji)
        }),
        users().prop_map(move |by| Event::Pinned { conversation, by }),
        users().prop_map(move |by| Event::Unpinned { conversation, by }),
    ]
}

pub(super) fn acts() -> impl Strategy<Value = FriendshipAct> {
    use FriendshipAct as Act;
    select(vec![Act::Request, Act::Accept, Act::Reject, Act::Cancel, Act::Block, Act::Unblock, Act::Unfriend])
}

pub(super) fn marks() -> impl Strategy<Value = ReadMarkerCommand> {
    (0..200_u64, 0..100_u64, any::<bool>(), any::<bool>()).prop_map(|(up_to, head, read, private)| {
        let mark = if read { Mark::Read } else { Mark::Delivered };
        let shown = if private { Shown::AsArrived } else { Shown::Whole };
        ReadMarkerCommand { conversation: ROOM, user: UserId(Uuid::from_u128(1)), up_to, head, mark, shown }
    })
}

pub(super) fn call_commands() -> impl Strategy<Value = CallCommand> {
    use CallCommand as Command;
    let people = || (0..12_u128).prop_map(|n| UserId(Uuid::from_u128(n)));
    let reasons = || select(vec![EndReason::ConnectionLost, EndReason::Removed]);
    prop_oneof![
        2 => (people(), vec(people(), 0..12)).prop_map(|(caller, invited)| {
            Command::Ring { conversation: ROOM, caller, call_type: CallType::Video, invited }
        }),
        8 => people().prop_map(|by| Command::Answer { by }),
        2 => people().prop_map(|by| Command::Refuse { by }),
        3 => people().prop_map(|by| Command::Close { by }),
        1 => Just(Command::TimeOut),
        2 => (people(), reasons()).prop_map(|(user, reason)| Command::Drop { user, reason }),
        1 => reasons().prop_map(|reason| Command::End { reason }),
    ]
}

pub(super) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let field = select(vec!["type", "user", "by", "members", "settings", "approval", "$personal", "$sealed", "value"]);
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((field.clone(), inner), 0..6).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

pub(super) fn event_types() -> impl Strategy<Value = &'static EventType> {
    select(EventType::all().collect::<Vec<_>>())
}
