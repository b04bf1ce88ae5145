//! Invariants under any sequence of commands: no panic, and each state stays consistent.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod strategies;

use domain::{
    Aggregate, Event, Timestamp, UserId,
    call::{Call, CallStatus, MAX_PARTICIPANTS, Standing as CallStanding},
    conversation::{Conversation, ConversationCommand, ConversationEvent, ConversationType, MemberStatus, Succession},
    friendship::{Friendship, FriendshipCommand, Standing},
    message::{MAX_REACTIONS, Message},
    read_marker::ReadMarker,
};
use proptest::{collection::vec, prelude::*};
use std::collections::{BTreeMap, BTreeSet};
use strategies::{
    acts, call_commands, conversation_commands, event_types, invite, json, marks, message_commands, message_events,
    users,
};
use uuid::Uuid;

/// Decides each command in turn, and applies the events.
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

/// The actor; an erased person still leaves.
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

    /// A person removed by a lead is in again only through a lead.
    #[test]
    fn only_a_lead_readmits_a_removed_person(commands in vec(conversation_commands(), 0..80)) {
        use ConversationEvent as Event;
        let (mut conversation, mut removed) = (Conversation::default(), BTreeSet::new());
        for command in commands {
            let before = conversation.clone();
            for event in conversation.decide(command).unwrap_or_default() {
                match &event {
                    Event::MemberKicked { user, .. } | Event::MemberRejected { user, .. } => {
                        removed.insert(*user);
                    }
                    Event::MemberAdded { user, by, .. }
                    | Event::MemberInvited { user, by, .. }
                    | Event::MemberApproved { user, by } => {
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
    fn a_member_who_can_act_leads(steps in vec((conversation_commands(), users(), any::<bool>()), 0..60)) {
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
            // An idle person issues no command.
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
    fn a_block_excludes_friendship(steps in vec((any::<bool>(), acts()), 0..60)) {
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
    fn repeating_an_accepted_command_changes_nothing_or_is_refused(commands in vec(conversation_commands(), 0..40)) {
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
    fn a_participant_has_company_or_waits_for_it(commands in vec(call_commands(), 0..60)) {
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
    fn repeating_an_accepted_command_on_a_call_changes_nothing(commands in vec(call_commands(), 0..40)) {
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
    fn decoding_never_panics(known in event_types(), version in 0..4_u16, payload in json()) {
        if let Ok(event) = Event::decode(known.name, version, payload) {
            prop_assert_eq!(event.event_type().name, known.name);
        }
    }
}
