//! Given/when/then for each branch of each command.

use super::{MessageCommand as Command, MessageError as Error, MessageEvent as Event, *};
use crate::{
    ConversationId, MessageId, Personal, Refusal, RefusalKind, UserId,
    testing::{ANA, BOB, CLEO, EVE, ROOM, given, state},
    text::{Emoji, Link, MessageBody},
};
use uuid::Uuid;

fn body(text: &str) -> MessageBody {
    MessageBody::parse(text).unwrap()
}

fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).unwrap()
}

fn attachment() -> Attachment {
    Attachment { file_url: Link::parse("/files/1").unwrap(), thumb_url: None, name: None, size: None, mime: None }
}

fn content(text: &str, attachments: usize) -> MessageContent {
    MessageContent { body: body(text), attachments: vec![attachment(); attachments] }
}

fn draft(message_type: MessageType, content: MessageContent) -> Draft {
    Draft { conversation: ROOM, sender: ANA, message_type, content, reply_to: None, mentions: vec![] }
}

fn hello() -> Draft {
    draft(MessageType::Text, content("hello", 0))
}

fn sent_as(draft: Draft) -> Event {
    let Draft { conversation, sender, message_type, content, reply_to, mentions } = draft;
    Event::Sent { conversation, sender, message_type, content: Personal::new(sender, content), reply_to, mentions }
}

fn sent() -> Event {
    sent_as(hello())
}

fn edit(by: UserId, text: &str) -> Command {
    Command::Edit { by, body: body(text) }
}

fn edited(text: &str) -> Event {
    Event::Edited { conversation: ROOM, by: ANA, body: Personal::new(ANA, body(text)) }
}

const DELETED: Event = Event::Deleted { conversation: ROOM, by: ANA };

fn hidden(user: UserId) -> Event {
    Event::Hidden { conversation: ROOM, user }
}

fn react(user: UserId, text: &str) -> Command {
    Command::React { user, emoji: emoji(text) }
}

fn unreact(user: UserId, text: &str) -> Command {
    Command::Unreact { user, emoji: emoji(text) }
}

fn reacted(user: UserId, text: &str) -> Event {
    Event::Reacted { conversation: ROOM, user, emoji: Personal::new(user, emoji(text)) }
}

fn unreacted(user: UserId, text: &str) -> Event {
    Event::Unreacted { conversation: ROOM, user, emoji: Personal::new(user, emoji(text)) }
}

#[test]
fn a_draft_is_sent_as_it_is() {
    let answer = Draft { reply_to: Some(MessageId(Uuid::from_u128(9))), mentions: vec![BOB], ..hello() };
    for draft in [hello(), answer, draft(MessageType::Image, content("", 1)), draft(MessageType::File, content("x", 0))]
    {
        given::<Message>([]).when(Command::Send(draft.clone())).then_expect_events(vec![sent_as(draft)]);
    }
}

#[test]
fn a_message_says_something_within_limits() {
    for (draft, refusal) in [
        (draft(MessageType::Text, content(" \n", 0)), Error::NoText),
        (draft(MessageType::Text, content("", 1)), Error::NoText),
        (draft(MessageType::Video, content("", 0)), Error::Empty),
        (draft(MessageType::File, content("", MAX_ATTACHMENTS + 1)), Error::TooManyAttachments),
        (Draft { mentions: vec![BOB; MAX_MENTIONS + 1], ..hello() }, Error::TooManyMentions),
    ] {
        given::<Message>([]).when(Command::Send(draft)).then_expect_error(refusal);
    }
}

#[test]
fn a_guid_names_one_message() {
    given::<Message>([sent()]).when(Command::Send(hello())).then_expect_events(vec![]);
    // The same, whatever became of it since.
    given::<Message>([sent(), edited("bye")]).when(Command::Send(hello())).then_expect_events(vec![]);
    for other in [
        Draft { sender: BOB, ..hello() },
        Draft { conversation: ConversationId(Uuid::from_u128(11)), ..hello() },
        draft(MessageType::File, content("hello", 0)),
        draft(MessageType::Text, content("bye", 0)),
    ] {
        given::<Message>([sent(), edited("bye")]).when(Command::Send(other)).then_expect_error(Error::GuidTaken);
    }
}

#[test]
fn its_sender_edits_it() {
    given::<Message>([sent()]).when(edit(ANA, "bye")).then_expect_events(vec![edited("bye")]);
    given::<Message>([sent()]).when(edit(ANA, "hello")).then_expect_events(vec![]);
    given::<Message>([sent(), edited("bye")]).when(edit(ANA, "bye")).then_expect_events(vec![]);
    for (events, by, text, refusal) in [
        (vec![], ANA, "bye", Error::NotFound),
        (vec![sent()], BOB, "bye", Error::SenderOnly),
        (vec![sent()], ANA, " ", Error::NoText),
        (vec![sent(), DELETED], ANA, "bye", Error::Deleted),
        (vec![sent(), hidden(ANA)], ANA, "bye", Error::NotFound),
    ] {
        given::<Message>(events).when(edit(by, text)).then_expect_error(refusal);
    }
    let picture = sent_as(draft(MessageType::Image, content("look", 1)));
    given::<Message>([picture.clone()]).when(edit(ANA, "")).then_expect_events(vec![edited("")]);
    let now = state::<Message>([picture, edited("")]);
    assert_eq!(now.posted().unwrap().content, Some(content("", 1)), "attachments stay");
}

#[test]
fn a_moderator_removes_a_hidden_message() {
    let remove = Command::Remove { by: EVE };
    let removed = Event::Deleted { conversation: ROOM, by: EVE };
    given::<Message>([]).when(remove.clone()).then_expect_error(Error::NotFound);
    given::<Message>([sent(), hidden(EVE)]).when(remove.clone()).then_expect_events(vec![removed]);
    given::<Message>([sent(), DELETED]).when(remove).then_expect_events(vec![]);
}

#[test]
fn a_forgotten_message_stays_forgotten() {
    let Event::Sent { conversation, sender, message_type, reply_to, mentions, .. } = sent() else { panic!("sent") };
    let content = Personal::forgotten(sender);
    let forgotten = Event::Sent { conversation, sender, message_type, content, reply_to, mentions };
    given::<Message>([forgotten.clone()]).when(edit(ANA, "bye")).then_expect_error(Error::NotFound);
    given::<Message>([forgotten.clone()]).when(Command::Send(hello())).then_expect_error(Error::GuidTaken);
    let lost = Event::Edited { conversation: ROOM, by: ANA, body: Personal::forgotten(ANA) };
    assert_eq!(state::<Message>([sent(), lost]).posted(), state::<Message>([sent()]).posted());
    assert_eq!(state::<Message>([forgotten, edited("bye")]).posted().unwrap().content, None);
}

#[test]
fn its_sender_or_a_lead_deletes_it() {
    let delete = |by, leads| Command::Delete { by, leads };
    given::<Message>([sent()]).when(delete(ANA, false)).then_expect_events(vec![DELETED]);
    let by_lead = Event::Deleted { conversation: ROOM, by: BOB };
    given::<Message>([sent()]).when(delete(BOB, true)).then_expect_events(vec![by_lead]);
    given::<Message>([sent(), DELETED]).when(delete(ANA, false)).then_expect_events(vec![]);
    for (events, by, leads, refusal) in [
        (vec![], ANA, true, Error::NotFound),
        (vec![sent()], BOB, false, Error::SenderOnly),
        (vec![sent(), DELETED], BOB, false, Error::SenderOnly),
        (vec![sent(), hidden(BOB)], BOB, true, Error::NotFound),
    ] {
        given::<Message>(events).when(delete(by, leads)).then_expect_error(refusal);
    }
    let gone = state::<Message>([sent(), reacted(BOB, "👍"), DELETED]);
    assert!(gone.is_deleted() && gone.reactions().is_empty());
}

#[test]
fn anybody_hides_it_for_themselves() {
    let hide = |user| Command::Hide { user };
    given::<Message>([sent()]).when(hide(BOB)).then_expect_events(vec![hidden(BOB)]);
    given::<Message>([sent(), DELETED]).when(hide(BOB)).then_expect_events(vec![hidden(BOB)]);
    given::<Message>([sent(), hidden(BOB)]).when(hide(BOB)).then_expect_events(vec![]);
    given::<Message>([]).when(hide(BOB)).then_expect_error(Error::NotFound);
    let message = state::<Message>([sent(), hidden(BOB)]);
    assert!(message.is_hidden_for(BOB) && !message.is_hidden_for(ANA));
}

#[test]
fn reactions_are_one_per_person_and_kind() {
    given::<Message>([sent()]).when(react(BOB, "👍")).then_expect_events(vec![reacted(BOB, "👍")]);
    given::<Message>([sent(), reacted(BOB, "👍")]).when(react(BOB, "👍")).then_expect_events(vec![]);
    given::<Message>([sent(), reacted(BOB, "👍")]).when(react(BOB, "🎉")).then_expect_events(vec![reacted(BOB, "🎉")]);
    given::<Message>([sent(), reacted(BOB, "👍")])
        .when(react(CLEO, "👍"))
        .then_expect_events(vec![reacted(CLEO, "👍")]);
    given::<Message>([sent(), reacted(BOB, "👍")])
        .when(unreact(BOB, "👍"))
        .then_expect_events(vec![unreacted(BOB, "👍")]);
    given::<Message>([sent(), reacted(BOB, "👍")]).when(unreact(CLEO, "👍")).then_expect_events(vec![]);
    given::<Message>([sent()]).when(unreact(BOB, "👍")).then_expect_events(vec![]);
    for command in [react(BOB, "👍"), unreact(BOB, "👍")] {
        given::<Message>([]).when(command.clone()).then_expect_error(Error::NotFound);
        given::<Message>([sent(), hidden(BOB)]).when(command.clone()).then_expect_error(Error::NotFound);
        given::<Message>([sent(), DELETED]).when(command).then_expect_error(Error::Deleted);
    }
    let both = [sent(), reacted(BOB, "👍"), reacted(CLEO, "👍"), unreacted(BOB, "👍")];
    assert_eq!(state::<Message>(both.clone()).reactions()[&emoji("👍")].iter().collect::<Vec<_>>(), [&CLEO]);
    assert!(state::<Message>(both.into_iter().chain([unreacted(CLEO, "👍")])).reactions().is_empty());
    // Taken off although it never was on: nothing happens.
    assert_eq!(state::<Message>([sent(), unreacted(CLEO, "👍")]), state::<Message>([sent()]));
}

/// Different emoji.
fn kind(n: usize) -> &'static str {
    emojis::iter().nth(n).unwrap().as_str()
}

#[test]
fn kinds_of_reaction_are_limited_for_all_and_for_each() {
    let people: Vec<_> = (0..MAX_REACTIONS).map(|n| UserId(Uuid::from_u128(1_000 + n as u128 / 10))).collect();
    let full = || [sent()].into_iter().chain(people.iter().enumerate().map(|(n, by)| reacted(*by, kind(n))));
    given::<Message>(full()).when(react(BOB, kind(MAX_REACTIONS))).then_expect_error(Error::TooManyReactions);
    given::<Message>(full()).when(react(CLEO, kind(0))).then_expect_events(vec![reacted(CLEO, kind(0))]);
    let busy = || [sent()].into_iter().chain((0..MAX_OWN_REACTIONS).map(|n| reacted(BOB, kind(n))));
    given::<Message>(busy()).when(react(BOB, "👍")).then_expect_error(Error::TooManyOwnReactions);
    given::<Message>(busy()).when(react(BOB, kind(0))).then_expect_events(vec![]);
    given::<Message>(busy()).when(react(CLEO, "👍")).then_expect_events(vec![reacted(CLEO, "👍")]);
    let room = || busy().chain([unreacted(BOB, kind(0))]);
    given::<Message>(room()).when(react(BOB, "👍")).then_expect_events(vec![reacted(BOB, "👍")]);
}

#[test]
fn reactions_that_look_the_same_are_one_kind() {
    let heart = |user| Event::Reacted { conversation: ROOM, user, emoji: Personal::new(user, Emoji::stored("❤")) };
    let broken = |user| Event::Unreacted { conversation: ROOM, user, emoji: Personal::new(user, Emoji::stored("❤")) };
    given::<Message>([sent(), heart(BOB)]).when(react(CLEO, "❤\u{fe0f}")).then_expect_events(vec![heart(CLEO)]);
    given::<Message>([sent(), heart(BOB)]).when(react(BOB, "❤\u{fe0f}")).then_expect_events(vec![]);
    given::<Message>([sent(), heart(BOB)]).when(unreact(BOB, "❤\u{fe0f}")).then_expect_events(vec![broken(BOB)]);
    let word = || Emoji::claimed("+1").unwrap();
    let old = || [sent(), Event::Reacted { conversation: ROOM, user: BOB, emoji: Personal::new(BOB, word()) }];
    let taken = Event::Unreacted { conversation: ROOM, user: BOB, emoji: Personal::new(BOB, word()) };
    given::<Message>(old()).when(Command::Unreact { user: BOB, emoji: word() }).then_expect_events(vec![taken]);
}

#[test]
fn a_message_is_pinned_until_it_is_unpinned_or_deleted() {
    let pinned = || Event::Pinned { conversation: ROOM, by: BOB };
    let unpinned = || Event::Unpinned { conversation: ROOM, by: BOB };
    let deleted = || Event::Deleted { conversation: ROOM, by: ANA };
    let hidden = || Event::Hidden { conversation: ROOM, user: BOB };
    let (pin, unpin) = (|pinned| Command::Pin { by: BOB, pinned }, || Command::Unpin { by: BOB });
    given::<Message>([sent()]).when(pin(MAX_PINS - 1)).then_expect_events(vec![pinned()]);
    given::<Message>([sent()]).when(pin(MAX_PINS)).then_expect_error(Error::TooManyPins);
    given::<Message>([sent(), pinned()]).when(pin(MAX_PINS)).then_expect_events(vec![]);
    given::<Message>([sent(), pinned()]).when(unpin()).then_expect_events(vec![unpinned()]);
    given::<Message>([sent(), pinned(), unpinned()]).when(unpin()).then_expect_events(vec![]);
    given::<Message>([sent(), pinned(), deleted()]).when(unpin()).then_expect_events(vec![]);
    given::<Message>([sent(), deleted()]).when(pin(0)).then_expect_error(Error::Deleted);
    for command in [pin(0), unpin()] {
        given::<Message>([sent(), hidden()]).when(command.clone()).then_expect_error(Error::NotFound);
        given::<Message>([]).when(command).then_expect_error(Error::NotFound);
    }
    assert!(state::<Message>([sent(), pinned()]).is_pinned());
    assert!(!state::<Message>([sent(), pinned(), deleted()]).is_pinned());
}

#[test]
fn a_message_needs_a_character_that_shows() {
    for unseen in ["\u{200b}", "\u{2800}", "\u{3164}", "\u{ad}", "\u{feff}", "\u{202e}", " \n\u{2060}"] {
        let text = draft(MessageType::Text, content(unseen, 0));
        given::<Message>([]).when(Command::Send(text)).then_expect_error(Error::NoText);
        given::<Message>([sent()]).when(Command::Edit { by: ANA, body: body(unseen) }).then_expect_error(Error::NoText);
    }
}

#[test]
fn each_refusal_has_its_word() {
    for (refusal, code, kind, field) in [
        (Error::NotFound, "not_found", RefusalKind::NotFound, None),
        (Error::GuidTaken, "guid_taken", RefusalKind::Conflict, None),
        (Error::Deleted, "message_deleted", RefusalKind::Conflict, None),
        (Error::TooManyReactions, "too_many_reactions", RefusalKind::Conflict, None),
        (Error::TooManyOwnReactions, "too_many_reactions", RefusalKind::Conflict, None),
        (Error::TooManyEdits, "too_many_edits", RefusalKind::Conflict, None),
        (Error::TooManyReactionChanges, "too_many_reaction_changes", RefusalKind::Conflict, None),
        (Error::TooManyPins, "too_many_pins", RefusalKind::Conflict, None),
        (Error::SenderOnly, "sender_only", RefusalKind::Forbidden, None),
        (Error::NoText, "empty", RefusalKind::Invalid, Some("content")),
        (Error::Empty, "empty", RefusalKind::Invalid, Some("content")),
        (Error::TooManyAttachments, "too_many_attachments", RefusalKind::Invalid, Some("attachments")),
        (Error::TooManyMentions, "too_many_mentions", RefusalKind::Invalid, Some("mentions")),
    ] {
        assert_eq!((refusal.code(), refusal.kind(), refusal.field()), (code, kind, field));
    }
}

#[test]
fn a_message_is_edited_and_reacted_to_only_so_often() {
    let edits = (0..MAX_EDITS).map(|n| edited(if n % 2 == 0 { "a" } else { "b" }));
    let before: Vec<_> = [sent()].into_iter().chain(edits).collect();
    given::<Message>(before[..before.len() - 1].to_vec()).when(edit(ANA, "c")).then_expect_events(vec![edited("c")]);
    given::<Message>(before.clone()).when(edit(ANA, "c")).then_expect_error(Error::TooManyEdits);
    given::<Message>(before).when(edit(ANA, "b")).then_expect_events(vec![]);

    let unreacted = Event::Unreacted { conversation: ROOM, user: BOB, emoji: Personal::new(BOB, emoji("👍")) };
    let toggles = (0..MAX_REACTIONS_EACH).flat_map(|_| [reacted(BOB, "👍"), unreacted.clone()]);
    let mut before: Vec<_> = [sent()].into_iter().chain(toggles).collect();
    given::<Message>(before.clone()).when(react(BOB, "👍")).then_expect_error(Error::TooManyReactionChanges);
    given::<Message>(before.clone()).when(react(CLEO, "👍")).then_expect_events(vec![reacted(CLEO, "👍")]);
    before.pop();
    let take_back = Command::Unreact { user: BOB, emoji: emoji("👍") };
    given::<Message>(before).when(take_back).then_expect_events(vec![unreacted]);
}
