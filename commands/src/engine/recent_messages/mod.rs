//! The recent messages of each account, for the spam check. Each process counts by itself, in bounded memory.

#[cfg(test)]
mod tests;
mod windows;

use domain::{
    Timestamp, UserId,
    conduct::{Inputs, links},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher as _},
    num::NonZeroU64,
};
use uuid::Uuid;
use windows::Windows;

/// The window of recent messages.
pub(crate) const RECENT_MS: i64 = 60_000;
/// The window of a burst.
const BURST_MS: i64 = 10_000;
/// The most messages kept of an account, 40 bytes each: more than a refused burst.
const MESSAGES: usize = 1_024;
/// The most bytes for the messages of all accounts: 800 that flood, or 100,000 with a few messages.
const MESSAGES_BYTES: u64 = 32 << 20;
/// The window of first contacts.
const CONTACTS_MS: i64 = 24 * 60 * 60 * 1_000;
/// The most first contacts kept of an account, 32 bytes each: more than are refused.
const CONTACTS: usize = 600;
/// The most bytes for the first contacts of all accounts.
const CONTACTS_BYTES: u64 = 16 << 20;
/// The recent messages and first contacts of each account.
pub(crate) struct RecentMessages {
    accounts: Windows<Sent>,
    contacts: Windows<Contact>,
    is_on: bool,
}

/// A text or a first contact that the spam check judges.
pub(crate) struct Utterance<'s> {
    pub(crate) text: &'s str,
    /// The conversation or story it belongs to, else the account itself.
    pub(crate) target: Uuid,
    pub(crate) mentions: usize,
    /// People approached who are no friends of the account.
    pub(crate) strangers: Vec<UserId>,
    pub(crate) approach: Approach,
    /// The title under which strangers find the group in their list.
    pub(crate) title: &'s str,
}

/// How strangers are approached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Approach {
    /// By a request or a direct conversation.
    Asked,
    /// They are added to a group, or invited.
    Added,
    /// A group to which they were added gets another title.
    Retitled,
}

#[derive(Clone, Copy)]
struct Contact {
    at: i64,
    /// The stranger; of a new title all of them at once.
    with: u64,
    /// The title of the group; `None` for an empty one.
    title: Option<NonZeroU64>,
    /// Links in the title, once for each stranger.
    links: u16,
    /// The strangers who got the title.
    people: u16,
    approach: Approach,
}

/// A message, in hashes.
#[derive(Clone, Copy)]
struct Sent {
    at: i64,
    /// `None` for an empty text.
    text: Option<NonZeroU64>,
    target: u64,
    /// Its idempotency key.
    key: Option<NonZeroU64>,
    links: u16,
    mentions: u16,
    refused: bool,
}

impl RecentMessages {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { accounts: Windows::new(MESSAGES_BYTES), contacts: Windows::new(CONTACTS_BYTES), is_on }
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// `said`, with the first contacts of a day, those of `utterance` included.
    pub(crate) fn with_contacts(
        &self,
        user: UserId,
        utterance: &Utterance<'_>,
        said: Inputs,
        now: Timestamp,
    ) -> Inputs {
        if utterance.strangers.is_empty() {
            return said;
        }
        let contacts = self.contacts.of(user);
        let mut contacts = contacts.lock();
        while contacts.front().is_some_and(|first| now.millis().saturating_sub(first.at) > CONTACTS_MS) {
            contacts.pop_front();
        }
        let said = match utterance.approach {
            Approach::Asked => said,
            Approach::Added | Approach::Retitled => with_title(&contacts, utterance, said, now),
        };
        if utterance.approach == Approach::Retitled {
            return said;
        }
        let before = contacts.iter().filter(|contact| contact.approach != Approach::Retitled);
        let people: HashSet<_> =
            before.map(|contact| contact.with).chain(utterance.strangers.iter().map(hash)).collect();
        let strangers = u32::try_from(people.len()).unwrap_or(u32::MAX);
        if utterance.approach == Approach::Asked {
            return Inputs { strangers, ..said };
        }
        let mut unasked: HashMap<u64, u32> = HashMap::new();
        for contact in contacts.iter().filter(|contact| contact.approach == Approach::Added) {
            *unasked.entry(contact.with).or_default() += 1;
        }
        let again = |with: &UserId| unasked.get(&hash(with)).copied().unwrap_or_default() + 1;
        let unasked = utterance.strangers.iter().map(again).max().unwrap_or_default();
        Inputs { strangers, unasked, ..said }
    }

    /// Those of `members` whom `user` added to groups within a day, while they were strangers.
    pub(crate) fn added_among(&self, user: UserId, members: impl Iterator<Item = UserId>) -> Vec<UserId> {
        let contacts = self.contacts.of(user);
        let contacts = contacts.lock();
        let added = contacts.iter().filter(|contact| contact.approach == Approach::Added);
        let added: HashSet<_> = added.map(|contact| contact.with).collect();
        members.filter(|member| added.contains(&hash(member))).collect()
    }

    /// The milliseconds until the oldest contact leaves the window.
    pub(crate) fn contact_wait_ms(&self, user: UserId, now: Timestamp) -> i64 {
        let contacts = self.contacts.of(user);
        let contacts = contacts.lock();
        contacts.front().map_or(CONTACTS_MS, |first| first.at.saturating_add(CONTACTS_MS) - now.millis()).max(RECENT_MS)
    }

    /// Records the strangers of an accepted utterance.
    pub(crate) fn record_contacts(&self, user: UserId, utterance: &Utterance<'_>, now: Timestamp) {
        if utterance.strangers.is_empty() {
            return;
        }
        let window = self.contacts.of(user);
        let mut contacts = window.lock();
        let approach = utterance.approach;
        let contact = Contact {
            at: now.millis(),
            with: 0,
            title: text_hash(utterance.title),
            links: few(links(utterance.title)),
            people: 1,
            approach,
        };
        if approach == Approach::Retitled {
            let people = few(utterance.strangers.len());
            make_room(&mut contacts);
            contacts.push_back(Contact { links: contact.links.saturating_mul(people), people, ..contact });
        } else {
            for with in utterance.strangers.iter().map(hash) {
                // A repeated request or opening is one contact.
                let is_known = |known: &Contact| known.approach != Approach::Retitled && known.with == with;
                if approach == Approach::Asked && contacts.iter().any(is_known) {
                    continue;
                }
                make_room(&mut contacts);
                contacts.push_back(Contact { with, ..contact });
            }
        }
        self.contacts.weigh(user, &window, contacts.capacity());
    }

    /// Records an utterance and returns the inputs of its verdict; `None` if its key was recorded before.
    pub(crate) fn record(
        &self,
        user: UserId,
        utterance: &Utterance<'_>,
        key: Option<&str>,
        now: Timestamp,
    ) -> Option<Inputs> {
        let at = now.millis();
        let key = key.and_then(|key| NonZeroU64::new(hash(key)));
        let links = links(utterance.text);
        let sent = Sent {
            at,
            text: text_hash(utterance.text),
            target: hash(&utterance.target),
            key,
            links: few(links),
            mentions: few(utterance.mentions),
            refused: false,
        };
        let window = self.accounts.of(user);
        let mut messages = window.lock();
        while messages.front().is_some_and(|first| at.saturating_sub(first.at) > RECENT_MS)
            || messages.len() >= MESSAGES
        {
            messages.pop_front();
        }
        if key.is_some() && messages.iter().any(|earlier| earlier.key == key && !earlier.refused) {
            return None;
        }
        messages.push_back(sent);
        self.accounts.weigh(user, &window, messages.capacity());
        let count = |matches: &dyn Fn(&Sent) -> bool| {
            u32::try_from(messages.iter().filter(|sent| matches(sent)).count()).unwrap_or(u32::MAX)
        };
        let sum = |part: &dyn Fn(&Sent) -> u16| messages.iter().map(|sent| u32::from(part(sent))).sum();
        let conversations: HashSet<_> = messages.iter().map(|sent| sent.target).collect();
        Some(Inputs {
            identical: sent.text.map_or(0, |text| count(&|earlier| earlier.text == Some(text))),
            links,
            recent_links: sum(&|sent| sent.links),
            recent_mentions: sum(&|sent| sent.mentions),
            conversations: u32::try_from(conversations.len()).unwrap_or(u32::MAX),
            burst: count(&|earlier| at.saturating_sub(earlier.at) <= BURST_MS),
            age: age(user.0, at),
            ..Inputs::default()
        })
    }

    /// Marks the last message of `user` as refused.
    pub(crate) fn mark_refused(&self, user: UserId) {
        if let Some(last) = self.accounts.of(user).lock().back_mut() {
            last.refused = true;
        }
    }
}

impl<'s> Utterance<'s> {
    pub(crate) const fn of(text: &'s str, target: Uuid) -> Self {
        Self { text, target, mentions: 0, strangers: Vec::new(), approach: Approach::Asked, title: "" }
    }
}

/// `said`, with the title as said to each of the strangers.
fn with_title(contacts: &VecDeque<Contact>, utterance: &Utterance<'_>, said: Inputs, now: Timestamp) -> Inputs {
    let people = u32::try_from(utterance.strangers.len()).unwrap_or(u32::MAX);
    let before = contacts.iter().map(|contact| u32::from(contact.links)).sum::<u32>();
    let unasked_links = before.saturating_add(links(utterance.title).saturating_mul(people));
    let title = text_hash(utterance.title);
    let is_same = |contact: &&Contact| {
        title.is_some() && contact.title == title && now.millis().saturating_sub(contact.at) <= RECENT_MS
    };
    let before = contacts.iter().filter(is_same).map(|contact| u32::from(contact.people)).sum::<u32>();
    let repeats = if title.is_some() { before.saturating_add(people) } else { 0 };
    Inputs { unasked_links, identical: said.identical.max(repeats), ..said }
}

/// Drops the oldest contact when there are too many. New titles without links go first: they count for a minute.
fn make_room(contacts: &mut VecDeque<Contact>) {
    if contacts.len() >= CONTACTS {
        let is_minor = |contact: &Contact| contact.approach == Approach::Retitled && contact.links == 0;
        contacts.remove(contacts.iter().position(is_minor).unwrap_or_default());
    }
}

/// The hash of a text; `None` for an empty one.
fn text_hash(text: &str) -> Option<NonZeroU64> {
    let text = plain(text);
    if text.is_empty() { None } else { NonZeroU64::new(hash(text.as_str())) }
}

/// The age of an account in seconds, by the time in its id (UUID v7).
fn age(user: Uuid, now: i64) -> Option<u64> {
    let (seconds, _) = user.get_timestamp()?.to_unix();
    Some(u64::try_from(now / 1_000).ok()?.saturating_sub(seconds))
}

/// A text in lower case with single spaces: texts that differ in case and white space count as equal.
fn plain(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

/// A count that fits 16 bits; more is spam in any case.
fn few(count: impl TryInto<u16>) -> u16 {
    count.try_into().unwrap_or(u16::MAX)
}

fn hash<T: Hash + ?Sized>(text: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
