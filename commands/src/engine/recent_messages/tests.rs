use super::*;
use crate::SendMessage;
use domain::{
    ConversationId,
    message::{MessageContent, MessageType},
    text::MessageBody,
};
use std::collections::BTreeSet;

const USER: UserId = UserId(Uuid::from_u128(0x0193_6000_0000_7000_8000_0000_0000_0001));

fn message(room: u128, body: &str, mentions: usize) -> SendMessage {
    SendMessage {
        id: None,
        conversation: ConversationId(Uuid::from_u128(room)),
        message_type: MessageType::Text,
        content: MessageContent { body: MessageBody::parse(body).unwrap(), attachments: vec![] },
        reply_to: None,
        mentions: vec![USER; mentions],
        seen: BTreeSet::new(),
    }
}

fn utterance(request: &SendMessage) -> Utterance<'_> {
    let target = request.conversation.0;
    Utterance { mentions: request.mentions.len(), ..Utterance::of(request.content.body.as_str(), target) }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(0x0193_6000_0000 + ms)
}

#[test]
fn recent_texts_are_counted_and_older_ones_are_not() {
    let recent = RecentMessages::new(true);
    let note = |request: &SendMessage, ms| recent.record(USER, &utterance(request), None, at(ms)).unwrap();
    note(&message(1, "Buy  NOW https://a.example", 2), 0);
    note(&message(2, "something else", 1), 20_000);
    let inputs = note(&message(1, "buy now\nhttps://A.example", 0), 60_000);
    let want = Inputs {
        identical: 2,
        links: 1,
        recent_links: 2,
        recent_mentions: 3,
        conversations: 2,
        burst: 1,
        age: Some(60),
        ..Inputs::default()
    };
    assert_eq!(inputs, want);
    let later = note(&message(1, "", 0), 60_001);
    assert_eq!((later.identical, later.recent_mentions, later.burst, later.conversations), (0, 1, 2, 2));
}

#[test]
fn a_repeated_message_counts_once_unless_it_was_refused() {
    let recent = RecentMessages::new(true);
    let request = message(1, "hello", 0);
    assert!(recent.record(USER, &utterance(&request), Some("key"), at(0)).is_some());
    assert!(recent.record(USER, &utterance(&request), Some("key"), at(1)).is_none());
    assert_eq!(recent.record(USER, &utterance(&request), Some("other"), at(2)).unwrap().identical, 2);
    recent.mark_refused(USER);
    assert_eq!(recent.record(USER, &utterance(&request), Some("other"), at(3)).unwrap().identical, 3);
}

#[test]
fn the_messages_of_an_account_are_bounded() {
    let recent = RecentMessages::new(true);
    for n in 0..5_000 {
        let inputs = recent.record(USER, &utterance(&message(n, &n.to_string(), 0)), None, at(0)).unwrap();
        assert!(inputs.burst as usize <= MESSAGES);
    }
    assert_eq!(recent.accounts.of(USER).lock().len(), MESSAGES);
}

#[test]
fn the_messages_of_all_accounts_are_bounded_in_bytes() {
    let recent = RecentMessages::new(true);
    assert_eq!(size_of::<Sent>(), 40);
    let flood = message(1, "hello", 0);
    for user in (0..1_000).map(|n| UserId(Uuid::from_u128(n))) {
        recent.record(user, &utterance(&flood), None, at(0));
        let window = recent.accounts.of(user);
        let first = window.lock()[0];
        window.lock().extend(vec![first; MESSAGES - 2]);
        recent.record(user, &utterance(&flood), None, at(0));
    }
    let cache = &recent.accounts.0;
    let held: usize = cache.iter().map(|(_, window)| window.lock().capacity() * size_of::<Sent>()).sum();
    assert!((MESSAGES_BYTES / 2..=MESSAGES_BYTES).contains(&(held as u64)), "{held}");
    assert!(cache.weight() >= held as u64);
    let last = UserId(Uuid::from_u128(999));
    assert_eq!(recent.record(last, &utterance(&flood), None, at(1)).unwrap().identical as usize, MESSAGES);
}

#[test]
fn contacts_with_strangers_are_counted_for_a_day() {
    let recent = RecentMessages::new(true);
    let person = |n: u128| UserId(Uuid::from_u128(n));
    let meet = |title, strangers: &[UserId], is_added, ms| {
        let approach = if is_added { Approach::Added } else { Approach::Asked };
        let strangers = strangers.to_vec();
        let utterance = Utterance { strangers, approach, title, ..Utterance::of("", USER.0) };
        let inputs = recent.with_contacts(USER, &utterance, Inputs::default(), at(ms));
        recent.record_contacts(USER, &utterance, at(ms));
        (inputs.strangers, inputs.unasked, inputs.unasked_links)
    };
    assert_eq!(meet("see http://a.example", &[person(1)], true, 0), (1, 1, 1));
    assert_eq!(meet("", &[person(2)], true, 0), (2, 1, 1));
    assert_eq!(meet("see www.a.example", &[person(2), person(3)], true, 1), (3, 2, 3), "for each of them");
    assert_eq!(meet("", &[person(2)], false, 2), (3, 0, 0), "to be asked is not to be put into a group");
    assert_eq!(meet("", &[], true, 3), (0, 0, 0));
    assert_eq!(meet("", &[person(2)], true, CONTACTS_MS), (3, 3, 3));
    assert_eq!(meet("", &[person(2)], true, CONTACTS_MS + 2), (1, 2, 0));
    for n in 0..2 {
        meet("", &(0..1_000).map(|n| person(n + 10)).collect::<Vec<_>>(), true, CONTACTS_MS + 3 + n);
    }
    assert_eq!(recent.contacts.of(USER).lock().len(), CONTACTS);
}

#[test]
fn a_title_is_said_to_each_stranger_who_was_added() {
    let recent = RecentMessages::new(true);
    assert_eq!(size_of::<Contact>(), 32);
    let people: Vec<_> = (1..=40).map(|n| UserId(Uuid::from_u128(n))).collect();
    let say = |approach, strangers: &[UserId], title: &str, ms| {
        let utterance = Utterance { strangers: strangers.to_vec(), approach, title, ..Utterance::of("", USER.0) };
        let inputs = recent.with_contacts(USER, &utterance, Inputs::default(), at(ms));
        recent.record_contacts(USER, &utterance, at(ms));
        (inputs.identical, inputs.unasked_links)
    };
    assert_eq!(say(Approach::Added, &people[..2], "Buy  now", 0), (2, 0));
    assert_eq!(say(Approach::Added, &people[2..5], "buy NOW", 1), (5, 0));
    assert_eq!(say(Approach::Added, &people[5..40], "", 2), (0, 0), "without a title nothing is said");
    let added = recent.added_among(USER, people.iter().copied().chain([USER]));
    assert_eq!(added, people);
    assert_eq!(say(Approach::Retitled, &added, "buy now", 3), (45, 0));
    assert_eq!(say(Approach::Retitled, &added, "http://a.example", 4), (40, 40));
    assert_eq!(say(Approach::Retitled, &added, "buy now", RECENT_MS + 4), (40, 40), "the links count for a day");
    for n in 0..2 * CONTACTS {
        say(Approach::Retitled, &added, ["one", "two"][n % 2], RECENT_MS + 5);
    }
    assert_eq!(recent.contacts.of(USER).lock().len(), CONTACTS);
    assert_eq!(recent.added_among(USER, people.iter().copied()), people, "new titles drop nobody");
}
