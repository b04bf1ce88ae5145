//! What holds whatever is asked, in whatever order: nothing panics, and the invariants of each state stay.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod samples;

use domain::{
    Aggregate, ConversationId, Event, Personal, Timestamp, UserId,
    call::{Call, CallCommand, CallStatus, CallType, EndReason, MAX_PARTICIPANTS, Standing as CallStanding},
    conversation::{
        Conversation, ConversationCommand, ConversationEvent, ConversationType, Joining, MemberStatus, NewInvite,
        Newcomer, SettingsChange, Succession,
    },
    friendship::{Friendship, FriendshipAct, FriendshipCommand, Standing},
    id::InviteId,
    message::{Draft, MAX_REACTIONS, Message, MessageCommand, MessageContent, MessageEvent, MessageType},
    read_marker::{Mark, ReadMarker, ReadMarkerCommand, Shown},
    text::{Emoji, InviteCode, MessageBody, Title},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};
use uuid::Uuid;

const ROOM: ConversationId = ConversationId(Uuid::from_u128(100));

fn users() -> impl Strategy<Value = UserId> + Clone {
    (0..5_u128).prop_map(|n| UserId(Uuid::from_u128(n)))
}

/// Decides each command in turn, and applies what was decided.
fn play<A: Aggregate>(commands: Vec<A::Command>, mut check: impl FnMut(&A)) -> A {
    let mut state = A::default();
    for command in commands {
        for event in state.decide(command).unwrap_or_default() {
            state.apply(event);
        }
        check(&state);
    }
    state
}

fn invite(n: u128) -> InviteId {
    InviteId(Uuid::from_u128(200 + n))
}

fn conversation_commands() -> impl Strategy<Value = ConversationCommand> {
    use ConversationCommand as Command;
    let two = || (users(), users());
    let create = (users(), vec(users(), 0..4), any::<bool>(), joinings()).prop_map(|(by, members, direct, joining)| {
        let conversation_type = if direct { ConversationType::Direct } else { ConversationType::Group };
        Command::Create { conversation_type, by, members, title: None, avatar_url: None, joining }
    });
    prop_oneof![
        2 => create,
        1 => (users(), any::<Option<bool>>(), proptest::option::of(joinings()), times()).prop_map(
            |(by, approval, joining, now)| {
                let title = Some(Title::parse("Us").ok());
                Command::Update { by, change: SettingsChange { title, approval, joining, avatar_url: None }, now }
            }
        ),
        1 => proptest::option::weighted(0.9, users()).prop_map(|by| Command::Delete { by }),
        4 => (users(), times()).prop_map(|(user, now)| Command::Join { user, now }),
        4 => (users(), idlers()).prop_map(|(user, idle)| Command::Leave { user, idle }),
        2 => (two(), any::<[bool; 2]>(), times()).prop_map(|((by, user), [is_friend, is_shunned], now)| {
            Command::Add { by, user, known_as: Newcomer { is_friend, is_shunned }, now }
        }),
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

/// Who asks for it; one who was erased still leaves.
fn actor(command: &ConversationCommand) -> Option<UserId> {
    use ConversationCommand as Command;
    match command {
        Command::Create { by, .. }
        | Command::Update { by, .. }
        | Command::Add { by, .. }
        | Command::Kick { by, .. }
        | Command::Promote { by, .. }
        | Command::Demote { by, .. }
        | Command::Approve { by, .. }
        | Command::Reject { by, .. } => Some(*by),
        Command::Join { user, .. } | Command::AcceptInvite { user, .. } => Some(*user),
        _ => None,
    }
}

fn joinings() -> impl Strategy<Value = Joining> {
    select(Joining::ALL.to_vec())
}

fn times() -> impl Strategy<Value = Timestamp> {
    (0..40_i64).prop_map(Timestamp::from_millis)
}

/// Those who cannot act.
fn idlers() -> impl Strategy<Value = BTreeSet<UserId>> {
    proptest::collection::btree_set(users(), 0..4)
}

fn emojis() -> impl Strategy<Value = Emoji> {
    (0..60_u8).prop_map(|n| Emoji::parse(&format!(":{n}:")).unwrap())
}

fn bodies() -> impl Strategy<Value = MessageBody> {
    select(vec!["", " ", "hello", "bye"]).prop_map(|text| MessageBody::parse(text).unwrap())
}

fn message_commands() -> impl Strategy<Value = MessageCommand> {
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
fn message_events() -> impl Strategy<Value = MessageEvent> {
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
    ]
}

fn acts() -> impl Strategy<Value = FriendshipAct> {
    use FriendshipAct as Act;
    select(vec![Act::Request, Act::Accept, Act::Reject, Act::Cancel, Act::Block, Act::Unblock, Act::Unfriend])
}

fn marks() -> impl Strategy<Value = ReadMarkerCommand> {
    (0..200_u64, 0..100_u64, any::<bool>(), any::<bool>()).prop_map(|(up_to, head, read, private)| {
        let mark = if read { Mark::Read } else { Mark::Delivered };
        let shown = if private { Shown::AsArrived } else { Shown::Whole };
        ReadMarkerCommand { conversation: ROOM, user: UserId(Uuid::from_u128(1)), up_to, head, mark, shown }
    })
}

fn call_commands() -> impl Strategy<Value = CallCommand> {
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

fn json() -> impl Strategy<Value = Value> {
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_group_with_members_has_a_lead(commands in vec(conversation_commands(), 0..60)) {
        play::<Conversation>(commands, |conversation| {
            let active: Vec<_> = conversation.active().collect();
            let led = active.iter().any(|user| conversation.is_lead(*user));
            match conversation.conversation_type() {
                ConversationType::Group => assert_eq!(led, !active.is_empty(), "{conversation:?}"),
                ConversationType::Direct => assert!(!led && (active.len() == 2 || !conversation.is_live())),
            }
            assert!(conversation.is_live() || active.is_empty());
            for invite in (0..3).filter_map(|n| conversation.invites().get(invite(n))) {
                assert!(active.contains(&invite.by), "an invite goes with its maker");
                assert!(invite.max_uses.is_none_or(|most| invite.uses <= most.get()));
            }
            for user in active {
                assert_eq!(conversation.member(user).map(|member| member.status), Some(MemberStatus::Active));
                assert_eq!(conversation.may_take_part(user), Ok(()));
            }
        });
    }

    /// Whoever a lead removed is in again only by a lead: added, or let in.
    #[test]
    fn who_was_removed_comes_back_by_a_lead_alone(commands in vec(conversation_commands(), 0..80)) {
        use ConversationEvent as Event;
        let (mut conversation, mut removed) = (Conversation::default(), BTreeSet::new());
        for command in commands {
            let before = conversation.clone();
            for event in conversation.decide(command).unwrap_or_default() {
                match &event {
                    Event::MemberKicked { user, .. } | Event::MemberRejected { user, .. } => {
                        removed.insert(*user);
                    }
                    Event::MemberAdded { user, by, .. } | Event::MemberApproved { user, by } => {
                        prop_assert!(!removed.remove(user) || before.is_lead(*by), "{event:?}");
                    }
                    Event::MemberJoined { user, .. } | Event::MemberRequested { user, .. } => {
                        prop_assert!(!removed.contains(user), "{event:?}");
                    }
                    _ => (),
                }
                cqrs_es::Aggregate::apply(&mut conversation, event);
            }
        }
    }

    /// Each command is given those who cannot act, and what an account's change entails follows at once, as the reactor
    /// sees to it: then somebody who can act leads, whenever anybody can.
    #[test]
    fn somebody_who_can_act_leads(steps in vec((conversation_commands(), users(), any::<bool>()), 0..60)) {
        let (mut conversation, mut idle) = (Conversation::default(), BTreeMap::<UserId, bool>::new());
        for (mut command, turned, cannot) in steps {
            idle.insert(turned, cannot);
            let cannot: BTreeSet<_> = idle.iter().filter(|(_, cannot)| **cannot).map(|(user, _)| *user).collect();
            let settle = ConversationCommand::Settle { idle: cannot.clone() };
            match &mut command {
                ConversationCommand::Leave { idle, .. }
                | ConversationCommand::Demote { idle, .. }
                | ConversationCommand::Settle { idle } => *idle = cannot.clone(),
                _ => (),
            }
            // Who cannot act does nothing.
            if actor(&command).is_some_and(|actor| cannot.contains(&actor)) {
                continue;
            }
            for command in [settle.clone(), command, settle] {
                for event in conversation.decide(command).unwrap_or_default() {
                    cqrs_es::Aggregate::apply(&mut conversation, event);
                }
            }
            if conversation.is_live() && conversation.conversation_type() == ConversationType::Group {
                let led = matches!(conversation.succession(None, &cannot), Succession::Lead(_));
                let able = conversation.active().any(|user| !cannot.contains(&user));
                prop_assert_eq!(led, able, "{:?}", conversation);
            }
        }
    }

    #[test]
    fn a_message_keeps_its_rules(commands in vec(message_commands(), 0..200)) {
        let (mut sender, mut deleted) = (None, false);
        play::<Message>(commands, |message| {
            let now = message.posted().map(|posted| posted.sender);
            assert!(sender.is_none() || sender == now, "its sender never changes");
            assert!(message.is_deleted() || !deleted, "what is deleted stays deleted");
            assert!(message.reactions().len() <= MAX_REACTIONS);
            assert!(message.reactions().values().all(|users| !users.is_empty()));
            assert!(!message.is_deleted() || message.reactions().is_empty());
            let blank = message.posted().is_some_and(|posted| {
                posted.content.as_ref().is_none_or(|content| content.body.as_str().trim().is_empty())
            });
            assert!(!blank, "a text message has text");
            (sender, deleted) = (now, message.is_deleted());
        });
    }

    #[test]
    fn a_message_folds_from_any_events(events in vec(message_events(), 0..60), command in message_commands()) {
        let mut message = Message::default();
        for event in events {
            cqrs_es::Aggregate::apply(&mut message, event);
            prop_assert!(message.reactions().values().all(|users| !users.is_empty()));
        }
        let _ = message.decide(command);
    }

    #[test]
    fn nobody_is_a_friend_across_a_block(steps in vec((any::<bool>(), acts()), 0..60)) {
        let (one, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let commands = steps.into_iter().map(|(turned, act)| {
            let (by, with) = if turned { (other, one) } else { (one, other) };
            FriendshipCommand { by, with, act, now: Timestamp::default() }
        });
        play::<Friendship>(commands.collect(), |pair| {
            let blocked = pair.is_blocked_by(one) || pair.is_blocked_by(other);
            assert!(!blocked || pair.standing() == Standing::Strangers);
            assert_eq!(pair.may_approach(one, other).is_ok(), !blocked);
            assert_eq!(pair.may_approach(other, one).is_ok(), !blocked);
        });
    }

    #[test]
    fn a_read_marker_only_moves_forward(commands in vec(marks(), 0..60)) {
        let head = commands.iter().map(|command| command.head).max().unwrap_or_default();
        let (mut read, mut delivered) = (0, 0);
        play::<ReadMarker>(commands, |marker| {
            assert!(marker.read() >= read && marker.delivered() >= delivered);
            assert!(marker.read() <= marker.delivered() && marker.delivered() <= head);
            (read, delivered) = (marker.read(), marker.delivered());
        });
    }

    #[test]
    fn repeating_what_was_accepted_changes_nothing_or_is_refused(commands in vec(conversation_commands(), 0..40)) {
        let mut conversation = Conversation::default();
        for command in commands {
            for event in conversation.decide(command.clone()).unwrap_or_default() {
                cqrs_es::Aggregate::apply(&mut conversation, event);
            }
            let again = conversation.decide(command.clone()).unwrap_or_default();
            prop_assert!(again.is_empty(), "{command:?} again gives {again:?}");
        }
    }

    #[test]
    fn whoever_is_in_a_call_has_company_or_waits_for_it(commands in vec(call_commands(), 0..60)) {
        let mut was_over = false;
        play::<Call>(commands, |call| {
            let present = call.with_standing(CallStanding::Present).count();
            let ringing = call.with_standing(CallStanding::Ringing).count();
            match call.status() {
                CallStatus::Ringing if call.begun().is_none() => assert_eq!(call.size(), 0),
                CallStatus::Ringing => assert!(present == 1 && ringing > 0),
                CallStatus::Ongoing => assert!((2..=MAX_PARTICIPANTS).contains(&present)),
                CallStatus::Ended | CallStatus::Missed | CallStatus::Refused => {
                    assert_eq!((present, ringing), (0, 0), "nobody is left in what is over");
                }
            }
            assert_eq!(call.end_reason().is_some(), call.begun().is_some() && !call.is_active());
            assert!(!(was_over && call.is_active()), "what is over stays over");
            was_over = call.end_reason().is_some();
        });
    }

    #[test]
    fn repeating_what_a_call_accepted_changes_nothing(commands in vec(call_commands(), 0..40)) {
        let mut call = Call::default();
        for command in commands {
            for event in call.decide(command.clone()).unwrap_or_default() {
                cqrs_es::Aggregate::apply(&mut call, event);
            }
            let again = call.decide(command.clone()).unwrap_or_default();
            prop_assert!(again.is_empty(), "{command:?} again gives {again:?}");
        }
    }

    #[test]
    fn decoding_never_panics(kind in 0..samples::KINDS, version in 0..4_u16, payload in json()) {
        let sample = &samples::samples()[kind];
        if let Ok(event) = Event::decode(sample.kind().name, version, payload) {
            prop_assert_eq!(samples::number(&event), kind);
        }
    }
}
